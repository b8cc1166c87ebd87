"""The settings without YAML are those of the parameter files."""

from typing import Any

import pytest
import yaml

from benchmarks import ROOT
from benchmarks.sequences import FILES, SYNTHETIC
from benchmarks.settings import published
from seqrec.errors import SeqrecError
from seqrec.models import MODELS
from seqrec.parameters.sections import merged

TRANSITIONS = yaml.safe_load((ROOT / "conf/base/parameters/data.yml").read_text())["transitions"]
"""Say how far apart the distilled transitions may be, where the model leaves it open."""


def block(model: str, dataset: str) -> dict[str, Any]:
    text = (ROOT / f"conf/base/parameters/models/{model}.yml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)[model]
    return merged(values, values.pop("datasets").get(dataset))


@pytest.mark.parametrize("dataset", FILES)
@pytest.mark.parametrize("model", MODELS)
def test_settings_are_those_of_the_parameter_files(model: str, dataset: str) -> None:
    ours, theirs = published(model, dataset), block(model, dataset)
    assert ours.model_options == theirs["model_options"]
    assert ours.training.items() <= ({"loss": "cross_entropy"} | theirs["training"]).items()
    assert ours.training.keys() == {"batch_size", "learning_rate", "loss"}
    ted = theirs.get("ted", {})
    assert ted.get("time_span") is None
    assert ours.ted == (ted and {**ted, "time_span": TRANSITIONS["time_span"]})


def test_made_up_sequences_take_those_of_beauty() -> None:
    assert published("bsarec", SYNTHETIC) == published("bsarec", "beauty")


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(SeqrecError, match="did you mean 'bsarec'"):
        published("bsrec", "beauty")
