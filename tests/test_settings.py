"""The project's own configuration files."""

from pathlib import Path

import pytest
import yaml

from seqrec.parameters.blocks import KNOWN_MODELS, datasets_in
from seqrec.settings import SelectingConfigLoader

ROOT = Path(__file__).parents[1]
GLOBALS = yaml.safe_load((ROOT / "conf/base/globals.yml").read_text())


def loader(env: str = "base", **runtime: object) -> SelectingConfigLoader:
    return SelectingConfigLoader(
        str(ROOT / "conf"), env=env, runtime_params=runtime, base_env="base"
    )


DATASETS = sorted(datasets_in(loader()["parameter_blocks"]))


@pytest.mark.parametrize("model", KNOWN_MODELS)
@pytest.mark.parametrize("dataset", DATASETS)
def test_every_data_set_goes_with_every_model(dataset: str, model: str) -> None:
    parameters = loader(dataset=dataset, model=model)["parameters"]
    assert parameters["dataset"] == dataset
    assert parameters["raw"].files


def test_globals_list_what_there_is() -> None:
    assert sorted(GLOBALS["models"]) == sorted(KNOWN_MODELS)
    assert set(GLOBALS["datasets"]) <= set(DATASETS)
    assert len(DATASETS) == 31


def test_an_environment_changes_single_values_of_a_block() -> None:
    base, test = (loader(env)["parameters"] for env in ("base", "test"))
    assert test["training"].max_epochs == 2
    assert test["training"].patience == base["training"].patience
    assert test["model_options"]["c"] == base["model_options"]["c"]
    assert test["engine"].spill_directory == base["engine"].spill_directory


def test_an_empty_section_leaves_the_papers_values() -> None:
    silent = loader(dataset="beauty", training=None, model_options=None, engine=None)
    assert silent["parameters"] == loader(dataset="beauty")["parameters"]
    assert silent["catalog"] == loader(dataset="beauty")["catalog"]


def test_the_papers_values_differ_by_data_set() -> None:
    options = {
        name: loader(dataset=name)["parameters"] for name in ("beauty", "lastfm", "ml-1m", "yelp")
    }
    shown = {
        name: (
            chosen["model_options"]["alpha"],
            chosen["model_options"]["c"],
            chosen["model_options"]["num_heads"],
            chosen["training"].learning_rate,
        )
        for name, chosen in options.items()
    }
    assert shown == {
        "beauty": (0.7, 5, 1, 5e-4),
        "lastfm": (0.9, 3, 1, 1e-3),
        "ml-1m": (0.3, 9, 4, 5e-4),
        "yelp": (0.7, 3, 4, 1e-3),
    }
    beauty = loader(dataset="amazon-2014-beauty")["parameters"]
    assert beauty["model_options"] == options["beauty"]["model_options"]


def test_the_catalog_follows_the_user_s_choice() -> None:
    catalog = loader(dataset="beauty", engine={"memory_limit": "1GB"})["catalog"]
    assert (
        catalog["metrics"]["filepath"] == "data/07_model_output/beauty/bsarec/standard/metrics.json"
    )
    assert catalog["sequences"]["connection"]["memory_limit"] == "1GB"
    assert catalog["sequences"]["connection"]["threads"] is None
