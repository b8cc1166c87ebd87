"""raw log → interactions, rejected_rows, ingestion_report, titles."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.ingestion.nodes import read_raw_log


def create_pipeline() -> Pipeline:
    """Return the pipeline ``ingestion``."""
    return Pipeline(
        [
            node(
                read_raw_log,
                inputs=[
                    "params:dataset",
                    "params:raw",
                    "params:raw_dir",
                    "params:ingestion",
                    "params:engine",
                ],
                outputs=["interactions", "rejected_rows", "ingestion_report", "titles"],
                name="read_raw_log",
            )
        ]
    )
