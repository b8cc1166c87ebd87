"""All cells present → leaderboard, significance, breakdowns, curves, cost, the papers' pictures."""

from kedro.pipeline import Pipeline, node
from kedro.pipeline.node import Node

from seqrec.pipelines.reporting import figures, nodes, pictures
from seqrec.reporting.figures import cost_figure, learning_curve_figure


def create_pipeline() -> Pipeline:
    """Return the pipeline ``reporting``."""
    return Pipeline([*_tables(), *_figures(), *_pictures()])


def _tables() -> list[Node]:
    return [
        node(
            nodes.rank_models,
            inputs=["all_metrics", "published"],
            outputs="leaderboard",
            name="rank_models",
        ),
        node(
            nodes.compare_models,
            inputs=["all_ranks", "params:reporting"],
            outputs="significance",
            name="compare_models",
        ),
        node(
            nodes.break_down,
            inputs=["all_ranks", "all_sequences", "params:reporting"],
            outputs="breakdowns",
            name="break_down",
        ),
        node(
            nodes.follow_training,
            inputs=["all_histories", "all_metrics"],
            outputs="learning_curves",
            name="follow_training",
        ),
        node(
            nodes.weigh_cost,
            inputs=["all_progress", "all_metrics", "params:reporting"],
            outputs="cost",
            name="weigh_cost",
        ),
    ]


def _figures() -> list[Node]:
    return [
        node(
            figures.draw_leaderboard,
            inputs=["leaderboard", "params:reporting"],
            outputs="leaderboard_plot",
            name="draw_leaderboard",
        ),
        node(
            figures.draw_glance,
            inputs=["leaderboard", "params:protocol", "params:reporting"],
            outputs="glance_plot",
            name="draw_glance",
        ),
        node(
            figures.draw_significance,
            inputs=["significance", "params:reporting"],
            outputs="significance_plot",
            name="draw_significance",
        ),
        node(
            figures.draw_breakdowns,
            inputs=["breakdowns", "params:reporting"],
            outputs="breakdowns_plot",
            name="draw_breakdowns",
        ),
        node(
            figures.draw_transition_frequency,
            inputs=["breakdowns", "params:protocol", "params:reporting"],
            outputs="transition_frequency_plot",
            name="draw_transition_frequency",
        ),
        node(
            learning_curve_figure,
            inputs="learning_curves",
            outputs="learning_curves_plot",
            name="draw_learning_curves",
        ),
        node(cost_figure, inputs="cost", outputs="cost_plot", name="draw_cost"),
        node(
            figures.draw_sensitivity,
            inputs="all_sensitivities",
            outputs="sensitivity_plot",
            name="draw_sensitivity",
        ),
    ]


def _pictures() -> list[Node]:
    return [
        node(
            pictures.look_into_models,
            inputs=[
                "all_models",
                "all_sequences",
                "params:dataset",
                "params:protocol",
                "params:reporting",
            ],
            outputs=[
                "attention_spectrum_plot",
                "learned_filter_plot",
                "singular_values_plot",
                "similarity_plot",
            ],
            name="look_into_models",
        )
    ]
