"""Which parameters a run takes, and what is said about names that do not exist."""

from copy import deepcopy
from typing import Any

import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters import selection
from seqrec.parameters.blocks import KNOWN_MODELS, datasets_in
from seqrec.parameters.section import Section
from seqrec.parameters.sections import merged

DEFAULTS = {
    "dataset": "small",
    "model": "bsarec",
    "protocol": "standard",
    "seeds": [42],
    "datasets": ["small", "large"],
    "engine": {"memory_limit": "4GB"},
}
SMALL = {"name": "small.csv", "reader": "table"}
BLOCKS = {
    "filtering": {"user_core": 5, "item_core": 5},
    "training": {"batch_size": 256, "patience": 10, "learning_rate": 0.1},
    "small": {
        "raw": {"files": [{"name": "small.csv", "reader": "table"}]},
        "filtering": {"user_core": 2},
        "training": {"learning_rate": 0.2},
    },
    "large": {"raw": {"files": [{"name": "large.csv", "reader": "table"}]}, "raw_dir": "/logs"},
    "bsarec": {
        "model_options": {"dim": 64, "alpha": 0.7},
        "training": {"learning_rate": 0.3, "patience": 7},
        "datasets": {"small": {"model_options": {"dim": 8}, "training": {"patience": 3}}},
    },
}


