"""docs/first_steps.md: the notebook, run, with what its cells show."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import plotly
from nbclient import NotebookClient

from pages.markdown import MADE_BY
from pages.settings import ROOT

NOTEBOOK = ROOT / "notebooks/first_steps.ipynb"
PLOTLY = "application/vnd.plotly.v1+json"
SCRIPT = "plotly.min.js"
SECONDS = 300
"""What a cell may take on a machine that has much else to do."""
FIGURE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title><script src="{script}"></script>
<style>html, body, #figure {{ margin: 0; height: 100%; background: #fff; }}</style>
<div id="figure"></div>
<script>
const figure = {figure};
figure.layout.autosize = true;
Plotly.newPlot("figure", figure.data, figure.layout, {{responsive: true, displayModeBar: false}});
</script></html>
"""
FRAME = (
    '<iframe src="{src}" title="{title}" loading="lazy" '
    'style="width: 100%; height: {height}px; border: 0"></iframe>'
)
CODE = "<!-- run by: tests/end_to_end/test_notebook.py -->\n```python\n{}\n```"
HEIGHT = 450
"""Of a figure that does not say how high it is, as Plotly draws it."""


def write(docs: Path) -> None:
    """Run the notebook and write its page and pictures.

    Args:
        docs: the folder of the documentation; the page lies in it, its pictures in ``first_steps``.
    """
    folder = docs / "first_steps"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(Path(plotly.__file__).parent / "package_data" / SCRIPT, folder / SCRIPT)
    blocks = [block for cell in run().cells for block in _of_cell(cell, folder)]
    title, *rest = blocks
    text = "\n\n".join([title, MADE_BY, *rest])
    (docs / "first_steps.md").write_text(f"{text}\n", encoding="utf-8")


def run() -> Any:
    """Return the notebook with its outputs, run in a folder of its own."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    with TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        own = {"JUPYTER_RUNTIME_DIR": folder, "JUPYTER_DATA_DIR": folder, "IPYTHONDIR": folder}
        client = NotebookClient(notebook, timeout=SECONDS, resources=place)
        client.execute(env=os.environ | own | {"PYTHONPATH": path})
    return notebook


def _of_cell(cell: Any, folder: Path) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield from cell.source.split("\n\n", 1)
        return
    yield CODE.format(cell.source)
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    if printed:
        yield _text(printed)
    yield from (_shown(output.data, folder, cell.id) for output in cell.outputs if "data" in output)


def _shown(data: dict[str, Any], folder: Path, name: str) -> str:
    """Return what a cell shows: a figure, a table, or text."""
    if PLOTLY in data:
        return _figure(data[PLOTLY], folder, name)
    if "text/html" in data:
        return _table(data["text/html"])
    return _text(data["text/plain"])


def _text(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"


def _figure(figure: Any, folder: Path, name: str) -> str:
    """Write a figure as a page of its own, which the text frames."""
    layout = figure["layout"]
    title = re.sub(r"<[^>]*>", " ", layout.get("title", {}).get("text") or f"Figure: {name}")
    text = FIGURE.format(title=escape(title), script=SCRIPT, figure=json.dumps(figure))
    (folder / f"{name}.html").write_text(text, encoding="utf-8")
    height = layout.get("height", HEIGHT)
    return FRAME.format(src=f"{folder.name}/{name}.html", title=escape(title), height=height)


def _table(html: str) -> str:
    """Return a table without what only a notebook makes of it."""
    plain = re.sub(
        r"<style.*?</style>|</?div>| border=.1.| class=.dataframe.", "", html, flags=re.DOTALL
    )
    return "\n".join(line.strip() for line in plain.splitlines() if line.strip())
