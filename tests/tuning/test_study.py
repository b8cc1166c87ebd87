"""A search: its first trial, its order, what a cut leaves, what counts as another question."""

import resource
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest

from seqrec.errors import SeqrecError
from seqrec.evaluation.ranker import Ranker
from seqrec.models.parts.search_range import SearchRange
from seqrec.parameters.search_space import nested
from seqrec.parameters.sections import TuningOptions, merged
from seqrec.training import Settings, TrainingData, TrainingResult, train
from seqrec.training.run import AfterEpoch
from seqrec.tuning import study
from seqrec.tuning.space import own_space
from seqrec.tuning.study import Search, make_search, run_search
from tests.trainings import LOG, data_of, settings

SPACE = {
    "bsarec": {
        "model_options": {"alpha": {"low": 0.1, "high": 0.9}, "c": [1, 3, 5]},
        "training": {"learning_rate": {"low": 1e-3, "high": 1e-1, "log": True}},
    }
}
COSINE = ("source_exponent", "target_exponent", "decay")
NAMES = ["model_options.alpha", "model_options.c", "training.learning_rate"]


def alone(spaces: Any) -> Any:
    """Return the spaces with bsarec's own left out where they say nothing of it."""
    own = {group: dict.fromkeys(names) for group, names in nested(own_space(settings())).items()}
    return merged({"bsarec": own}, spaces)


def options(trials: int, spaces: Any = SPACE, **rest: Any) -> TuningOptions:
    return TuningOptions(trials=trials, spaces=alone(spaces), **rest)


def search(
    present: Settings | None = None,
    spaces: Any = SPACE,
    data: TrainingData | None = None,
    seed: int = 3,
) -> Search:
    return make_search(data or data_of(), present or settings(), options(1, spaces), seed=seed)


def tried(file: Path, trials: int, question: Search | None = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = run_search(question or search(), options(trials), file).to_pylist()
    return rows


def test_the_present_settings_come_first_and_others_after(tmp_path: Path) -> None:
    rows = tried(tmp_path / "trials.sqlite", 3)
    assert list(rows[0]) == ["trial", "state", *NAMES, "value", "epochs", "best_epoch"]
    assert [row["trial"] for row in rows] == [1, 2, 3]
    assert [rows[0][name] for name in NAMES] == [0.5, 3, 0.001]
    assert len({row["model_options.alpha"] for row in rows}) == 3
    assert all(row["model_options.c"] in (1, 3, 5) for row in rows)
    assert all((row["state"], row["epochs"]) == ("finished", 2) for row in rows)
    # a trial is what a run with these settings reaches
    values = {name: rows[1][name] for name in NAMES}
    assert train(data_of(), settings().changed(values), 3).trained.best_value == rows[1]["value"]


def test_epochs_that_are_not_validated_count_too(tmp_path: Path) -> None:
    rarely = settings(training={"max_epochs": 6, "validate_every": 5, "patience": 5})
    row = tried(tmp_path / "trials.sqlite", 1, search(rarely))[0]
    assert (row["epochs"], row["best_epoch"]) in ((6, 5), (6, 6))


def test_a_study_of_before_all_epochs_were_kept_has_those_that_were_validated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optuna.Trial, "set_user_attr", lambda *_: None)
    assert tried(tmp_path / "trials.sqlite", 1)[0]["epochs"] == 2


