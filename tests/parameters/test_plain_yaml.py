"""The quick way to read parameter files, beside Kedro's loader."""

from pathlib import Path
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader

from seqrec.parameters.plain_yaml import read_plainly
from seqrec.settings import BLOCKS, PARAMETER_FILES

ROOT = Path(__file__).parents[2]


class _Loader(OmegaConfigLoader):
    def _check_duplicates(self, key: str, config_per_file: dict[Path, Any]) -> None:
        """A block may stand in two files."""


def kedros(conf: Path, env: str = "local") -> dict[str, Any]:
    loader = _Loader(
        str(conf),
        base_env="base",
        default_run_env=env,
        config_patterns={BLOCKS: PARAMETER_FILES},
        merge_strategy={BLOCKS: "soft"},
    )
    return loader[BLOCKS]


def with_types(value: Any) -> Any:
    """1 is not 1.0, and True is not 1."""
    if isinstance(value, dict):
        return sorted(((repr(key), with_types(inner)) for key, inner in value.items()), key=str)
    return [with_types(inner) for inner in value] if isinstance(value, list) else repr(value)


def test_the_projects_own_files() -> None:
    conf = ROOT / "conf"
    assert read_plainly(conf, ["base", "local"]) == kedros(conf)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    for name, text in {
        "base/parameters.yml": "a: {x: 1e-3, y: [1, 2], z: {p: yes, q: ~}}\nb: 007\nc: 1_000\n",
        "base/parameters/more.yml": "a: {w: '1e-3', n: 0x1f}\nd: 2019-12-31\ne: !!str 5\n",
        "base/parameters_x.json": '{"f": {"g": [1.5, null, "é"]}}',
        "base/parameters/deep/er.yaml": "h: &l [1]\ni: *l\nj: .inf\nk: {1: one}\n",
        "base/catalog.yml": "no: parameters\n",
        "base/parameters/.hidden.yml": "hidden: 1\n",
        "local/parameters.yml": "a: {y: [3], z: {q: 5}}\nb: {now: a group}\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_values_of_all_kinds(conf: Path) -> None:
    ours = read_plainly(conf, ["base", "local"])

    assert ours is not None
    assert with_types(ours) == with_types(kedros(conf))
    assert ours["a"] == {"x": 0.001, "y": [3], "z": {"p": True, "q": 5}, "w": "1e-3", "n": 31}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a: {x: 2}\n",
            "q: '${globals:seed}'\n",
            "q: [1\n",
            "q: 1\nq: 2\n",
            "- a list\n",
            "a: 1\n",
        ),
        *("q: {{ rate }}\n", "q: {[1, 2]: 3}\n"),
    ],
)
def test_what_kedro_has_a_word_for_is_left_to_it(conf: Path, text: str) -> None:
    (conf / "base/parameters/again.yml").write_text(text)

    assert read_plainly(conf, ["base", "local"]) is None
    assert read_plainly(conf, ["base", "nowhere"]) is None
