"""An exported folder: its README runs as it stands, and a wrong list leaves nothing behind."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner

from seqrec.commands import cli
from seqrec.errors import SeqrecError
from seqrec.export import export_folder, list_check
from seqrec.export.command import _card_for
from seqrec.export.export_folder import Export, check_place, write_export
from seqrec.export.guide import guide
from seqrec.export.list_check import Lists, differing
from seqrec.models import model_class
from seqrec.models.folder import TrainedModel, save_model
from seqrec.recommendation.recommender import Recommender
from tests.export.examples import MAX_LEN, trained
from tests.models.small import ITEMS, small_model

CARD = "# The card\n\nFingerprint of the measured model by seed: 42: `{}`.\n"
ALONE = """
import sys
for name in ("torch", "seqrec", "onnx", "safetensors"):
    sys.modules[name] = None
"""


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return trained("bsarec")


@pytest.fixture(scope="module")
def folder(model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export through the command, of a model in the place it has in a project."""
    data = tmp_path_factory.mktemp("project") / "data"
    cell = "by-hand/bsarec/standard"
    save_model(data / "06_models" / cell / "models" / "42", model)
    card = data / "07_model_output" / cell / "model_card.md"
    card.parent.mkdir(parents=True)
    card.write_text(CARD.format(model.fingerprint()), encoding="utf-8")
    target = data / "out"
    source = data / "06_models" / cell / "models"
    result = CliRunner().invoke(cli, ["export", "--model", str(source), "--to", str(target)])
    assert result.exit_code == 0, result.output
    assert f"model card: {card}" in result.output
    return target


def test_the_folder_has_ids_and_the_cells_card(folder: Path, model: TrainedModel) -> None:
    files = {"model.onnx", "items.parquet", "README.md", "model_card.md"}
    assert {path.name for path in folder.iterdir()} == files
    assert pq.read_table(folder / "items.parquet").equals(model.items)
    assert (folder / "model_card.md").read_text() == CARD.format(model.fingerprint())


@pytest.mark.parametrize(("measured", "goes"), [("its own", True), ("f" * 64, False)])
def test_a_card_of_another_model_stays_where_it_is(
    measured: str, goes: bool, model: TrainedModel, tmp_path: Path
) -> None:
    path = tmp_path / "model_card.md"
    text = CARD.format(model.fingerprint() if goes else measured)
    path.write_text(text)
    card, remark = _card_for(model, path)
    assert card == (text if goes else None)
    assert remark == f"{path}{'' if goes else ' has figures of another model; its own facts alone'}"