def cut_off_in_trial(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the run die after the first epoch of a trial, counted from 1."""
    real, started = train, [0]

    def mortal(*arguments: Any, after_epoch: AfterEpoch, **rest: Any) -> TrainingResult:
        started[0] += 1

        def dying(row: dict[str, float]) -> None:
            after_epoch(row)
            if started[0] == number:
                raise KeyboardInterrupt

        return real(*arguments, after_epoch=dying, **rest)

    monkeypatch.setattr(study, "train", mortal)


@pytest.mark.parametrize("number", [1, 3])
def test_a_search_in_pieces_is_the_search_in_one(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tried(tmp_path / "whole.sqlite", 4)
    file = tmp_path / "pieces.sqlite"
    with monkeypatch.context() as patch:
        cut_off_in_trial(number, patch)
        said = f"interrupted after {number - 1} of 4 trials; the same command goes on"
        with pytest.raises(SeqrecError, match=said):
            tried(file, 4)
    # what was cut off stands in the file as running, as after a kill
    states = [trial.state.name for trial in trials_in(file)]
    assert states == ["COMPLETE"] * (number - 1) + ["RUNNING"]
    assert tried(file, 4) == whole
    assert [trial.state.name for trial in trials_in(file)].count("FAIL") == 1


def trials_in(file: Path) -> list[optuna.trial.FrozenTrial]:
    storage = f"sqlite:///{file}"
    return optuna.load_study(study_name=search().name, storage=storage).trials


def test_a_finished_search_trains_no_more_and_a_longer_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "trials.sqlite"
    two = tried(file, 2)
    assert tried(file, 3)[:2] == two
    monkeypatch.setattr(study, "train", None)
    assert tried(file, 3)[:2] == two


def test_another_question_is_another_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = {"bsarec": {"model_options": {"alpha": [0.1, 0.5]}}}
    other_log = replace(LOG, items=np.roll(LOG.items, 1))
    questions = [
        search(),
        search(spaces=narrow),
        search(settings(num_heads=2)),
        search(settings(training={"max_epochs": 3})),
        search(settings(protocol="authors")),
        search(settings(ted={"weight": 0.1})),
        search(data=data_of(other_log)),
        search(seed=4),
    ]
    assert len({question.name for question in questions}) == len(questions)
    # where it starts, and where it is computed, does not matter
    same = [settings(alpha=0.7), settings(training={"device": "auto"})]
    assert {search(present).name for present in same} == {search().name}

    # the same question to other code is another one
    here = search().name
    for place in ("__version__", "torch.__version__"):
        with monkeypatch.context() as patch:
            patch.setattr(f"{study.__name__}.{place}", "0.0.0")
            assert search().name != here

    file = tmp_path / "trials.sqlite"
    first = tried(file, 2)
    assert len(tried(file, 1, search(settings(num_heads=2)))) == 1
    assert tried(file, 2) == first


def curves(by_trial: Callable[[int], list[float]]) -> Callable[..., object]:
    """Return a training whose validation values are given, one an epoch."""
    started = [0]

    def fake(
        data: TrainingData, chosen: Settings, seed: int, *, after_epoch: AfterEpoch, **rest: bool
    ) -> object:
        started[0] += 1
        values = by_trial(started[0])
        for epoch, value in enumerate(values, start=1):
            after_epoch({"epoch": epoch, chosen.training.monitor: value})
        return SimpleNamespace(trained=SimpleNamespace(best_value=max(values)))

    return fake


def test_a_hopeless_trial_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, hopeless = [0.2, 0.4, 0.6, 0.5], [0.1, 0.2, 0.1, 0.9]
    monkeypatch.setattr(study, "train", curves(lambda n: hopeless if n == 6 else good))
    history = run_search(search(), options(7, warmup_epochs=3), tmp_path / "trials.sqlite")
    rows = history.to_pylist()
    assert [row["state"] for row in rows] == ["finished"] * 5 + ["pruned", "finished"]
    # at the third epoch, of which the median is 0.6: what came later was never seen
    assert (rows[5]["value"], rows[5]["epochs"], rows[5]["best_epoch"]) == (0.2, 3, 2)
    assert (rows[4]["value"], rows[4]["epochs"], rows[4]["best_epoch"]) == (0.6, 4, 3)


def test_a_trial_that_cannot_be_trained_counts_and_is_not_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverging(number: int) -> list[float]:
        if number == 2:
            raise SeqrecError("training diverged")
        return [0.1]

    monkeypatch.setattr(study, "train", curves(diverging))
    rows = tried(tmp_path / "trials.sqlite", 3)
    assert [row["state"] for row in rows] == ["finished", "failed", "finished"]
    assert [row["value"] for row in rows] == [0.1, None, 0.1]


def test_present_settings_that_cannot_be_trained_end_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverging(number: int) -> list[float]:
        raise SeqrecError("training diverged")

    monkeypatch.setattr(study, "train", curves(diverging))
    with pytest.raises(SeqrecError, match="training diverged"):
        tried(tmp_path / "trials.sqlite", 3)
    monkeypatch.undo()
    assert tried(tmp_path / "trials.sqlite", 1)[0]["model_options.alpha"] == 0.5


def test_test_targets_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    real = Ranker.__init__

    def watched(self: Ranker, sequences: Any, examples: Any, *rest: Any, **more: Any) -> None:
        seen.extend(sequences.split[examples.ends].tolist())
        real(self, sequences, examples, *rest, **more)

    monkeypatch.setattr(Ranker, "__init__", watched)
    rows = tried(tmp_path / "a.sqlite", 3)
    assert set(seen) == {1}  # the validation part
    items = LOG.items.copy()
    items[LOG.split == 2] = 1
    other = search(data=data_of(replace(LOG, items=items)))
    assert tried(tmp_path / "b.sqlite", 3, other) == rows


def test_a_trial_of_a_counted_model_is_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="seqrec")
    question = make_search(data_of(), settings("cosine"), options(2), seed=3)
    tried(tmp_path / "trials.sqlite", 2, question)
    assert [line[:14] for line in caplog.messages] == ["trial   1 of 2", "trial   2 of 2"]


def test_a_counted_model_has_no_epochs(tmp_path: Path) -> None:
    fixed = {"cosine": {"model_options": {"decay": None}}}
    present = settings("cosine", decay=0.5)
    question = make_search(data_of(), present, options(3, fixed), seed=3)
    rows = tried(tmp_path / "trials.sqlite", 3, question)
    assert rows[0]["model_options.source_exponent"] == 0.3
    assert {(row["state"], row["epochs"], row["best_epoch"]) for row in rows} == {
        ("finished", None, None)
    }
    assert len({row["model_options.target_exponent"] for row in rows}) == 3
    assert "model_options.decay" not in rows[0]


def test_a_search_goes_on_after_its_winner_is_in_use(tmp_path: Path) -> None:
    file = tmp_path / "trials.sqlite"
    question = make_search(data_of(), settings("cosine"), options(3, {}), seed=3)
    rows = tried(file, 3, question)
    winner = {name: rows[2][f"model_options.{name}"] for name in COSINE}
    present = settings("cosine", **winner, trials=1)
    again = make_search(data_of(), present, options(5, {}), seed=3)
    assert tried(file, 5, again)[:3] == rows
    # and a new one starts from it
    first, second = tried(tmp_path / "new.sqlite", 2, again)
    assert {name: first[f"model_options.{name}"] for name in COSINE} == winner
    assert second["model_options.decay"] != winner["decay"]
    assert first["value"] == rows[2]["value"]


def test_null_leaves_a_parameter_out_of_the_space() -> None:
    own = {"alpha": [0.1, 0.5], "c": None}
    assert list(search(spaces={"bsarec": {"model_options": own}}).space) == [NAMES[0]]
    with pytest.raises(SeqrecError, match=r"tuning\.spaces says nothing about model 'bsarec'"):
        search(spaces={"bsarec": {"model_options": {"c": None}}})


def test_what_is_declared_lies_over_the_models_own() -> None:
    """In its place, or behind the others of its section."""
    declared = {"bsarec": {"model_options": {"c": [1, 3], "num_blocks": [1, 2]}}}
    space = make_search(data_of(), settings(), TuningOptions(spaces=declared), seed=3).space
    assert list(space) == [
        *("model_options.alpha", "model_options.c", "model_options.num_heads"),
        *("model_options.hidden_dropout", "model_options.attention_dropout"),
        *("model_options.num_blocks", "training.learning_rate"),
    ]
    assert space["model_options.c"] == (1, 3)
    assert space["training.learning_rate"] == SearchRange(0.0003, 0.003, log=True)


def test_the_present_value_is_within_the_space() -> None:
    wider = search(settings(alpha=1.0, c=1), {"bsarec": {"model_options": {
        "alpha": {"low": 0.1, "high": 0.5}, "c": [3, 5]}}})  # fmt: skip
    alpha, c = wider.space["model_options.alpha"], wider.space["model_options.c"]
    assert (alpha.low, alpha.high) == (0.1, 1.0)  # type: ignore[union-attr]
    assert c == (3, 5, 1)
    logarithmic = {"bsarec": {"ted": {"weight": {"low": 0.01, "high": 1.0, "log": True}}}}
    with pytest.raises(SeqrecError, match=r"ted\.weight is 0\.0 at present.* set ted\.weight to"):
        search(spaces=logarithmic)


def test_nothing_to_search_is_one_line() -> None:
    with pytest.raises(SeqrecError, match=r"tuning\.spaces says nothing about model 'bsarec'"):
        search(spaces={})


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "trials.sqlite"
    file.write_bytes(b"no database" * 100)
    with pytest.raises(SeqrecError, match=r"cannot be read .*; remove the file to start anew"):
        tried(file, 1)


def test_a_search_says_that_it_trains_in_one_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And finds what it finds without: how many processes there are is no part of the question."""
    rows = tried(tmp_path / "trials.sqlite", 1)
    assert "one process" not in caplog.text
    several = search(settings(training={"processes": 2}))
    assert tried(tmp_path / "others.sqlite", 1, several) == rows
    assert caplog.text.count("training.processes=2: a search trains its trials in one process") == 1


def cannot(file: Path, reason: str) -> str:
    return rf"^the trials in {file} cannot be opened or written \({reason}\); free some space, or "


@pytest.mark.parametrize("after", ["opening", "a trial"])
def test_a_disk_that_is_full_is_one_line(
    after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file may not grow from there on; what is in it stays, and the search goes on from it."""
    file = tmp_path / "trials.sqlite"
    limits, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    real, size = study._open, file.stat

    def opened(*arguments: Any) -> optuna.Study:
        found = real(*arguments)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size().st_size, limits[1]))
        return found

    rows = tried(file, 1) if after == "a trial" else []
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    monkeypatch.setattr(study, "_open", opened)
    monkeypatch.setattr(study, "train", curves(lambda number: [0.1] * 2000))
    try:
        with pytest.raises(SeqrecError, match=cannot(file, "disk I/O error")) as caught:
            tried(file, 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert tried(file, 1) == (rows or tried(tmp_path / "another.sqlite", 1))


def test_a_place_that_cannot_hold_the_trials_is_one_line(tmp_path: Path) -> None:
    """A folder where the file is to be, and a file where its folder is."""
    (tmp_path / "trials.sqlite").mkdir()
    (tmp_path / "file").touch()
    for file, reason in (
        (tmp_path / "trials.sqlite", "unable to open database file"),
        (tmp_path / "file" / "deeper" / "trials.sqlite", "Not a directory"),
    ):
        with pytest.raises(SeqrecError, match=cannot(file, reason)):
            tried(file, 1)