def select_parameters(*layers: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a run, its typed sections as plain values."""
    return {
        name: value.model_dump(mode="json") if isinstance(value, Section) else value
        for name, value in selection.select_parameters(*layers).items()
    }


def selected(**runtime: Any) -> dict[str, Any]:
    return select_parameters(BLOCKS, runtime, DEFAULTS)


def test_seeds_are_a_list_a_number_or_a_text() -> None:
    for seeds in ([9, 7, 9], "7;9", "9, 7"):
        assert selected(seeds=seeds)["seeds"] == (7, 9)
    assert selected(seeds=7)["seeds"] == (7,)


def test_each_layer_lies_over_the_one_before() -> None:
    parameters = selected(training={"batch_size": 16})
    # section default < section block < data set < model < model for the data set < --params
    assert parameters["training"]["max_epochs"] == 200
    assert parameters["filtering"]["item_core"] == 5
    assert parameters["filtering"]["user_core"] == 2
    assert parameters["training"]["learning_rate"] == 0.3
    assert parameters["training"]["patience"] == 3
    assert parameters["training"]["batch_size"] == 16
    assert parameters["model_options"] == {"dim": 8, "alpha": 0.7}


def test_another_data_set_takes_nothing_from_the_first() -> None:
    parameters = selected(dataset="large", model_options={"alpha": 0.5})
    assert parameters["filtering"]["user_core"] == 5
    assert parameters["training"]["patience"] == 7
    assert parameters["model_options"] == {"dim": 64, "alpha": 0.5}
    assert parameters["raw"]["files"][0]["name"] == "large.csv"


def test_single_values_come_from_globals_unless_the_user_gives_them() -> None:
    assert selected()["seeds"] == (42,)
    parameters = selected(seed=7, protocol="authors")
    assert (parameters["seeds"], parameters["protocol"]) == ((7,), "authors")


@pytest.mark.parametrize(
    ("runtime", "folder"),
    [
        ({}, "data/01_raw/small"),
        ({"dataset": "large"}, "/logs"),
        ({"dataset": "large", "raw_dir": "here"}, "here"),
        ({"dataset": "mine", "raw": {"file": "there/mine.csv"}}, "there"),
        ({"raw_dir": "~/logs"}, "/home/me/logs"),
        ({"dataset": "mine", "raw": {"file": "~/mine.csv"}}, "/home/me"),
    ],
)
def test_the_folder_of_the_raw_file(
    runtime: dict[str, Any], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert selected(**runtime)["raw_dir"] == folder


def test_titles_of_ones_own_are_found_wherever_the_log_lies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    titles = {"file": "~/products.csv", "item": "sku", "title": "name"}
    for raw in ({"titles": titles}, {"titles": titles, "file": "logs/mine.csv"}):
        (file,) = selected(dataset="small", raw=raw)["raw"]["titles"]
        assert (file["name"], file["item"], file["title"], file["reader"]) == (
            *("/home/me/products.csv", "sku", "name"),
            "table",
        )


def test_a_log_of_ones_own_has_no_titles_of_the_configured_one() -> None:
    small: Any = BLOCKS["small"]
    raw = {**small["raw"], "titles": [{"name": "movies.csv"}]}
    blocks = {**BLOCKS, "small": {**small, "raw": raw}}
    runs: tuple[dict[str, Any], ...] = ({}, {"file": "mine.csv"}, {"titles": None})
    titles = [
        select_parameters(blocks, {"dataset": "small", "raw": raw}, DEFAULTS)["raw"]["titles"]
        for raw in runs
    ]
    assert [len(files) for files in titles] == [1, 0, 0]


def test_a_log_of_ones_own_needs_no_file_of_parameters() -> None:
    raw = {"file": "logs/purchases.csv", "columns": {"user": "customer", "item": "sku"}}
    parameters = selected(dataset="purchases", raw=raw)
    assert parameters["dataset"] == "purchases"
    assert parameters["raw_dir"] == "logs"
    (file,) = parameters["raw"]["files"]
    assert (file["name"], file["reader"]) == ("purchases.csv", "table")
    assert file["columns"] == {
        "user": "customer",
        "item": "sku",
        "timestamp": "timestamp",
        "rating": None,
        "order": None,
        "items": None,
    }


def test_a_log_of_ones_own_may_have_no_timestamps() -> None:
    raw = {"file": "purchases.csv", "columns": {"timestamp": None}}
    (file,) = selected(dataset="purchases", raw=raw)["raw"]["files"]
    assert file["columns"]["timestamp"] is None


def test_null_says_nothing_about_a_section_or_a_single_value() -> None:
    silent = {"training": None, "model_options": None, "raw": None, "seed": None, "protocol": None}
    assert selected(**silent) == selected()
    defaults = {**DEFAULTS, "seed": 7}
    assert select_parameters(BLOCKS, {"seed": None}, defaults)["seeds"] == (7,)


def test_a_model_has_values_of_its_own_under_a_protocol() -> None:
    """Over the model's own, under those for the data set and the user's."""
    rarely = {"training": {"patience": 30, "batch_size": 64, "max_epochs": 400}}
    blocks = merged(BLOCKS, {"bsarec": {"protocols": {"standard": rarely}}})
    standard = select_parameters(blocks, {"training": {"max_epochs": 9}}, DEFAULTS)["training"]
    assert (standard["patience"], standard["batch_size"], standard["max_epochs"]) == (3, 64, 9)
    standard = select_parameters(blocks, {"dataset": "large"}, DEFAULTS)["training"]
    assert (standard["patience"], standard["learning_rate"]) == (30, 0.3)
    authors = {"dataset": "large", "protocol": "authors"}
    assert select_parameters(blocks, authors, DEFAULTS)["training"]["patience"] == 7


def test_a_model_has_values_for_a_data_set_under_a_protocol() -> None:
    """Over the model's own for the protocol and those for the data set, under the user's."""
    found = {"training": {"patience": 11, "batch_size": 12, "max_epochs": 13}}
    model = {
        "protocols": {"authors": {"training": {"patience": 50, "learning_rate": 0.5}}},
        "datasets": {"small": {"protocols": {"authors": found, "standard": None}}},
    }
    blocks = merged(BLOCKS, {"bsarec": model})
    chosen = {"protocol": "authors", "training": {"max_epochs": 9}}
    training = select_parameters(blocks, chosen, DEFAULTS)["training"]
    names = ("learning_rate", "patience", "batch_size", "max_epochs")
    assert [training[name] for name in names] == [0.5, 11, 12, 9]
    # neither under the other protocol nor on the other data set
    assert select_parameters(blocks, {}, DEFAULTS) == selected()
    training = select_parameters(blocks, {**chosen, "dataset": "large"}, DEFAULTS)["training"]
    assert [training[name] for name in names] == [0.5, 50, 256, 9]


def test_a_range_of_the_file_is_replaced_by_null() -> None:
    space = {"alpha": {"low": 0.1, "high": 0.9}, "c": [1, 3]}
    blocks = {**BLOCKS, "tuning": {"spaces": {"bsarec": {"model_options": space}}}}
    null = {"spaces": {"bsarec": {"model_options": {"alpha": None, "c": None}}}}
    tuning = select_parameters(blocks, {"tuning": null}, DEFAULTS)["tuning"]
    assert tuning["spaces"]["bsarec"]["model_options"] == {"alpha": None, "c": None}
    higher = {"spaces": {"bsarec": {"model_options": {"alpha": {"low": 0.5}, "c": "5;7"}}}}
    tuning = select_parameters(blocks, {"tuning": higher}, DEFAULTS)["tuning"]
    options = tuning["spaces"]["bsarec"]["model_options"]
    assert (options["alpha"]["low"], options["alpha"]["high"]) == (0.5, 0.9)
    assert options["c"] == [5, 7]


def test_a_name_of_digits_is_a_name() -> None:
    own = selected(dataset=2019, raw={"file": "purchases.csv"})
    assert (own["dataset"], own["raw_dir"]) == ("2019", ".")
    # As YAML reads a file: the names of blocks are numbers too.
    model = {"datasets": {2019: {"model_options": {"dim": 3}}}}
    blocks: dict[Any, Any] = {**BLOCKS, 2019: BLOCKS["small"], "bsarec": model}
    listed = {**DEFAULTS, "datasets": [2019, "small"]}
    parameters = select_parameters(blocks, {"dataset": 2019}, listed)
    assert parameters["raw_dir"] == "data/01_raw/2019"
    assert parameters["model_options"]["dim"] == 3


def test_a_data_set_is_a_block_that_names_its_raw_log() -> None:
    blocks = {**BLOCKS, "mine": {"raw": {"file": "mine.csv"}}}
    assert datasets_in(blocks) == ["small", "large", "mine"]
    assert select_parameters(blocks, {"dataset": "mine"}, DEFAULTS)["raw_dir"] == "."


def test_selecting_changes_nothing() -> None:
    blocks, defaults = deepcopy(BLOCKS), deepcopy(DEFAULTS)
    select_parameters(BLOCKS, {"training": {"patience": 1}}, DEFAULTS)
    assert (blocks, defaults) == (BLOCKS, DEFAULTS)


@pytest.mark.parametrize(
    ("runtime", "line"),
    [
        (
            {"dataset": "smal"},
            "unknown data set 'smal'; did you mean 'small'?"
            " (a log of your own: name its file, raw.file=PATH)",
        ),
        ({"model": "bsarecc"}, "unknown model 'bsarecc'; did you mean 'bsarec'?"),
        (
            {"training": {"epochs": 3}},
            "unknown parameter 'training.epochs'; did you mean 'training.max_epochs'?",
        ),
        (
            {"batch_size": 3},
            "unknown parameter 'batch_size'; did you mean 'training.batch_size'?",
        ),
        ({"trainin": {}}, "unknown parameter 'trainin'; did you mean 'training'?"),
        (
            {"training": 3},
            "parameter training: should be a group, such as training.KEY=VALUE (got 3)",
        ),
        (
            {"protocol": "author"},
            "parameter protocol: input should be 'standard' or 'authors' (got 'author')",
        ),
        ({"dataset": None}, "parameter dataset: no name is given; write dataset=NAME"),
        (
            {"dataset": ["a"]},
            "parameter dataset: should be one name, dataset=NAME (got ['a'])",
        ),
        (
            {"dataset": True, "raw": {"file": "x"}},
            "parameter dataset: should be one name, dataset=NAME (got True)",
        ),
        ({"model": 12}, f"unknown model '12'; known: {', '.join(sorted(KNOWN_MODELS))}"),
        ({"model": None}, "parameter model: no name is given; write model=NAME"),
        (
            {"seed": 2**63},
            "parameter seeds.0: should lie between -2**63 and 2**63 - 1 (got 9223372036854775808)",
        ),
        ({"seed": 1, "seeds": 2}, "seed and seeds are given; leave one of the two out"),
        ({"seed": True}, "parameter seeds.0: should be a number (got True)"),
        (
            {"raw": {"file": "x"}},
            "raw.file is a log of your own, and would take the place of data set 'small';"
            " name yours, dataset=NAME",
        ),
        (
            {"dataset": "../up", "raw": {"file": "x"}},
            "parameter dataset: '../up' names a folder; use letters, digits, '-', '_' and '.'",
        ),
        (
            {"dataset": "mine", "raw": {"file": "x", "column": {}}},
            "unknown parameter 'raw.column'; did you mean 'raw.columns'?",
        ),
    ],
)
def test_what_the_user_gets_wrong(runtime: dict[str, Any], line: str) -> None:
    with pytest.raises(SeqrecError) as error:
        selected(**runtime)
    assert str(error.value) == line


WITH_TED = {
    **BLOCKS,
    "transitions": {"time_span": 1, "last_items": None},
    "ted": {"weight": 0.0, "tau": 0.1, "time_span": None},
    "mqsa_ted": {
        "model_options": {"max_len": 50},
        "ted": {"weight": 0.1, "time_span": 2},
        "datasets": {"large": {"model_options": {"max_len": 30}}},
    },
}


def transitions(blocks: dict[str, Any] = WITH_TED, **runtime: Any) -> tuple[int, int | None]:
    """How the graph is counted: time_span, last_items."""
    section = select_parameters(blocks, runtime, DEFAULTS)["transitions"]
    return section["time_span"], section["last_items"]


def test_the_graph_is_counted_as_the_distillation_needs_it() -> None:
    assert transitions(model="mqsa_ted") == (2, None)
    assert transitions(model="mqsa_ted", ted={"time_span": 4}) == (4, None)
    assert transitions(ted={"weight": 0.1, "time_span": 3}) == (3, None)
    # where the distillation does not say, the section transitions does
    assert transitions(ted={"weight": 0.1}) == (1, None)
    assert transitions(ted={"weight": 0.1}, transitions={"time_span": 5}) == (5, None)
    assert transitions(model="mqsa_ted", ted={"time_span": None}) == (1, None)


def test_under_authors_the_graph_counts_what_the_model_sees() -> None:
    authors: dict[str, Any] = {"model": "mqsa_ted", "protocol": "authors"}
    assert transitions(**authors) == (2, 50)
    assert transitions(**authors, dataset="large") == (2, 30)
    assert transitions(**authors, model_options={"max_len": 7}) == (2, 7)
    assert transitions(**authors, transitions={"last_items": 9}) == (2, 9)
    assert transitions(**authors, transitions={"last_items": None}) == (2, None)
    # for every model, so that those of a data set share the graph
    assert transitions(protocol="authors", model_options={"max_len": 7}) == (1, 7)
    # no number at all: the model itself will say so
    assert transitions(**authors, model_options={"max_len": 0}) == (2, None)


def test_a_time_span_that_only_the_section_transitions_is_given_holds() -> None:
    assert transitions(model="mqsa_ted", transitions={"time_span": 3}) == (3, None)


def test_without_distillation_the_graph_is_counted_as_ever() -> None:
    off = {"weight": 0.0, "time_span": 3}
    assert transitions(ted={"time_span": 3}) == (1, None)
    assert transitions(model="mqsa_ted", ted=off, protocol="authors") == (1, 50)
    assert transitions(model="mqsa_ted", ted=off, transitions={"time_span": 4}) == (4, None)


def test_two_time_spans_are_one_clear_line() -> None:
    with pytest.raises(SeqrecError) as error:
        transitions(ted={"weight": 0.1, "time_span": 3}, transitions={"time_span": 2})
    assert str(error.value) == (
        "ted.time_span=3 and transitions.time_span=2 contradict each other; "
        "leave one of the two out"
    )
    assert transitions(ted={"weight": 0.1, "time_span": 3}, transitions={"time_span": 3}) == (
        3,
        None,
    )


@pytest.mark.parametrize(
    ("ted", "line"),
    [
        ({"wieght": 0.1}, "unknown parameter 'ted.wieght'; did you mean 'ted.weight'?"),
        (
            {"weight": -1},
            "parameter ted.weight: input should be greater than or equal to 0 (got -1)",
        ),
        ({"tau": 0}, "parameter ted.tau: input should be greater than 0 (got 0)"),
        (
            {"time_span": 0},
            "parameter ted.time_span: input should be greater than or equal to 1 (got 0)",
        ),
    ],
)
def test_a_wrong_value_of_the_distillation_is_one_clear_line(
    ted: dict[str, Any], line: str
) -> None:
    with pytest.raises(SeqrecError) as error:
        selected(ted=ted)
    assert str(error.value) == line


@pytest.mark.parametrize(
    ("blocks", "line"),
    [
        (
            {"filterin": {"user_core": 3}},
            "unknown top-level parameter 'filterin' (a data set has a key 'raw');"
            " did you mean 'filtering'?",
        ),
        (
            {"small": {"raw": {"files": []}, "filterin": {}}},
            "unknown parameter 'filterin' in the block of data set 'small';"
            " did you mean 'filtering'?",
        ),
        (
            {"bsarec": {"options": {}}},
            "unknown parameter 'options' in the block of model 'bsarec';"
            " did you mean 'model_options'?",
        ),
        (
            {"bsarec": {"datasets": {"smal": {}}}},
            "unknown data set 'smal' in the block of model 'bsarec'; did you mean 'small'?",
        ),
        (
            {"bsarec": {"protocols": {"author": {}}}},
            "unknown protocol 'author' in the block of model 'bsarec'; did you mean 'authors'?",
        ),
        (
            {"bsarec": {"protocols": {"authors": {"trainig": {}}}}},
            "unknown parameter 'trainig' in the block of model 'bsarec' for protocol 'authors';"
            " did you mean 'training'?",
        ),
        (
            {"bsarec": {"datasets": {"large": {"protocols": {"author": {}}}}}},
            "unknown protocol 'author' in the block of model 'bsarec' for data set 'large';"
            " did you mean 'authors'?",
        ),
        (
            {"bsarec": {"datasets": {"large": {"protocols": {"authors": {"trainig": {}}}}}}},
            "unknown parameter 'trainig' in the block of model 'bsarec' for data set 'large'"
            " for protocol 'authors'; did you mean 'training'?",
        ),
        (
            {"bsarec": {"datasets": {"small": {"protocol": {}}}}},
            "unknown parameter 'protocol' in the block of model 'bsarec' for data set 'small';"
            " did you mean 'protocols'?",
        ),
        (
            {"dataset": "small"},
            "parameter 'dataset' stands in a parameter file; it belongs in conf/base/globals.yml"
            " or after --params",
        ),
    ],
)
def test_what_is_wrong_in_a_file(blocks: dict[str, Any], line: str) -> None:
    with pytest.raises(SeqrecError) as error:
        select_parameters({**BLOCKS, **blocks}, {}, DEFAULTS)
    assert str(error.value) == line


UNTRAINED = {**DEFAULTS, "model": "hybrid"}


@pytest.mark.parametrize(
    "runtime",
    [
        {},
        {"training": {"monitor": "HR@10", "device": "cpu"}},
        {"training": {"batch_size": 256}, "ted": {"weight": 0.0}},
    ],
)
def test_a_model_without_training_takes_what_holds_for_all(runtime: dict[str, Any]) -> None:
    blocks = {**BLOCKS, "hybrid": {"model_options": {"trials": 9}}}
    del blocks["bsarec"]
    assert select_parameters(blocks, runtime, UNTRAINED)["training"]["learning_rate"] == 0.2


@pytest.mark.parametrize(
    ("block", "runtime", "name"),
    [
        ({}, {"training": {"loss": "bpr"}}, "training.loss=bpr"),
        ({}, {"ted": {"weight": 0.1}}, "ted.weight=0.1"),
        ({"training": {"max_epochs": 5}}, {}, "training.max_epochs=5"),
        ({"datasets": {"small": {"training": {"patience": 5}}}}, {}, "training.patience=5"),
    ],
)
def test_what_a_model_without_training_would_ignore_is_refused(
    block: dict[str, Any], runtime: dict[str, Any], name: str
) -> None:
    blocks = {**BLOCKS, "hybrid": block}
    del blocks["bsarec"]
    with pytest.raises(SeqrecError) as caught:
        select_parameters(blocks, runtime, UNTRAINED)
    assert str(caught.value) == (
        f"parameter {name} means nothing to model 'hybrid', which is counted, not trained; "
        "leave it out"
    )


def test_what_is_said_of_a_configured_log_lies_over_its_block_key_by_key() -> None:
    raw = {"columns": {"rating": "stars"}, "where": {"event": "buy"}, "missing": ["-"]}
    file = selected(raw=raw)["raw"]["files"][0]
    assert file["name"] == "small.csv"
    assert (file["where"], file["missing"]) == ({"event": "buy"}, ["-"])
    blocks = {**BLOCKS, "small": {"raw": {"files": [{**SMALL, "columns": {"user": "who"}}]}}}
    columns = select_parameters(blocks, {"raw": raw}, DEFAULTS)["raw"]["files"][0]["columns"]
    assert (columns["user"], columns["rating"]) == ("who", "stars")


def with_variants(**variants: Any) -> dict[str, Any]:
    blocks: dict[str, Any] = deepcopy(BLOCKS)
    blocks["bsarec"]["variants"] = variants
    return blocks


OTHERS = {
    "training": {"patience": None, "learning_rate": 0.5},
    "datasets": {"small": {"model_options": {"dim": 16}}, "large": {"training": {"patience": 1}}},
}


def test_a_variant_lies_over_all_that_its_model_says() -> None:
    blocks = with_variants(theirs=OTHERS)
    usual = select_parameters(blocks, {}, DEFAULTS)
    assert usual == {**selected(), "variant": None}
    theirs = select_parameters(blocks, {"variant": "theirs"}, DEFAULTS)
    assert theirs["training"]["patience"] is None
    assert theirs["training"]["learning_rate"] == 0.5
    assert theirs["model_options"] == {"dim": 16, "alpha": 0.7}
    own = select_parameters(
        blocks, {"variant": "theirs", "training": {"learning_rate": 0.9}}, DEFAULTS
    )
    assert own["training"]["learning_rate"] == 0.9


@pytest.mark.parametrize(
    ("blocks", "runtime", "line"),
    [
        ({}, {"variant": "x"}, "parameter variant=x: model 'bsarec' has none; leave it out"),
        (
            {"theirs": OTHERS},
            {"variant": "their"},
            "unknown variant 'their' of model 'bsarec'; did you mean 'theirs'?",
        ),
        (
            {"theirs": {"trainings": {}}},
            {},
            "unknown parameter 'trainings' in the block of variant 'theirs' of model 'bsarec'; did "
            "you mean 'training'?",
        ),
        (
            {"theirs": {"datasets": {"smal": {}}}},
            {},
            "unknown data set 'smal' in the block of model 'bsarec.variants.theirs'; did you mean "
            "'small'?",
        ),
    ],
)
def test_a_wrong_variant_is_a_line(
    blocks: dict[str, Any], runtime: dict[str, Any], line: str
) -> None:
    with pytest.raises(SeqrecError) as caught:
        select_parameters(with_variants(**blocks), runtime, DEFAULTS)
    assert str(caught.value) == line


@pytest.mark.parametrize("name", ["memory_limit", "threads"])
def test_spark_is_not_told_what_duckdb_listens_to(name: str) -> None:
    spark = {"backend": "spark", name: "8GB" if name == "memory_limit" else 2}
    with pytest.raises(SeqrecError, match=rf"engine\.{name} means nothing to Spark"):
        selected(engine=spark)
    assert selected(engine={**spark, "backend": "duckdb"})["engine"]["backend"] == "duckdb"
    assert selected(engine={"backend": "spark"})["engine"]["backend"] == "spark"
