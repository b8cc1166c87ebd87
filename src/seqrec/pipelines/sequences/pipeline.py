"""core_interactions, filter_report, titles → sequences, users, items."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.sequences.nodes import order_and_split


def create_pipeline() -> Pipeline:
    """Return the pipeline ``sequences``."""
    return Pipeline(
        [
            node(
                order_and_split,
                inputs=["core_interactions", "filter_report", "titles", "params:splitting"],
                outputs=["sequences", "users", "items"],
                name="order_and_split",
            )
        ]
    )
