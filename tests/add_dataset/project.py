"""A small project under DVC, for the tests of this folder."""

from pathlib import Path

from dvc.repo import Repo

from seqrec.parameters.raw_sections import ColumnMapping, RawFileOptions

COLUMNS = ColumnMapping(user="who", item="what", timestamp="when")
OPTIONS = RawFileOptions(name="shop.csv", reader="table", columns=COLUMNS)
GLOBALS = """\
# what exists
datasets:
  - demo # ours
  # raw logs
  - beauty # theirs

# models
models:
  - bsarec
downloads: [fetched]
"""
BLOCKS = {
    "training": "training: {patience: 3}",
    "datasets/beauty": "beauty: {raw: {files: [{name: Beauty.txt, reader: sequence_lines}]}}",
    "datasets/fetched": "fetched: {raw: {files: [{name: f.csv, reader: table}]}}",
    "datasets/demo": "demo: {raw: {files: [{name: d.csv, reader: table}], generator: demo}}",
}


def small_project(folder: Path) -> Path:
    """Write a project with its parameters and put it under DVC."""
    root = folder / "project"
    for name in ("conf/base/parameters/datasets", "data/01_raw"):
        (root / name).mkdir(parents=True)
    (root / "conf/base/globals.yml").write_text(GLOBALS)
    for name, text in BLOCKS.items():
        (root / f"conf/base/parameters/{name}.yml").write_text(f"{text}\n")
    Repo.init(str(root), no_scm=True).close()
    return root
