"""models, sequences, items → final_models."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.refit.nodes import refit_models


def create_pipeline() -> Pipeline:
    """Return the pipeline ``refit``."""
    return Pipeline(
        [
            node(
                refit_models,
                inputs=[
                    "models",
                    "sequences",
                    "items",
                    "params:cell",
                    "params:seeds",
                    "params:settings",
                    "params:transitions",
                ],
                outputs="final_models",
                name="refit_models",
            )
        ]
    )
