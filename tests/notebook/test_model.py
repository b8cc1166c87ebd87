"""What one asks of a trained model. Everybody walks one circle, so that counts know the answer."""

import html
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from seqrec.errors import SeqrecError
from seqrec.notebook.model import Model, load
from seqrec.notebook.prepared import Data, prepare
from seqrec.notebook.train import train
from seqrec.plotting.colours import colour
from tests.notebook.circles import ITEMS, LENGTH, USERS, circle_log


@pytest.fixture(scope="module")
def data() -> Data:
    return prepare(circle_log())


@pytest.fixture(scope="module")
def markov(data: Data) -> Model:
    return train(data, "markov", trials=1, window=1)


@pytest.fixture(scope="module")
def bsarec(data: Data) -> Model:
    return train(data, "bsarec", dim=8, max_len=6, max_epochs=3, device="cpu")


def first_items(lists: Any) -> dict[str, str]:
    rows = lists.table.to_pylist()
    return {row["user_id"]: row["item_id"] for row in rows if row["rank"] == 1}


def test_an_evaluation_is_a_table_with_standard_errors(markov: Model, data: Data) -> None:
    measured = markov.evaluate(data, cutoffs=[1, 3])

    rows = {(row["split"], row["metric"]): row for row in measured.table.to_pylist()}
    for split in ("test", "valid"):
        assert rows[split, "HR@1"]["value"] == 1.0
        assert rows[split, "NDCG@3"]["standard_error"] == 0.0
    assert measured.to_pandas().columns.tolist() == ["split", "metric", "value", "standard_error"]
    assert pa.table(measured).equals(measured.table)
    assert measured.ranks["rank"].to_pylist() == [1.0] * 2 * USERS
    assert "1.0000 ±0.0000" in repr(measured)
    shown = html.unescape(measured._repr_html_())
    assert "markov on table, valid split (protocol standard)" in shown
    assert f"mean ± standard error over {USERS} targets" in shown
    assert shown.count("<td style") == 2 * 4 * 3  # splits, rows with coverage, a column a cutoff


def test_the_next_item_comes_first(markov: Model, data: Data) -> None:
    lists = markov.recommend([["i3", "i4"], ["nowhere", "i7"]], k=2)
    assert first_items(lists) == {"0": "i5", "1": "i8"}
    assert lists.users["unknown"].to_pylist() == [0, 1]

    by_table = markov.recommend(pa.table({"user_id": ["me"], "item_id": ["i11"]}), k=1)
    assert first_items(by_table) == {"me": "i0"}


def test_all_users_of_the_data_from_their_whole_histories(markov: Model, data: Data) -> None:
    lists = markov.recommend(data, k=1)
    assert first_items(lists) == {
        f"u{user}": f"i{(user + LENGTH) % ITEMS}" for user in range(USERS)
    }


def test_choices_reach_the_lists(markov: Model) -> None:
    exclude = markov.recommend({"a": ["i3"]}, k=1, exclude=["i4"], candidates=["i4", "i9"])
    assert first_items(exclude) == {"a": "i9"}
    none = markov.recommend([["nowhere"]], fallback="none")
    assert len(none.table) == 0
    again = markov.recommend([["i4", "i3"]], k=1, seen_items="keep")
    assert first_items(again) == {"0": "i4"}


def test_similar_items(bsarec: Model) -> None:
    model: Any = bsarec.trained.model
    vectors = model.item_vectors()[1:].detach()
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    ids = bsarec.trained.items["item_id"].to_pylist()
    nearest = (unit @ unit[ids.index("i3")]).argsort(descending=True)[1:4]

    similar = bsarec.similar_items("i3", 3)

    assert similar.to_pandas()["item_id"].tolist() == [ids[place] for place in nearest]
    assert repr(similar) == "3 items like i3"


def test_similar_items_have_titles_where_the_model_has(bsarec: Model) -> None:
    items = bsarec.trained.items
    ids = items["item_id"].to_pylist()
    titles = pa.array([f"The {item}" if item != "i5" else None for item in ids])
    named = Model(replace(bsarec.trained, items=items.append_column("title", titles)))
    rows = named.similar_items("i3", 11).table.to_pylist()
    assert {row["item_id"] for row in rows} == set(ids) - {"i3"}
    for row in rows:
        assert row["title"] == (None if row["item_id"] == "i5" else f"The {row['item_id']}")


