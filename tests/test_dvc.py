"""dvc.yaml says what the pipelines, the catalog and the code say, in every cell."""

import ast
import shutil
from collections.abc import Iterable, Iterator
from contextlib import chdir
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml
from dvc.repo import Repo
from kedro.framework.startup import bootstrap_project
from kedro.inspection import get_project_snapshot

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
BASE = "conf/base"
PARAMETERS = f"{BASE}/parameters"
GLOBALS = {
    **yaml.safe_load((ROOT / BASE / "globals.yml").read_text()),
    "varied": {"datasets": ["demo"], "models": ["bsarec", "mqsa_ted"]},
    "live": {"datasets": ["demo"], "models": ["mqsa_ted", "hybrid"]},
    "exported": {"datasets": ["demo"], "models": ["bsarec", "caser"]},
}
OPTIONAL = {
    "sensitivity": "varied",
    "refit": "live",
    "recommendation": "live",
    "model_export": "exported",
}
"""Stages of the cells that a list of globals.yml names."""
PARTS = ("dataset", "model", "protocol")

IN_THE_COMMAND = {"params:dataset", "params:model", "params:protocol", "params:cell"}
MADE_OF = {
    "params:settings": (
        *("params:model_options", "params:training", "params:ted"),
        *("params:evaluation.seen_items", "params:evaluation.batch_size"),
    )
}
"""Parameters that several others make together."""
HOW_NOT_WHAT = {
    *("params:raw_dir", "params:engine"),
    *("params:training.device", "params:training.processes"),
}
"""Where the log lies (a dependency by itself), and with how much memory, where and in how many
processes it is computed."""
UNTRACKED_CODE = {
    # what checks names and values, or is there to be fast, and changes no result
    *("seqrec", "cell", "errors", "preparation.read_ahead"),
    *("machine.devices", "machine.heap", "machine.memory", "machine.together"),
    *("files", "interop", "parameters.sections", "parameters.selection", "parameters.blocks"),
    *("parameters.search_space", "parameters.model_layers", "parameters.refusals"),
    *("parameters.section", "parameters.raw_sections", "parameters.named_files"),
    "parameters.section_checks",
    # what a model folder is, and the list of models: the folder's content says it
    *("models.folder", "models", "pipelines"),
}


OF_SOME_MODELS = {"src/seqrec/evidence", "src/seqrec/models/mqsa_ted.py"}
"""What some models need, SEER its encoder: a stage of the matrix names it whatever its model."""


class Stage(NamedTuple):
    name: str
    command: str
    data: set[str]
    code: set[str]
    outs: set[str]
    params: dict[str, set[str]]


@cache
def stages() -> dict[str, Stage]:
    """The stages by name; of the optional ones, those of two cells."""
    with TemporaryDirectory() as folder:
        shutil.copytree(ROOT / BASE, Path(folder, BASE))
        shutil.copy(ROOT / "dvc.yaml", folder)
        Path(folder, BASE, "globals.yml").write_text(yaml.safe_dump(GLOBALS))
        with chdir(folder):  # what stages depend on need not be there
            repo = Repo(folder, uninitialized=True)
            return {stage.name: as_written(stage) for stage in repo.index.stages}


def as_written(stage: Any) -> Stage:
    params = {str(dep.def_path): set(dep.params) for dep in stage.deps if hasattr(dep, "params")}
    paths = {str(dep.def_path) for dep in stage.deps if not hasattr(dep, "params")}
    code = {path for path in paths if path.startswith("src/")}
    outs = {str(out.def_path) for out in stage.outs}
    return Stage(stage.name, stage.cmd, paths - code, code, outs, params)


def chosen(stage: Stage) -> dict[str, str]:
    """What the command chooses: ``--params dataset=…,model=…``."""
    params = stage.command.partition("--params ")[2]
    return dict(part.split("=") for part in params.split(",")) if params else {}


