"""Settings of which single ones change."""

import pytest

from seqrec.errors import SeqrecError
from seqrec.models import MODELS
from seqrec.models.parts.search_range import SearchRange
from seqrec.parameters.search_space import flat
from seqrec.training.settings import Settings
from seqrec.tuning.space import check_varied, own_space, without_left_out
from tests.test_settings import loader
from tests.trainings import settings


def test_single_parameters_change_and_the_others_stay() -> None:
    present = settings()
    changed = present.changed(
        {"model_options.alpha": 0.9, "training.learning_rate": 0.01, "ted.weight": 0.2}
    )
    assert changed.value("model_options.alpha") == 0.9
    assert changed.value("training.learning_rate") == 0.01
    assert changed.value("ted.weight") == 0.2
    assert changed.value("model_options.c") == present.value("model_options.c") == 3
    assert present.value("model_options.alpha") == 0.5


def test_what_nobody_set_is_as_the_model_has_it() -> None:
    assert settings().value("model_options.hidden_dropout") == 0.5
    assert settings("hybrid").value("model_options.gamma") == 0.85


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("model_options.alhpa", 0.3, "did you mean 'model_options.alpha'?"),
        ("model_options.alpha", 1.5, "parameter model_options.alpha: "),
        ("model_options.c", 4, "c = 4 must be odd"),
        ("training.batch_size", 0, "parameter training.batch_size: "),
        ("training.loss", "bec", "parameter training.loss: "),
    ],
)
def test_a_wrong_value_is_one_line(name: str, value: float, line: str) -> None:
    with pytest.raises(SeqrecError) as error:
        check_varied(settings(), {name: (value,)}, "tuning.spaces")
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_both_ends_of_a_range_are_checked() -> None:
    with pytest.raises(SeqrecError, match=r"model_options\.alpha"):
        check_varied(settings(), {"model_options.alpha": SearchRange(0.5, 1.5)}, "tuning.spaces")


@pytest.mark.parametrize(
    ("present", "name", "line"),
    [
        (settings("markov"), "training.batch_size", "means nothing to model 'markov'"),
        (settings(), "ted.tau", "changes nothing where ted.weight is 0"),
        (settings(protocol="authors"), "ted.weight", "would change the transition graph"),
        (
            settings(protocol="authors", ted={"weight": 0.1}),
            "model_options.max_len",
            "would change the transition graph",
        ),
    ],
)
def test_what_has_no_effect_or_too_much_is_refused(present: Settings, name: str, line: str) -> None:
    with pytest.raises(SeqrecError, match=line):
        check_varied(present, {name: (1, 2)}, "tuning.spaces")


def test_ted_is_varied_where_it_is_on() -> None:
    check_varied(settings(ted={"weight": 0.1}), {"ted.tau": (0.1, 1)}, "tuning.spaces")
    check_varied(settings(), {"ted.weight": (0, 0.1), "ted.tau": (0.1, 1)}, "tuning.spaces")


def test_a_model_brings_its_space_also_for_what_is_set() -> None:
    assert own_space(settings("popularity")) == {}
    assert own_space(settings("fmlprec")) == {
        "model_options.num_blocks": (1, 2, 3),
        "model_options.hidden_dropout": SearchRange(0.1, 0.6),
        "training.learning_rate": SearchRange(0.0003, 0.003, log=True),
    }
    space = {
        "model_options.source_exponent": SearchRange(0.0, 0.8),
        "model_options.target_exponent": SearchRange(0.0, 0.6),
        "model_options.decay": SearchRange(0.2, 1.0),
    }
    assert own_space(settings("cosine")) == space
    assert own_space(settings("cosine", decay=0.5)) == space


def test_null_leaves_a_parameter_out() -> None:
    declared = {"model_options.c": None, "model_options.alpha": (0.1,), "ted.weight": None}
    assert without_left_out(settings(), declared) == {"model_options.alpha": (0.1,)}
    with pytest.raises(SeqrecError) as error:
        without_left_out(settings(), {"model_options.alhpa": None})
    assert str(error.value) == (
        "unknown parameter 'model_options.alhpa' of model 'bsarec';"
        " did you mean 'model_options.alpha'?"
    )


def test_a_counted_model_tries_nothing_out_by_itself() -> None:
    assert settings("hybrid").single().model_options == {"trials": 1}
    assert settings("popularity").single().model_options == {}
    assert settings().single() == settings()


@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("model", MODELS)
def test_every_trained_model_has_a_space_it_can_take(model: str, protocol: str) -> None:
    for dataset in ("demo", "beauty", "ml-1m"):
        parameters = loader(dataset=dataset, model=model, protocol=protocol)["parameters"]
        present = Settings(**parameters["settings"]).checked()
        assert own_space(present)
        check_varied(present, own_space(present), "tuning.spaces")
        sweeps = parameters["sensitivity"].sweeps
        if model in sweeps:
            check_varied(present, flat(sweeps[model]), "sensitivity.sweeps")
