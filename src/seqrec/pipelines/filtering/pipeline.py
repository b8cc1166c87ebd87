"""interactions → core_interactions, filter_report."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.filtering.nodes import keep_core_interactions


def create_pipeline() -> Pipeline:
    """Return the pipeline ``filtering``."""
    return Pipeline(
        [
            node(
                keep_core_interactions,
                inputs=["interactions", "ingestion_report", "params:filtering"],
                outputs=["core_interactions", "filter_report"],
                name="keep_core_interactions",
            )
        ]
    )
