"""The generated pages are what the code says, and all of it."""

import dataclasses
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner
from pydantic import BaseModel

import seqrec
from pages import __main__ as pages
from pages.docstrings import field_sentences
from seqrec.commands import COMMANDS, cli
from seqrec.models import COUNTING_MODELS, GIVEN, MODELS, any_class
from seqrec.models.parts.shared_options import MEANINGS
from seqrec.parameters.named_files import SingleRawFile, SingleTitlesFile
from seqrec.parameters.raw_sections import (
    ColumnMapping,
    LogForm,
    Publisher,
    RawFileOptions,
    TitlesFileOptions,
)
from seqrec.parameters.sections import SCALARS, SECTIONS
from seqrec.parameters.selection import Selection
from seqrec.pipeline_registry import DEFAULT, pipeline_names

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference"
SOURCE = ROOT / "src/seqrec"
KEDROS_OWN = "reference/commands.md"
"""The page that has Kedro's words, which another version may have changed."""
GROUPS: dict[str, type[BaseModel]] = {
    **SECTIONS,
    "": Selection,
    "raw.columns": ColumnMapping,
    "raw.publisher": Publisher,
    "raw.titles[]": TitlesFileOptions,
}
ALL_MODELS = (*MODELS, *COUNTING_MODELS)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def pinned(package: str) -> bool:
    return f"{package}=={version(package)}\n" in read(ROOT / "constraints.txt")


def rows(page: str) -> dict[str, list[str]]:
    """The rows of all tables by the anchor or the name in their first cell, the first of each."""
    found: dict[str, list[str]] = {}
    for line in re.findall(r"^\| (.*) \|$", page, flags=re.MULTILINE):
        first, *others = line.split(" | ")
        anchor = re.match(r'<a id="(.*?)"></a>`.*`$|`(.*?)`$', first)
        if anchor:
            found.setdefault(anchor[1] or anchor[2], others)
    return found


@pytest.fixture(scope="module")
def parameters() -> dict[str, list[str]]:
    return rows(read(REFERENCE / "parameters.md"))


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_page_is_what_it_is_made_of(name: str) -> None:
    if name == KEDROS_OWN and not (pinned("kedro") and pinned("click")):
        pytest.skip("not the versions that constraints.txt names")
    assert read(pages.DOCS / name) == pages.PAGES[name](), "run `python -m pages`"


def test_the_check_names_the_first_page_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"a.md": lambda: "as it is", "b.md": lambda: "new", "c.md": lambda: "missing"}
    monkeypatch.setattr(pages, "PAGES", made)
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    (tmp_path / "a.md").write_text("as it is")
    (tmp_path / "b.md").write_text("old")

    result = CliRunner().invoke(pages.main, ["--check"])

    assert result.exit_code == 1
    assert result.output == "docs/b.md is not what it is made of; run `python -m pages`\n"
    (tmp_path / "b.md").write_text("new")
    (tmp_path / "c.md").write_text("missing")
    assert CliRunner().invoke(pages.main, ["--check"]).exit_code == 0


@pytest.mark.parametrize("group", GROUPS)
def test_every_field_of_a_section_has_its_row(group: str, parameters: dict[str, list[str]]) -> None:
    for field in GROUPS[group].model_fields:
        sentence, values, default = parameters[f"{group}.{field}".removeprefix(".")]
        assert len(sentence.split()) > 1, field
        assert values, field
        assert default, field


def test_a_log_by_its_path_has_all_rows(parameters: dict[str, list[str]]) -> None:
    titles = {f"titles.{name}" for name in SingleTitlesFile.model_fields}
    expected = {*SingleRawFile.model_fields, *titles}
    assert {f"raw.{name}" for name in expected} <= parameters.keys()
    own = RawFileOptions.model_fields.keys() - LogForm.model_fields.keys()
    assert {f"raw.files[].{name}" for name in own} <= parameters.keys()


def test_whatever_may_be_written_after_params_is_there(parameters: dict[str, list[str]]) -> None:
    assert set(SCALARS) <= parameters.keys()


@pytest.mark.parametrize("model", ALL_MODELS)
def test_every_option_of_a_model_has_its_row(model: str, parameters: dict[str, list[str]]) -> None:
    config = any_class(model).Config
    for field in dataclasses.fields(config):
        if field.name in GIVEN:
            continue
        sentence, values, default = parameters[f"{model}.{field.name}"]
        assert field.name in field_sentences(config) or field.name in MEANINGS, field.name
        assert len(sentence.split()) > 1
        assert values
        assert default


