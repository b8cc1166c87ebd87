"""sequences, items, transition_graph → tuning_history → tuning_plot, tuned_parameters."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.tuning.nodes import plot_tuning, search_parameters, write_parameters


def create_pipeline() -> Pipeline:
    """Return the pipeline ``tuning``."""
    return Pipeline(
        [
            node(
                search_parameters,
                inputs=[
                    "sequences",
                    "items",
                    "transition_graph",
                    "params:cell",
                    "params:seeds",
                    "params:settings",
                    "params:transitions",
                    "params:tuning",
                ],
                outputs="tuning_history",
                name="search_parameters",
            ),
            node(
                plot_tuning,
                inputs=["tuning_history", "params:training"],
                outputs="tuning_plot",
                name="plot_tuning",
            ),
            node(
                write_parameters,
                inputs=["tuning_history", "params:cell", "params:training"],
                outputs="tuned_parameters",
                name="write_parameters",
            ),
        ]
    )
