"""What is drawn of a search."""

from seqrec.tuning.figures import tuning_figure
from tests.tuning.test_parameter_file import HISTORY


def test_every_trial_and_the_best_so_far_are_drawn() -> None:
    figure = tuning_figure(HISTORY, "NDCG@20")
    above = {trace.name: trace for trace in figure.data if trace.xaxis == "x"}
    assert list(above["finished"].x) == [1, 3, 4]
    assert list(above["pruned"].x) == [2]
    assert (list(above["best"].x), list(above["best"].y)) == ([3], [0.3])
    assert list(above["best so far"].y) == [0.1, 0.3, 0.3]
    assert figure.layout.yaxis.title.text == "NDCG@20"


def test_each_parameter_has_a_facet() -> None:
    figure = tuning_figure(HISTORY, "NDCG@20")
    titles = {note.text for note in figure.layout.annotations}
    assert titles >= {"model_options.alpha", "training.loss"}
    alpha = [trace for trace in figure.data if trace.xaxis == "x2" and trace.name == "finished"]
    assert (list(alpha[0].x), list(alpha[0].y)) == ([0.5, 0.25, 0.75], [0.1, 0.3, 0.3])
    assert figure.layout.xaxis3.type == "category"  # a loss has a name
    assert all(trace.showlegend is False for trace in figure.data if trace.xaxis != "x")


def test_a_trial_without_a_value_is_left_out() -> None:
    rows = HISTORY.to_pylist()
    rows[1] |= {"state": "failed", "value": None}
    figure = tuning_figure(HISTORY.from_pylist(rows), "NDCG@20")
    assert "pruned" not in {trace.name for trace in figure.data}


def test_the_same_trials_give_the_same_bytes() -> None:
    assert tuning_figure(HISTORY, "HR@10").to_json() == tuning_figure(HISTORY, "HR@10").to_json()
