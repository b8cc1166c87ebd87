"""publisher → raw log."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.download.nodes import download_raw_log


def create_pipeline() -> Pipeline:
    """Return the pipeline ``download``."""
    return Pipeline(
        [
            node(
                download_raw_log,
                inputs=["params:dataset", "params:raw", "params:raw_dir"],
                outputs=None,
                name="download_raw_log",
            )
        ]
    )
