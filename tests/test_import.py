"""``import seqrec``: light, and everything there by its name."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import seqrec

HEAVY = ("torch", "kedro", "pandas", "pyarrow", "pydantic", "ibis", "rich")
LOADED = f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"


def loaded_after(code: str, folder: Path) -> set[str]:
    """What a process has loaded after some code."""
    source = str(Path(__file__).parents[1] / "src")
    lines = f"import json, sys; sys.path.insert(0, {source!r})\n{code}\n{LOADED}"
    ended = subprocess.run(
        [sys.executable, "-c", lines], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout))


def test_importing_loads_nothing_else(tmp_path: Path) -> None:
    assert loaded_after("import seqrec; dir(seqrec); seqrec.SeqrecError", tmp_path) == set()


def test_a_log_is_read_and_prepared_without_torch(tmp_path: Path) -> None:
    rows = "".join(f"u{user},i{item},{item}\n" for user in range(3) for item in range(4))
    (tmp_path / "log.csv").write_text(f"user_id,item_id,timestamp\n{rows}")
    code = "import seqrec; seqrec.prepare('log.csv', user_core=0, item_core=0)"
    assert not {"torch", "kedro"} & loaded_after(code, tmp_path)


def test_every_name_is_there() -> None:
    assert set(seqrec.__all__) <= set(dir(seqrec))
    for name in seqrec.__all__:
        assert getattr(seqrec, name).__name__ == name


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="module 'seqrec' has no attribute 'trian'"):
        _ = seqrec.trian  # type: ignore[attr-defined]
