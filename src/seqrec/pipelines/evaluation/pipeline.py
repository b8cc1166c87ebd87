"""model, sequences → ranks, metrics."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.evaluation.nodes import rank_and_measure


def create_pipeline() -> Pipeline:
    """Return the pipeline ``evaluation``."""
    return Pipeline(
        [
            node(
                rank_and_measure,
                inputs=[
                    "model",
                    "sequences",
                    "params:evaluation",
                    "params:training",
                    "params:protocol",
                    "params:seed",
                ],
                outputs=["ranks", "metrics"],
                name="rank_and_measure",
            )
        ]
    )
