"""sequences, items, transition_graph → model, training_history."""

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
                    "params:dataset",
                    "params:model",
                    "params:protocol",
                    "params:seed",
                    "params:model_options",
                    "params:training",
                    "params:evaluation",
                    "params:ted",
                    "params:transitions",
                ],
                outputs=["training_history", "model"],
                name="train_model",
            )
        ]
    )