def test_what_is_said_of_several_models_is_of_several() -> None:
    configs = {any_class(model).Config for model in ALL_MODELS}
    for option in MEANINGS:
        without = [
            config
            for config in configs
            if option in config.__dataclass_fields__ and option not in field_sentences(config)
        ]
        assert len(without) > 1, option


def test_every_data_set_of_the_catalog_has_a_sentence() -> None:
    content = yaml.safe_load(read(ROOT / "conf/base/catalog.yml"))
    listed = rows(read(REFERENCE / "catalog.md").partition("## ingestion")[2])
    for name in content:
        if not name.startswith("_"):
            sentence, path, *_ = listed[name]
            assert sentence.endswith("."), name
            assert path.startswith(("`data/", "`conf/")), name


def test_every_pipeline_is_listed() -> None:
    listed = rows(read(REFERENCE / "catalog.md"))
    assert set(pipeline_names()) - {DEFAULT} <= listed.keys()


def test_every_option_of_every_command_is_listed() -> None:
    page = read(REFERENCE / "commands.md")
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli, **cli.context_settings), name)
        assert command is not None
        part = page.partition(f"## seqrec {name}\n")[2].partition("\n## seqrec ")[0]
        assert part, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert f"{parameter.opts[-1]}" in part, parameter.opts


def test_every_verb_of_make_is_listed() -> None:
    page = read(REFERENCE / "commands.md")
    verbs = re.findall(r"^([a-z]+):.*##", read(ROOT / "Makefile"), flags=re.MULTILINE)
    assert len(verbs) > 5
    assert [verb for verb in verbs if f"`make {verb}`" not in page] == ["help"]


def test_the_public_face_is_documented() -> None:
    page = read(REFERENCE / "python.md")
    documented = {place.rpartition(".")[2] for place in re.findall(r"^::: (.*)$", page, flags=re.M)}
    assert set(seqrec.__all__) <= documented


PASSED_ON = (
    r"SeqrecError\(str\(error\)",
    r"SeqrecError\(line\)",
    r"SeqrecError\(line\.read_text",
    r"SeqrecError\(told\.error",
    r"ValueError\(str\(",
)
"""Errors that hand the line of another one on."""
OF_REQUESTS = (
    r"(?:WrongRequest\(|refuse\(\s*scope, \w+, |_refused\(request, )"
    r'\d{3}, (?:f?"(?!\{field\}: \{(?:message|error)\})|line, h|limit)'
)
"""What refuses a request with a status and a line."""


def sites() -> Iterator[str]:
    """What follows on every place in the source where an error gets its line."""
    for path in sorted(SOURCE.rglob("*.py")):
        text = re.sub(r'""".*?"""', "", read(path), flags=re.DOTALL)
        name = path.relative_to(SOURCE).as_posix()
        patterns = [] if name == "errors.py" else [r"(?<!class )SeqrecError\(", r"unknown_name\("]
        if name.startswith(("parameters/", "models/")) and name not in (
            "models/folder.py",
            "models/parts/score_rows.py",
        ):
            patterns.append(r"raise ValueError\(")
        patterns += [OF_REQUESTS] * name.startswith("service/")
        patterns += [r'return f"(?=no space|the data|Spark)'] * (name == "cli.py")
        for pattern in patterns:
            for match in re.finditer(pattern, text):
                beginning = text[match.start() : match.start() + 400]
                if not any(re.match(rf"(?:raise )?{passed}", beginning) for passed in PASSED_ON):
                    yield text[match.start() :][:400]


def test_every_error_has_an_entry() -> None:
    page = read(ROOT / "docs/questions.md").partition("## Every error")[2]
    entries = re.findall(r"^- `", page, flags=re.MULTILINE)
    again = re.findall(r"\(in (\d+) places\)", page)
    assert len(entries) + sum(int(number) - 1 for number in again) == len([*sites()])


def test_the_words_of_every_error_are_there() -> None:
    page = read(ROOT / "docs/questions.md")
    for site in sites():
        literal = re.search(r'"((?:[^"\\]|\\.)*)"', site)
        if literal and site.startswith(("SeqrecError", "raise ValueError")):
            assert longest_piece(literal[1]) in page, site


def longest_piece(literal: str) -> str:
    """The longest part of an f-string between its values."""
    text = literal.replace("{{", "<").replace("}}", ">").replace('\\"', '"')
    longest = max(re.split(r"\{[^{}]*\}", text), key=len)
    return longest.strip().replace("<", "{").replace(">", "}")
