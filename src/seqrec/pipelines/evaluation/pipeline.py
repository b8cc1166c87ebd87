"""models, sequences, the reports on the data → ranks, metrics, scores, model_card."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.evaluation.nodes import describe_cell, rank_and_measure


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
                    "params:training.processes",
                    "params:cell",
                    "params:seeds",
                ],
                outputs=["ranks", "metrics", "scores"],
                name="rank_and_measure",
            ),
            node(
                describe_cell,
                inputs=[
                    "models",
                    "metrics",
                    "sequences",
                    "ingestion_report",
                    "filter_report",
                    "params:raw",
                    "params:filtering",
                    "params:splitting",
                    "params:transitions",
                    "params:evaluation",
                ],
                outputs="model_card",
                name="describe_cell",
            ),
        ]
    )
