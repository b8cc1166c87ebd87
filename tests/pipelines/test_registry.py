"""The pipelines by name, and how they hang together."""

from fnmatch import fnmatch

import pytest
from kedro.framework.project import find_pipelines, pipelines
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog

from seqrec.pipeline_registry import CHAIN, DEFAULT, pipeline_names

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture(autouse=True)
def _bootstrapped(project) -> None:  # type: ignore[no-untyped-def]
    bootstrap_project(project)


def test_names_are_known_without_importing_the_pipelines() -> None:
    assert sorted(pipeline_names()) == sorted(pipelines)
    assert set(CHAIN) < set(pipelines)


def test_the_chain_starts_from_parameters_alone() -> None:
    assert {name.split(":")[0] for name in pipelines[DEFAULT].inputs()} == {"params"}
    assert {"metrics", "ranks", "model_card"} < pipelines[DEFAULT].all_outputs()


def test_only_what_is_asked_for_is_found() -> None:
    assert list(find_pipelines(pipelines_to_find=["filtering"])) == ["filtering"]


def test_every_table_of_a_pipeline_stands_in_the_catalog() -> None:
    from seqrec.settings import SelectingConfigLoader

    config = SelectingConfigLoader("conf", base_env="base", default_run_env="local")
    catalog = DataCatalog.from_config(config["catalog"])
    tables = {
        name
        for pipeline in pipelines.values()
        for name in pipeline.datasets()
        if not name.startswith("params:")
    }
    resolver = catalog.config_resolver
    named = set(catalog.keys())
    by_pattern = {resolver.match_dataset_pattern(name) for name in tables - named}
    assert named <= tables
    assert by_pattern == set(resolver.list_patterns()) - {"{default}"}
    parameters = {
        name.removeprefix("params:").partition(".")[0]
        for pipeline in pipelines.values()
        for name in pipeline.inputs()
        if name.startswith("params:")
    }
    within = {"model", "variant", "model_options", "ted"}  # parts of `cell` and `settings`
    assert parameters | within == set(config["parameters"])


def test_a_table_names_the_pipeline_that_makes_it() -> None:
    from seqrec.settings import SelectingConfigLoader

    catalog = SelectingConfigLoader("conf", base_env="base", default_run_env="local")["catalog"]
    entries = {name: entry for name, entry in catalog.items() if not name.startswith("_")}
    named = {name: entry for name, entry in entries.items() if "made_by" in entry}
    for entry in named.values():
        made = pipelines[entry["made_by"]].all_outputs()
        if "*" in entry["filepath"]:  # of all cells: the file that the pipeline makes in each
            assert any(fnmatch(catalog[table]["filepath"], entry["filepath"]) for table in made)
        else:  # under this name or, where a run chooses, another
            assert entry["filepath"] in {catalog[name]["filepath"] for name in {*made} & {*catalog}}
    assert "all_ranks" in named
    assert "ranks" in named


def test_a_table_lies_in_the_layer_that_kedro_viz_shows() -> None:
    from seqrec.settings import SelectingConfigLoader

    catalog = SelectingConfigLoader("conf", base_env="base", default_run_env="local")["catalog"]
    layers = {
        name: (entry["metadata"]["kedro-viz"]["layer"], entry["filepath"].split("/")[1])
        for name, entry in catalog.items()
        if not name.startswith("_") and entry["filepath"].startswith("data/")
    }
    assert layers
    assert all(layer == folder for layer, folder in layers.values())


def test_no_node_takes_more_than_ten_inputs() -> None:
    nodes = {node for pipeline in pipelines.values() for node in pipeline.nodes}
    assert {node.name: len(node.inputs) for node in nodes if len(node.inputs) > 10} == {}
