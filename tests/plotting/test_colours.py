"""Colours: every model has its own, also one that nobody chose a colour for."""

from seqrec.models import COUNTING_MODELS, MODELS
from seqrec.plotting.colours import CHOSEN, COLOURS, OTHERS, colour, faded, in_order, of_models


def test_every_model_of_the_project_has_a_colour_of_its_own() -> None:
    assert list(COLOURS) == [*MODELS, *COUNTING_MODELS]
    assert len({*COLOURS.values(), *OTHERS}) == len(COLOURS) + len(OTHERS)


def test_colours_that_figures_show_stay_and_none_is_left_of_a_model_that_is_gone() -> None:
    assert colour("bsarec") == "#1f5fa8"
    assert CHOSEN.keys() <= COLOURS.keys()
    assert {name: COLOURS[name] for name in CHOSEN} == CHOSEN


def test_a_new_model_needs_no_line_and_takes_nobodys_colour() -> None:
    """Wherever it stands in the list; the others keep theirs."""
    colours = of_models(["first", *CHOSEN, "second", "third"])
    assert list(colours) == ["first", *CHOSEN, "second", "third"]
    assert {name: colours[name] for name in CHOSEN} == CHOSEN
    assert len({*colours.values(), *OTHERS}) == len(CHOSEN) + 3 + len(OTHERS)
    assert colours == of_models(["first", *CHOSEN, "second", "third"])


def test_a_model_of_another_project_has_always_the_same_colour() -> None:
    assert colour("mine") == colour("mine") in OTHERS


def test_models_stand_as_the_project_lists_them_and_others_after_them() -> None:
    assert in_order(["zeta", "markov", "alpha", "bsarec"]) == ["bsarec", "markov", "alpha", "zeta"]


def test_a_faded_colour_keeps_its_channels() -> None:
    assert faded("#1f5fa8", 0.3) == "rgba(31, 95, 168, 0.3)"
