"""recommending_models, sequences, users → recommendations."""

from kedro.pipeline import Pipeline, node

from seqrec.pipelines.recommendation.nodes import recommend_to_users


def create_pipeline() -> Pipeline:
    """Return the pipeline ``recommendation``."""
    return Pipeline(
        [
            node(
                recommend_to_users,
                inputs=[
                    "recommending_models",
                    "sequences",
                    "users",
                    "params:recommendation",
                    "params:training.device",
                    "params:engine",
                    "params:cell",
                    "params:seeds",
                ],
                outputs="recommendations",
                name="recommend_to_users",
            )
        ]
    )
