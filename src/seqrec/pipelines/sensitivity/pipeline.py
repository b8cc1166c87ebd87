"""sequences, items, transition_graph → sensitivity."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.sensitivity.nodes import measure_sensitivity


def create_pipeline() -> Pipeline:
    """Return the pipeline ``sensitivity``."""
    return Pipeline(
        [
            node(
                measure_sensitivity,
                inputs=[
                    "sequences",
                    "items",
                    "transition_graph",
                    "params:cell",
                    "params:seeds",
                    "params:settings",
                    "params:transitions",
                    "params:sensitivity",
                ],
                outputs="sensitivity",
                name="measure_sensitivity",
            )
        ]
    )