@cache
def snapshot(**runtime: str) -> Any:
    metadata = bootstrap_project(ROOT)
    return get_project_snapshot(metadata=metadata, runtime_params=nested_by_dots(runtime))


def nested_by_dots(values: dict[str, str]) -> dict[str, Any]:
    """``{"a.b": "c"}`` as ``{"a": {"b": "c"}}``."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        section, _, key = name.rpartition(".")
        (found.setdefault(section, {}) if section else found)[key] = value
    return found


def pipeline_of(stage: Stage) -> Any:
    name = stage.name.partition("@")[0]
    (pipeline,) = [part for part in snapshot(**chosen(stage)).pipelines if part.name == name]
    return pipeline


def path_of(name: str, stage: Stage) -> str:
    path = snapshot(**chosen(stage)).datasets[name].filepath
    return str(Path(path).relative_to(ROOT) if Path(path).is_absolute() else path)


def within(path: str, declared: Iterable[str], separator: str = "/") -> bool:
    """Whether a path is one of those that are declared, or lies in one."""
    return any(path == one or path.startswith(f"{one}{separator}") for one in declared)


@pytest.fixture(params=sorted(stages()))
def stage(request: pytest.FixtureRequest) -> Stage:
    return stages()[request.param]


def test_the_stages_are_the_pipelines_in_every_cell() -> None:
    lists = {
        "download": ["downloads"],
        **{name: ["datasets"] for name in ("ingestion", "filtering", "sequences")},
        "transitions": ["datasets", "protocols"],
        **{name: ["datasets", "models", "protocols"] for name in ("training", "evaluation")},
    }
    expected = {"reporting"} | {
        f"{name}@{dataset}-{model}-{protocol}"
        for name, cells in OPTIONAL.items()
        for dataset in GLOBALS[cells]["datasets"]
        for model in GLOBALS[cells]["models"]
        for protocol in GLOBALS["protocols"]
    }
    for name, keys in lists.items():
        cells = [""]
        for key in keys:
            cells = [f"{cell}-{value}" for cell in cells for value in GLOBALS[key]]
        expected |= {f"{name}@{cell[1:]}" for cell in cells}
    assert set(stages()) == expected


def test_an_artifact_is_what_a_stage_makes_of_the_default_cell() -> None:
    with chdir(ROOT):
        artifacts = Repo(str(ROOT), uninitialized=True).artifacts.read()["dvc.yaml"]
    dataset, model, protocol = (GLOBALS[part] for part in PARTS)
    (artifact,) = artifacts.items()
    assert artifact[0] == f"{dataset}-{model}"
    assert artifact[1].path in stages()[f"training@{dataset}-{model}-{protocol}"].outs
    assert artifact[1].type == "model"


def test_the_command_runs_the_pipeline_of_its_name(stage: Stage) -> None:
    name, _, cell = stage.name.partition("@")
    assert stage.command.split(" --params ")[0] == f"kedro run --env base --pipeline {name}"
    assert "-".join(chosen(stage)[part] for part in PARTS if part in chosen(stage)) == cell


def test_data_go_in_and_out_as_the_pipeline_says(stage: Stage) -> None:
    pipeline = pipeline_of(stage)
    outputs = {name for node in pipeline.nodes for name in node.outputs}
    inputs = {name for node in pipeline.nodes for name in node.inputs} - outputs
    read = {path_of(name, stage) for name in inputs if not name.startswith("params:")}
    written = {path_of(name, stage) for name in outputs}
    if "params:raw_dir" in inputs:
        folder = f"data/01_raw/{chosen(stage)['dataset']}"
        (written if stage.name.startswith("download") else read).add(folder)
    assert {path for path in read if not within(path, stage.data)} == set()
    assert {path for path in written if not within(path, stage.outs)} == set()
    # and nothing beyond
    assert {one for one in stage.data if not any(within(path, [one]) for path in read)} == set()
    assert {one for one in stage.outs if not any(within(path, [one]) for path in written)} == set()


def parameters_of(stage: Stage) -> set[str]:
    """What the nodes of a stage are told, in the names of the parameter files."""
    inputs = {name for node in pipeline_of(stage).nodes for name in node.inputs}
    parameters = {name for name in inputs if name.startswith("params:")}
    return {part for name in parameters for part in MADE_OF.get(name, (name,))}


def test_every_parameter_of_the_nodes_is_tracked(stage: Stage) -> None:
    for name in parameters_of(stage) - IN_THE_COMMAND - HOW_NOT_WHAT:
        key = name.removeprefix("params:")
        files = [file for file in files_of(key, chosen(stage)) if holds(file, key)]
        assert files, f"{name} stands in no file"
        for file in files:
            keys = stage.params.get(file)
            assert keys is not None, f"{stage.name} does not track {file}, which has {name}"
            assert not keys or within(key, keys, "."), f"{stage.name}: {name} of {file}"


def files_of(key: str, cell: dict[str, str]) -> Iterator[str]:
    """The files in which a parameter of a cell may be set."""
    section = key.partition(".")[0]
    if section in GLOBALS:
        yield f"{BASE}/globals.yml"
        return
    yield from sorted(str(path.relative_to(ROOT)) for path in (ROOT / PARAMETERS).glob("*.yml"))
    if "dataset" in cell:
        yield f"{PARAMETERS}/datasets/{cell['dataset']}.yml"
    if "model" in cell:
        yield f"{PARAMETERS}/models/{cell['model']}.yml"


def holds(file: str, key: str) -> bool:
    """Whether a file sets a parameter's section, at its top or within a block."""
    section = key.partition(".")[0]
    blocks = yaml.safe_load((ROOT / file).read_text())
    if Path(file).parent.name in ("datasets", "models"):
        return section in str(blocks)
    return section in blocks


