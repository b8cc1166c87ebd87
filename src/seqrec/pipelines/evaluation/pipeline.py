"""models, sequences → ranks, metrics, scores."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.evaluation.nodes import rank_and_measure


def create_pipeline() -> Pipeline:
    """Return the pipeline ``evaluation``."""
    return Pipeline(
        [
            node(
                rank_and_measure,
                inputs=[
                    "models",
                    "sequences",
                    "params:evaluation",
                    "params:training.device",
                    "params:cell",
                    "params:seeds",
                ],
                outputs=["ranks", "metrics", "scores"],
                name="rank_and_measure",
            )
        ]
    )
