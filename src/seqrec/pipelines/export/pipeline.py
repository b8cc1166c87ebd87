"""sequences → sequence_lines."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.export.nodes import write_sequence_lines


def create_pipeline() -> Pipeline:
    """Return the pipeline ``export``."""
    return Pipeline(
        [
            node(
                write_sequence_lines,
                inputs="sequences",
                outputs="sequence_lines",
                name="write_sequence_lines",
            )
        ]
    )
