"""The best trial, as a file that configuration takes."""

import pyarrow as pa
import yaml

from seqrec.cell import Cell
from seqrec.parameters.selection import select_parameters
from seqrec.tuning.parameter_file import best_trial, parameter_file

HISTORY = pa.table(
    {
        "trial": [1, 2, 3, 4],
        "state": ["finished", "pruned", "finished", "finished"],
        "model_options.alpha": [0.5, 0.9, 0.25, 0.75],
        "training.loss": ["bce", "bce", "bpr", "bce"],
        "value": [0.1, 0.9, 0.3, 0.3],
        "epochs": [2, 1, 2, 2],
        "best_epoch": [2, 1, 1, 2],
    }
)


def text(model: str = "bsarec", dataset: str = "demo", history: pa.Table = HISTORY) -> str:
    return parameter_file(
        history, Cell(dataset, model, "authors"), monitor="NDCG@20", copy="cp here there"
    )


def test_the_first_of_the_best_finished_trials_wins() -> None:
    assert best_trial(HISTORY)["trial"] == 3


def test_the_file_is_a_block_of_the_model_for_the_data_set_and_the_protocol() -> None:
    block = {"model_options": {"alpha": 0.25}, "training": {"loss": "bpr"}}
    cell = {"datasets": {"demo": {"protocols": {"authors": block}}}}
    assert yaml.safe_load(text()) == {"bsarec": cell}
    first, second, *rest = text().splitlines()
    assert first == "# bsarec on demo, protocol authors: trial 3 of 4,"
    assert second == "# NDCG@20 = 0.3000 on validation."
    assert "#   cp here there" in rest
    assert all(len(line) <= 100 for line in rest)


def test_the_file_says_which_runs_take_it() -> None:
    words = " ".join(line.removeprefix("# ") for line in text().splitlines())
    assert "`kedro run` of this model, data set and protocol takes the values after" in words
    assert "`dvc repro` does not read conf/local" in words
    assert "move the block to conf/base/parameters/models/bsarec.yml" in words


def test_the_file_is_one_that_configuration_takes() -> None:
    blocks = {"demo": {"raw": {"files": [{"name": "d.csv", "reader": "table"}]}}}
    blocks |= yaml.safe_load(text())
    defaults = {"dataset": "demo", "model": "bsarec", "engine": {}}
    taken = {
        protocol: select_parameters(blocks, {"protocol": protocol}, defaults)
        for protocol in ("standard", "authors")
    }
    assert taken["authors"]["model_options"] == {"alpha": 0.25}
    assert taken["authors"]["training"].loss == "bpr"
    assert taken["standard"]["model_options"] == {}


def test_a_name_of_digits_stays_a_name() -> None:
    assert yaml.safe_load(text(dataset="2019"))["bsarec"]["datasets"].keys() == {"2019"}


def test_a_counted_model_has_nothing_left_to_try() -> None:
    history = HISTORY.drop_columns("training.loss")
    values = yaml.safe_load(text("hybrid", history=history))["hybrid"]["datasets"]["demo"]
    assert values["protocols"]["authors"] == {"model_options": {"alpha": 0.25, "trials": 1}}
