"""Training by keywords, with what the parameter files have as defaults."""

from pathlib import Path
from typing import Any

import ibis
import pytest
import yaml

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.models import COUNTING_MODELS, MODELS
from seqrec.notebook.log import read_log
from seqrec.notebook.prepared import Data, prepare
from seqrec.notebook.train import selected, train
from seqrec.parameters.selection import select_parameters
from seqrec.pipelines.training.nodes import train_model
from seqrec.pipelines.transitions.nodes import build_transition_graph
from seqrec.training import Settings
from tests.notebook.circles import circle_log

CONF = Path(__file__).parents[2] / "conf/base"
SMALL: dict[str, Any] = {"dim": 8, "max_len": 6, "max_epochs": 2, "device": "cpu"}


@pytest.fixture(scope="module")
def data() -> Data:
    return prepare(circle_log())


def from_files(model: str, protocol: str) -> dict[str, Any]:
    """What a run takes for a log that no parameter file names."""
    blocks: dict[str, Any] = {}
    for path in (CONF / "parameters").rglob("*.yml"):
        blocks |= yaml.safe_load(path.read_text())
    given = {"dataset": "shop", "raw": {"file": "shop.csv"}, "model": model, "protocol": protocol}
    return select_parameters(blocks, given, yaml.safe_load((CONF / "globals.yml").read_text()))


@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("model", [*MODELS, *COUNTING_MODELS])
def test_defaults_are_those_of_the_parameter_files(model: str, protocol: str) -> None:
    ours, theirs = selected(model, 42, protocol, {}), from_files(model, protocol)

    settings = Settings(**ours["settings"])
    assert settings.checked().plain() | {"model_options": None} == Settings(
        **theirs["settings"]
    ).checked().plain() | {"model_options": None}
    # of a counted model the files repeat what its own defaults say
    assert settings.config() == Settings(**theirs["settings"]).config()
    if settings.ted.weight:  # else nobody reads the graph
        assert ours["transitions"] == theirs["transitions"]


def test_it_is_what_the_nodes_do(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = selected("bsarec", 7, "standard", SMALL | {"weight": 0.2, "time_span": 2})
    cell = Cell(data.name, "bsarec", "standard")
    sequences, items = ibis.memtable(data.sequences), ibis.memtable(data.items)
    graph = build_transition_graph(sequences, chosen["transitions"])

    history, _, models = train_model(
        sequences,
        items,
        graph,
        cell,
        (7,),
        Settings(**chosen["settings"]).checked(),
        chosen["transitions"],
    )
    model = train(data, "bsarec", seed=7, weight=0.2, time_span=2, **SMALL)

    assert model.history == history
    theirs = models["7"].model.state_dict()
    for name, value in model.trained.model.state_dict().items():
        assert value.equal(theirs[name])
    assert model.trained.facts() == models["7"].facts()


def test_options_reach_the_model_and_the_sections() -> None:
    options = {"alpha": 0.3, "learning_rate": 0.1, "tau": 0.2, "seen_items": "keep"}
    settings = Settings(**selected("bsarec", 1, "standard", options)["settings"])
    assert settings.config().alpha == 0.3
    assert settings.training.learning_rate == 0.1
    assert settings.ted.tau == 0.2
    assert settings.ranking.seen_items == "keep"


def test_where_two_have_one_name_the_model_has_it() -> None:
    given = selected("duorec", 1, "standard", {"tau": 0.5, "ted": {"tau": 0.2}})["settings"]
    assert given["model_options"]["tau"] == 0.5
    assert given["ted"].tau == 0.2


def test_the_graph_of_the_authors_counts_what_the_model_sees(data: Data) -> None:
    # the distillation compares the graph with the sequences: one counted otherwise is refused
    model = train(data, "mqsa_ted", protocol="authors", **{**SMALL, "max_len": 3})
    assert model.history is not None
    assert "distillation" in model.history.column_names


def test_a_counted_model_tunes_what_it_is_not_told(data: Data) -> None:
    tuned = train(data, "markov", trials=3).trained.options
    told = train(data, "markov", trials=3, window=2).trained.options
    assert told["window"] == 2
    assert tuned.keys() == told.keys()


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("bsarek", {}, "unknown model 'bsarek'; did you mean 'bsarec'?"),
        ("bsarec", {"alpa": 1}, "unknown option 'alpa' of train for model 'bsarec'; did you mean"),
        ("bsarec", {"alpha": 5}, "parameter model_options.alpha: "),
        ("bsarec", {"num_items": 5}, "unknown option 'num_items' of train"),
        ("bsarec", {"max_epochs": "many"}, "parameter training.max_epochs: "),
        ("bsarec", {"training": {"epochs": 3}}, "unknown parameter 'training.epochs'; did you"),
        ("bsarec", {"monitor": "NDGC@5"}, "unknown metric 'NDGC'"),
        ("bsarec", {"seed": "x"}, "parameter seeds.0: "),
        ("bsarec", {"protocol": "ours"}, "parameter protocol: "),
        ("sasrec", {"loss": "bpr", "protocol": "authors"}, "training.loss=bpr is a choice of"),
        ("markov", {"max_epochs": 3}, "parameter training.max_epochs=3 means nothing to model"),
        ("markov", {"weight": 0.1}, "parameter ted.weight=0.1 means nothing to model 'markov'"),
    ],
)
def test_what_cannot_be_is_one_line(
    data: Data, model: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SeqrecError) as raised:
        train(data, model, **options)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_a_log_is_to_be_prepared_first() -> None:
    log: Any = read_log(circle_log())
    with pytest.raises(SeqrecError, match=r"not Log; write train\(prepare\(log\), …\)"):
        train(log)
