"""recommending_models, model_card → exported_models."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.model_export.nodes import prepare_exports


def create_pipeline() -> Pipeline:
    """Return the pipeline ``model_export``."""
    return Pipeline(
        [
            node(
                prepare_exports,
                inputs=["recommending_models", "model_card", "params:cell", "params:seeds"],
                outputs="exported_models",
                name="prepare_exports",
            )
        ]
    )
