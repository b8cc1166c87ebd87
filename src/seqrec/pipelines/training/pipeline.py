"""sequences, items, transition_graph → training_history, progress, models."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.training.nodes import train_model


def create_pipeline() -> Pipeline:
    """Return the pipeline ``training``."""
    return Pipeline(
        [
            node(
                train_model,
                inputs=[
                    "sequences",
                    "items",
                    "transition_graph",
                    "params:cell",
                    "params:seeds",
                    "params:settings",
                    "params:transitions",
                ],
                outputs=["training_history", "progress", "models"],
                name="train_model",
            )
        ]
    )
