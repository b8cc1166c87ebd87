"""The notebook runs as it stands, and so do the lines of the README."""

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from seqrec.preparation.demo_log import BROKEN_LINES_A_KIND
from tests.notebook.circles import circle_log

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks/first_steps.ipynb"
PLOTLY = "application/vnd.plotly.v1+json"
LONGEST = 300
"""Seconds a cell may take on a machine that has much else to do."""

Outputs = dict[str, list[Any]]


def test_it_is_kept_without_outputs() -> None:
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """What each cell shows, run in an empty folder."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "work").mkdir()
    of_its_own = {f"{name}_DIR": str(folder / name) for name in ("JUPYTER_RUNTIME", "JUPYTER_DATA")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in of_its_own.items() | {("IPYTHONDIR", str(folder / "ipython"))}:
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        place = {"metadata": {"path": str(folder / "work")}}
        NotebookClient(notebook, timeout=LONGEST, resources=place).execute()
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


def shown(outputs: Outputs, cell: str, kind: str) -> Any:
    (data,) = (output.data for output in outputs[cell] if "data" in output)
    return data[kind]


def test_what_is_read_is_what_was_written(outputs: Outputs) -> None:
    kinds = 4  # of broken lines, in the demo log
    assert f"{kinds * BROKEN_LINES_A_KIND} rows rejected" in shown(outputs, "read", "text/html")


def test_metrics_have_standard_errors(outputs: Outputs) -> None:
    assert re.search(r"0\.\d{4} ±0\.0\d{3}</td>", shown(outputs, "evaluate", "text/html"))
    assert "\x1b" not in shown(outputs, "evaluate", "text/plain")  # colours of a terminal


def test_there_are_two_pictures(outputs: Outputs) -> None:
    loss, quality = shown(outputs, "curve", PLOTLY)["data"]
    assert len(loss["y"]) == len(quality["y"]) == len(loss["x"])
    assert loss["y"][-1] < loss["y"][0]
    (bars,) = shown(outputs, "picture", PLOTLY)["data"]
    assert bars["y"] == ["bsarec", "markov", "popularity"]
    assert bars["error_x"]["array"]


def test_lists_say_what_they_passed_over(outputs: Outputs) -> None:
    assert "that the model does not know" in shown(outputs, "recommend", "text/html")
    assert "jazz-" in shown(outputs, "similar", "text/html")


def test_nothing_warns(outputs: Outputs) -> None:
    printed = [output.get("text", "") for cell in outputs.values() for output in cell]
    assert "Warning" not in "".join(printed)


def test_the_lines_of_the_readme_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```python\n(import seqrec\n.*?)```", text, flags=re.DOTALL)
    shop = circle_log().set_axis(["customer", "sku", "day"], axis=1)
    shop["sku"] = "sku-" + shop["sku"].str[1:]
    monkeypatch.chdir(tmp_path)
    shop.to_csv("shop.csv", index=False)

    names: dict[str, Any] = {}
    exec(compile(lines, "README.md", "exec"), names)

    assert names["lists"].table.column_names == ["user_id", "rank", "item_id", "score"]
    assert (tmp_path / "shop-bsarec/config.json").is_file()
