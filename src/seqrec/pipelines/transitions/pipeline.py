"""sequences → transition_graph."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.transitions.nodes import build_transition_graph


def create_pipeline() -> Pipeline:
    """Return the pipeline ``transitions``."""
    return Pipeline(
        [
            node(
                build_transition_graph,
                inputs=["sequences", "params:transitions"],
                outputs="transition_graph",
                name="build_transition_graph",
            )
        ]
    )