def test_no_parameter_is_tracked_that_the_nodes_do_not_ask_for(stage: Stage) -> None:
    told = {name.removeprefix("params:").partition(".")[0] for name in parameters_of(stage)}
    for file, keys in stage.params.items():
        if Path(file).parent.name in ("datasets", "models"):
            continue  # whole: its blocks lie over all sections
        blocks = set(yaml.safe_load((ROOT / file).read_text()))
        sections = {key.partition(".")[0] for key in keys} or blocks
        assert sections <= told, (stage.name, file)


def test_the_code_is_what_the_nodes_import(stage: Stage) -> None:
    nodes = pipeline_of(stage).nodes
    modules = {module_of(SOURCE.parent / node.source.filepath) for node in nodes}
    if "model" in chosen(stage):
        modules.add(f"seqrec.models.{chosen(stage)['model']}")
    imported = imports_of(modules)
    files = {str(FILES[name].relative_to(ROOT)) for name in imported if tracked(name)}
    assert {file for file in files if not within(file, stage.code)} == set()
    needless = {one for one in stage.code if not any(within(file, [one]) for file in files)}
    assert needless <= OF_SOME_MODELS


def tracked(name: str) -> bool:
    short = name.removeprefix("seqrec.")
    # dvc repro has no Spark: its commands run in the environment of conf/base
    elsewhere = name.startswith(("seqrec.datasets", "seqrec.spark"))
    return short not in UNTRACKED_CODE and not elsewhere


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in SOURCE.glob("seqrec/**/*.py")}


def imports_of(names: Iterable[str]) -> set[str]:
    """All modules of the project that these import, and those in turn.

    What changes no result hands none on either: the parameters' types know the protocols by name,
    and no table of the data pipelines depends on how a protocol ranks.
    """
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += direct_imports(name) if tracked(name) else ()
    return reached


@cache
def direct_imports(name: str) -> tuple[str, ...]:
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    names: list[str] = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names += [one if one in FILES else node.module for one in inner]
    return tuple(name for name in names if name in FILES)