def test_the_readmes_lines_run_alone_as_they_stand(folder: Path, model: TrainedModel) -> None:
    text = (folder / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    run = subprocess.run(
        [sys.executable, "-c", ALONE + code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lists = Recommender(model, device="cpu").recommend([["a", "b", "c"], ["c"]], k=10).lists()
    assert run.stdout.strip() == str(list(lists.values()))


def test_a_readme_of_a_model_with_users_and_without(model: TrainedModel) -> None:
    assert "users" not in guide(model)
    (code,) = re.findall(r"```python\n(.*?)```", guide(trained("caser")), flags=re.DOTALL)
    assert '"users": users, ' in code
    compile(code, "README.md", "exec")


def test_a_wrong_list_leaves_the_earlier_folder(
    folder: Path, model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    own = list_check.lists_of_model

    def one_wrong(trained: TrainedModel, histories: list[list_check.Numbers]) -> Lists:
        lists = own(trained, histories)
        lists.scores[3, 0] *= 1.001
        return lists

    monkeypatch.setattr(list_check, "lists_of_model", one_wrong)
    graph = onnx.load(folder / "model.onnx")
    monkeypatch.setattr(export_folder, "graph_of", lambda trained: graph)
    with pytest.raises(SeqrecError, match=r"^1 of 1000 lists .* nothing was written"):
        write_export(folder, Export(model))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_weights_too_large_for_one_file_stand_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing takes such a graph as a whole: ONNX's own checks neither."""
    whole = onnx.checker.check_model

    def no_whole_graph(graph: Any, *rest: Any, **more: Any) -> None:
        if isinstance(graph, onnx.ModelProto):
            raise ValueError("This protobuf of onnx model is too large (>2GiB).")
        whole(graph, *rest, **more)

    monkeypatch.setattr(onnx.checker, "check_model", no_whole_graph)
    model = trained("bsarec")
    options = {**model.options, "dim": 64}
    large = small_model(model_class("bsarec"), "bsarec", "standard", options).eval()
    vectors = (ITEMS + 1) * 64 * 4
    for limit, apart in ((vectors, True), (1 << 30, False)):
        monkeypatch.setattr(export_folder, "LARGEST_FILE", limit)
        folder = tmp_path / str(limit)
        write_export(folder, Export(replace(model, model=large, options=options)))
        assert (folder / "model.onnx.data").exists() == apart
    sizes = [(tmp_path / str(limit) / "model.onnx").stat().st_size for limit in (vectors, 1 << 30)]
    assert sizes[1] - sizes[0] > vectors


def test_a_graph_that_is_none_is_not_put_in_place(
    folder: Path, model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = onnx.load(folder / "model.onnx")
    graph.graph.node[0].op_type = "NoSuchOperation"
    monkeypatch.setattr(export_folder, "graph_of", lambda trained: graph)
    with pytest.raises(onnx.checker.ValidationError, match="NoSuchOperation"):
        write_export(tmp_path / "out", Export(model))
    assert not any(tmp_path.iterdir())


def test_a_folder_with_something_else_is_not_replaced(tmp_path: Path) -> None:
    check_place(tmp_path / "new")
    check_place(tmp_path)  # empty
    (tmp_path / "thesis.tex").touch()
    for place in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(
            SeqrecError, match=r"no exported model, or has other files .* new folder"
        ):
            check_place(place)


WRITTEN = ("model.onnx", "items.parquet", "README.md", "model_card.md")


@pytest.mark.parametrize(
    ("names", "replaced"),
    [
        (WRITTEN, True),
        ((*WRITTEN, "model.onnx.data"), True),
        ((*WRITTEN, "thesis.tex"), False),
        (("model.onnx", "README.md"), False),
        (("model.onnx",), False),
    ],
)
def test_a_model_onnx_does_not_make_a_folder_an_export(
    names: tuple[str, ...], replaced: bool, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).touch()
    if replaced:
        check_place(tmp_path)
        return
    with pytest.raises(SeqrecError, match="is there and no exported model"):
        check_place(tmp_path)


@pytest.mark.parametrize("to", [".", "..", "../here"])
def test_the_working_folder_is_not_replaced(
    to: str, model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(tmp_path / "model", model)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    result = CliRunner().invoke(cli, ["export", "--model", "../model", "--to", to])
    assert (result.exit_code, len(result.output.splitlines())) == (1, 1)
    assert "holds the folder that the command runs in" in result.output


def test_the_model_at_hand_is_not_moved(model: TrainedModel, tmp_path: Path) -> None:
    """Were it on another device, whoever goes on with it would find it on the CPU."""
    live = {id(module) for module in model.model.modules()}
    moved: set[int] = set()
    apply: Any = torch.nn.Module._apply

    def noted(self: torch.nn.Module, *rest: Any, **more: Any) -> Any:
        moved.add(id(self))
        return apply(self, *rest, **more)

    model.model.train()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch.nn.Module, "_apply", noted)
        write_export(tmp_path / "out", Export(model))
    assert moved
    assert not live & moved
    assert model.model.training
    model.model.eval()


@pytest.mark.parametrize("protocol", ["standard", "authors"])
def test_the_models_own_lists(protocol: str) -> None:
    model = trained("bsarec", protocol)
    histories = list_check.random_histories(ITEMS, MAX_LEN, count=20)
    lists = list_check.lists_of_model(model, histories)
    windows = list_check.padded([history[-MAX_LEN:] for history in histories])
    with torch.no_grad():
        scores = model.model.scorer()(torch.from_numpy(windows), torch.zeros(20)).numpy()[:, 1:]
    for history, row, items, found in zip(histories, scores, *lists, strict=True):
        row[history - 1] = 0.0 if protocol == "authors" else -np.inf
        order = np.argsort(-row, kind="stable")
        kept = int(np.isfinite(row).sum())
        assert items.tolist() == [*(order[:kept] + 1), *[0] * (ITEMS - kept)]
        np.testing.assert_allclose(found[:kept], row[order[:kept]], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("items", "scores", "wrong"),
    [
        ([1, 2, 3], [3.0, 2.0, 1.0], 0),
        ([2, 1, 3], [3.0, 2.0, 1.0], 1),  # the scores of their places, not their own
        ([1, 2, 4], [3.0, 2.0, 1.0], 0),  # as good as the last one
        ([4, 2, 3], [3.0, 2.0, 1.0], 1),  # no better than the last one
        ([1, 2, 3], [3.0, 2.0, 1.0 + 2e-5], 0),
        ([1, 2, 3], [3.0, 2.0, 1.0 + 4e-5], 1),
        ([1, 2, 3], [3.0, 2.0, float("nan")], 1),
        ([1, 2, 0], [3.0, 2.0, 0.0], 1),
    ],
)
def test_which_lists_differ(items: list[int], scores: list[float], wrong: int) -> None:
    expected = Lists(np.array([[1, 2, 3]]), np.array([[3.0, 2.0, 1.0]]))
    assert differing(Lists(np.array([items]), np.array([scores])), expected) == wrong


def test_equals_may_change_places() -> None:
    expected = Lists(np.array([[1, 2]]), np.array([[2.0, 2.0]]))
    assert differing(Lists(np.array([[2, 1]]), np.array([[2.0, 2.0]])), expected) == 0


def test_what_is_no_model_is_a_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["export", "--model", str(tmp_path), "--to", str(tmp_path)])
    assert (result.exit_code, len(result.output.splitlines())) == (1, 1)
    assert "no model.safetensors in the model folder" in result.output


@pytest.mark.parametrize("reports", [False, True])
def test_onnxruntime_reports_nothing_of_what_is_run(reports: bool, tmp_path: Path) -> None:
    # what it leaves in the temporary folder when it begins to report shows whether it does
    first = "import onnxruntime" if reports else "import seqrec.export, onnxruntime"
    quiet = ("ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "CI")
    kept = {name: value for name, value in os.environ.items() if name not in quiet}
    subprocess.run(
        [sys.executable, "-c", f"{first}; onnxruntime.SessionOptions()"],
        env={**kept, "TMPDIR": str(tmp_path)},
        check=True,
    )
    if reports and not any(tmp_path.iterdir()):
        pytest.skip("this build of onnxruntime reports nothing")
    assert any(tmp_path.iterdir()) == reports