def test_an_id_may_be_a_number_as_elsewhere(bsarec: Model) -> None:
    items = bsarec.trained.items
    numbers = pa.array(range(1, ITEMS + 1)).cast(pa.string())
    model = Model(replace(bsarec.trained, items=items.set_column(1, "item_id", numbers)))
    expected = model.similar_items("1", 3)
    for item in (1, 1.0):
        assert model.similar_items(item, 3).table.equals(expected.table)
        assert repr(model.similar_items(item, 3)) == "3 items like 1"


@pytest.mark.parametrize("which", ["markov", "bsarec"])
def test_a_saved_model_gives_the_same_lists(
    which: str, request: pytest.FixtureRequest, data: Data, tmp_path: Path
) -> None:
    model: Model = request.getfixturevalue(which)
    model.save(tmp_path / "model")
    again = load(str(tmp_path / "model"))
    again.save(tmp_path / "model")  # in its own place

    again = load(tmp_path / "model")
    assert again.recommend(data).table.equals(model.recommend(data).table)
    assert again.history == model.history
    assert repr(again) == repr(model)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_training_starts_from_a_saved_model(bsarec: Model, data: Data, tmp_path: Path) -> None:
    bsarec.save(tmp_path / "before")
    short: dict[str, Any] = {"dim": 8, "max_len": 6, "max_epochs": 1, "device": "cpu"}
    before = train(data, "bsarec", **short).history
    after = train(data, "bsarec", start_from=tmp_path / "before", **short).history
    assert before is not None
    assert after is not None
    assert after["loss"][0].as_py() < before["loss"][0].as_py()


def test_what_else_lies_in_a_folder_is_safe(markov: Model, tmp_path: Path) -> None:
    markov.save(tmp_path)
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(SeqrecError, match="is there, and no model: name another folder"):
        markov.save(tmp_path)
    with pytest.raises(SeqrecError, match="is there, and no model: name another folder"):
        markov.save(tmp_path / "thesis.tex")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_an_export_goes_where_it_is_told(bsarec: Model, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(SeqrecError, match=f"{tmp_path} is there and no exported model"):
        bsarec.export(str(tmp_path))


def test_a_counted_model_has_no_such_form(markov: Model, tmp_path: Path) -> None:
    with pytest.raises(SeqrecError, match="markov"):
        markov.export(tmp_path / "shop")
    assert not any(tmp_path.iterdir())


def test_the_learning_curve(bsarec: Model) -> None:
    figure = bsarec.learning_curve()
    loss, quality = figure.data
    assert bsarec.history is not None
    assert list(loss.y) == bsarec.history["loss"].to_pylist()
    assert list(quality.y) == bsarec.history["NDCG@20"].to_pylist()
    assert loss.line.color == colour("bsarec")


def test_its_facts(bsarec: Model, markov: Model) -> None:
    assert repr(bsarec).startswith("Model bsarec of table: 12 items, protocol standard, seed 42")
    assert "best trial 1, NDCG@20 1.0000 in validation" in repr(markov)


Ask = Callable[[Model, Data], Any]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda model, data: model.evaluate(data.sequences), "evaluate takes what prepare returns"),
        (lambda model, data: model.evaluate(data, cutofs=3), "unknown option 'cutofs' of evaluate"),
        (lambda model, data: model.evaluate(data, cutoffs=0), "parameter evaluation.cutoffs.0: "),
        (lambda model, data: model.evaluate(prepare(circle_log()[8:])), "the model was trained on"),
        (lambda model, data: model.similar_items("i3"), "model 'markov' counts and has no item"),
        (lambda model, data: model.learning_curve(), "model 'markov' is counted and has no epochs"),
        (lambda model, data: Model(model.trained).learning_curve(), "the history of this training"),
        (lambda model, data: model.recommend([["i3"]], k=0), "k should be"),
        (lambda model, data: load("nowhere"), "no model folder nowhere"),
    ],
)
def test_what_cannot_be_is_one_line(markov: Model, data: Data, ask: Ask, message: str) -> None:
    with pytest.raises(SeqrecError) as raised:
        ask(markov, data)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
