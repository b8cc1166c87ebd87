"""Results packed for a repository, and the book that is made of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import gains, mean_and_error
from seqrec.reporting.book import book_of, write_book
from seqrec.reporting.breakdowns import breakdowns, target_facts
from seqrec.reporting.cells import Group
from seqrec.reporting.command import results
from seqrec.reporting.packed_cells import pack
from seqrec.reporting.significance import significance
from seqrec.reporting.unpacked_cells import unpack

USERS = 40
LABELS = ("HR@10", "NDCG@10")
ROOT = Path(__file__).parents[2]
A, B = Cell("tiny", "a", "standard"), Cell("tiny", "b", "standard")
GROUP = Group("tiny", "standard")


def sequences() -> pa.Table:
    """Five items a user, the last for test, the one before for validation."""
    generator = np.random.default_rng(3)
    length = 5
    return pa.table(
        {
            "user_index": np.repeat(np.arange(1, USERS + 1), length).astype(np.int32),
            "position": np.tile(np.arange(length), USERS).astype(np.int32),
            "item_index": generator.integers(1, 9, USERS * length).astype(np.int32),
            "split": ["train", "train", "train", "valid", "test"] * USERS,
        }
    )


def graph() -> pa.Table:
    """Of the training part, counted pair by pair."""
    rows = sequences().to_pandas()
    counted: dict[tuple[int, int], int] = {}
    for _, one in rows[rows["split"] == "train"].groupby("user_index"):
        for pair in zip(one["item_index"], one["item_index"][1:], strict=False):
            counted[pair] = counted.get(pair, 0) + 1
    return pa.table(
        {
            "source_item": [source for source, _ in counted],
            "target_item": [target for _, target in counted],
            "count": list(counted.values()),
        }
    )


def evaluated(cell: Cell, seeds: tuple[int, ...], best: int) -> dict[str, Any]:
    """What a run leaves: ranks with halves and one that is out of the ranking, metrics, history."""
    table = sequences()
    blocks, by_seed = [], {}
    for seed in seeds:
        generator = np.random.default_rng([seed, best])
        values = {}
        for split in ("valid", "test"):
            targets = table.filter(pc.equal(table["split"], split))
            ranks = generator.integers(best, 30, USERS) / 2 + 0.5
            ranks[3] = np.inf
            values[split] = {
                "metrics": {
                    label: {"value": float(gains(label[:-3], ranks, 10).mean())} for label in LABELS
                }
            }
            blocks.append(
                pa.table(
                    {
                        "seed": np.full(USERS, seed, np.int64),
                        "split": [split] * USERS,
                        "user_index": targets["user_index"],
                        "item_index": targets["item_index"],
                        "rank": ranks,
                    }
                )
            )
        by_seed[str(seed)] = {"best_epoch": 2, "splits": values, "fingerprint": f"f{seed}"}
    history = pa.table({"seed": np.repeat(seeds, 3), "epoch": [1, 2, 3] * len(seeds)})
    metrics = {"seen_items": "exclude", "seeds": list(seeds), "by_seed": by_seed}
    return {"cell": cell, "metrics": metrics, "ranks": pa.concat_tables(blocks), "history": history}


RESULTS = (evaluated(A, (42, 43), 1), evaluated(B, (42,), 8))


def packed(folder: Path) -> Path:
    facts = target_facts(sequences(), graph())
    for result in RESULTS:
        pack(**result, facts=facts, folder=folder)
    return folder


def test_what_was_packed_comes_back(tmp_path: Path) -> None:
    found = unpack(packed(tmp_path))
    assert list(found.ranks) == [A, B]
    for result in RESULTS:
        ranks = result["ranks"].filter(pc.equal(result["ranks"]["split"], "test"))
        again = found.ranks[result["cell"]]
        assert again.equals(ranks.cast(again.schema))
        assert found.histories[result["cell"]].equals(result["history"])
    facts = target_facts(sequences(), graph())
    expected = facts[facts["split"] == "test"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.facts[GROUP][list(facts.columns)], expected)


def test_metrics_are_those_of_the_ranks(tmp_path: Path) -> None:
    found = unpack(packed(tmp_path)).metrics[A]["splits"]["test"]["metrics"]["NDCG@10"]
    ranks = RESULTS[0]["ranks"].to_pandas().query("split == 'test'")
    gained = np.stack([gains("NDCG", of["rank"].to_numpy(), 10) for _, of in ranks.groupby("seed")])
    users = np.arange(USERS)
    assert found["value"] == pytest.approx(gained.mean())
    assert found["deviation"] == pytest.approx(gained.mean(axis=1).std(ddof=1))
    error = mean_and_error(gained.mean(axis=0), users)["standard_error"]
    assert found["standard_error"] == pytest.approx(error)


def test_the_reference_is_the_best_in_validation(tmp_path: Path) -> None:
    found = unpack(packed(tmp_path))
    assert found.references == {("tiny", "standard"): "a"}
    whole = {result["cell"]: result["ranks"] for result in RESULTS}
    of_all = significance(whole, resamples=200)  # it looks at the ranks in validation
    of_packed = significance(found.ranks, reference=found.references, resamples=200)
    pd.testing.assert_frame_equal(of_all, of_packed)
    facts = {"tiny": target_facts(sequences(), graph())}
    pd.testing.assert_frame_equal(
        breakdowns(whole, facts), breakdowns(found.ranks, {"tiny": found.facts[GROUP]})
    )


def test_seeds_may_be_packed_one_after_the_other(tmp_path: Path) -> None:
    facts = target_facts(sequences(), graph())
    for seed in (43, 42):
        result = RESULTS[0]
        of_seed = result["ranks"].filter(pc.equal(result["ranks"]["seed"], seed))
        pack(A, result["metrics"], of_seed, result["history"], facts, tmp_path / "single")
    packed(tmp_path / "all")
    for file in (tmp_path / "single" / A.id).rglob("*.*"):
        same = tmp_path / "all" / file.relative_to(tmp_path / "single")
        assert file.read_bytes() == same.read_bytes()


def test_other_targets_are_refused(tmp_path: Path) -> None:
    packed(tmp_path)
    other = sequences().set_column(2, "item_index", pa.array(np.full(USERS * 5, 3, dtype=np.int32)))
    ranks = RESULTS[0]["ranks"]
    ranks = ranks.set_column(3, "item_index", pa.array(np.full(len(ranks), 3, dtype=np.int32)))
    with pytest.raises(SeqrecError, match="other targets than the models packed before"):
        pack(**RESULTS[0] | {"ranks": ranks}, facts=target_facts(other, graph()), folder=tmp_path)


@pytest.mark.parametrize("name", ["metrics.json", "test_ranks.parquet", "training_history.parquet"])
def test_a_damaged_cell_is_named(tmp_path: Path, name: str) -> None:
    place = packed(tmp_path) / A.id / "43"
    for content in ("{", "[]", "{}"):
        (place / name).write_text(content)
        with pytest.raises(SeqrecError, match=r"43: damaged or unfinished .* pack it again"):
            unpack(tmp_path)


def test_missing_ranks_and_targets_are_named(tmp_path: Path) -> None:
    place = packed(tmp_path) / A.id / "43" / "test_ranks.parquet"
    pq.write_table(pq.read_table(place).slice(1), place)
    with pytest.raises(SeqrecError, match="not as many ranks as targets"):
        unpack(tmp_path)
    path = tmp_path / "tiny" / "targets.standard.parquet"
    path.write_text("{")
    with pytest.raises(SeqrecError, match=r"targets\.standard\.parquet is damaged"):
        unpack(tmp_path)
    path.unlink()
    with pytest.raises(SeqrecError, match=r"targets\.standard\.parquet is missing"):
        unpack(tmp_path)


def test_ranks_belong_to_their_targets(tmp_path: Path) -> None:
    path = packed(tmp_path) / "tiny" / "targets.standard.parquet"
    targets = pq.read_table(path)
    reversed_ = targets["item_index"].to_numpy()[::-1]
    pq.write_table(targets.set_column(2, "item_index", pa.array(reversed_)), path)
    with pytest.raises(SeqrecError, match="ranked other targets than those that lie there"):
        unpack(tmp_path)


def test_a_protocol_has_targets_of_its_own(tmp_path: Path) -> None:
    facts = target_facts(sequences(), graph())
    packed(tmp_path)
    ranks = RESULTS[1]["ranks"]
    fewer = ranks.filter(pc.not_equal(ranks["user_index"], 5))
    other = Cell("tiny", "b", "authors")
    pack(other, RESULTS[1]["metrics"], fewer, RESULTS[1]["history"], facts, tmp_path)
    found = unpack(tmp_path)
    assert len(found.facts["tiny", "authors"]) == len(found.facts[GROUP]) - 1  # type: ignore[index]
    book = book_of(found, {}, metrics=LABELS, resamples=50)
    assert set(book["breakdowns"].table["protocol"]) == {"standard", "authors"}


def test_a_seed_is_a_number(tmp_path: Path) -> None:
    place = packed(tmp_path) / A.id
    (place / "43").rename(place / ".43.saving")
    assert unpack(tmp_path).metrics[A]["seeds"] == [42]
    (place / ".43.saving").rename(place / "seed43")
    with pytest.raises(SeqrecError, match="seed43: a seed is a number"):
        unpack(tmp_path)


def test_seeds_may_have_measured_different_things(tmp_path: Path) -> None:
    place = packed(tmp_path) / A.id / "43" / "training_history.parquet"
    history = pq.read_table(place)
    pq.write_table(history.append_column("distillation", pa.array([1.0, 2.0, 3.0])), place)
    found = unpack(tmp_path).histories[A]
    assert found["distillation"].to_pylist() == [None, None, None, 1.0, 2.0, 3.0]


def without(table: pa.Table, seed: int) -> pa.Table:
    return table.filter(pc.not_equal(table["seed"], seed))


def lacking(metrics: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(metrics))
    del changed["by_seed"]["43"]["splits"]["valid"]["metrics"]["NDCG@10"]
    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: {"history": without(r["history"], 43)}, "no training history of seed 43"),
        (lambda r: {"history": r["history"].drop(["seed"])}, "no training history of seed 42"),
        (lambda r: {"metrics": {"by_seed": {"42": r["metrics"]["by_seed"]["42"]}}}, "seed 43"),
        (lambda r: {"metrics": {"by_seed": {"42": {"splits": {}}}}}, "of an earlier version"),
        (lambda r: {"metrics": []}, "of an earlier version"),
        (lambda r: {"metrics": lacking(r["metrics"])}, "not measured at NDCG@10 in validation"),
        (
            lambda r: {"ranks": r["ranks"].set_column(4, "rank", pc.divide(r["ranks"]["rank"], 4))},
            "ranks that are none",
        ),
    ],
)
def test_a_cell_is_packed_whole_or_not_at_all(tmp_path: Path, change: Any, message: str) -> None:
    result = RESULTS[0]
    with pytest.raises(SeqrecError, match=message):
        pack(**result | change(result), facts=target_facts(sequences(), graph()), folder=tmp_path)
    assert not list(tmp_path.rglob("*.*"))


def test_other_facts_of_the_targets_are_another_training_part(tmp_path: Path) -> None:
    packed(tmp_path)
    facts = target_facts(sequences(), graph())
    facts["popularity"] += 1
    with pytest.raises(SeqrecError, match="the training part of tiny is not that of the models"):
        pack(**RESULTS[0], facts=facts, folder=tmp_path)


def ranked_with(rule: str, cell: Cell, seed: int, folder: Path) -> None:
    """Say of a packed seed that it was ranked so."""
    path = folder / cell.id / str(seed) / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seen_items": rule}))


def test_what_was_ranked_in_different_ways_is_neither_averaged_nor_compared(
    tmp_path: Path,
) -> None:
    packed(tmp_path)
    ranked_with("keep", A, 43, tmp_path)
    with pytest.raises(SeqrecError, match=r"seeds of tiny/a/standard .* \(exclude, keep\)"):
        unpack(tmp_path)
    ranked_with("keep", A, 42, tmp_path)
    found = unpack(tmp_path)
    with pytest.raises(SeqrecError, match=r"tiny/a/.* seen_items=keep, tiny/b/\S+ with exclude;"):
        book_of(found, {}, metrics=LABELS, resamples=50)


def test_no_cells_are_no_book(tmp_path: Path) -> None:
    done = CliRunner().invoke(results, ["book", str(tmp_path), str(tmp_path / "book")])
    assert done.exit_code == 1
    assert "no packed cells" in done.output
    assert not (tmp_path / "book").exists()
    done = CliRunner().invoke(results, ["pack", str(tmp_path / "c"), "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "no evaluated cell there" in done.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n- b\n", "it is to hold the lists published and targets"),
        (b"a", "it is to hold the lists"),
        (b"publishd: []\n", "it is to hold the lists"),
        (b"a: [\n\n", "no YAML"),
        (b"\xff\xfe\x00", "no YAML"),
    ],
)
def test_published_figures_of_another_form(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "p.yml").write_bytes(content)
    cells, folder = packed(tmp_path / "c"), tmp_path / "book"
    given = ["book", str(cells), str(folder), "--published", str(tmp_path / "p.yml")]
    done = CliRunner().invoke(results, given)
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)
    assert message in done.output
    assert not folder.exists()
    done = CliRunner().invoke(results, [*given[:-1], str(tmp_path / "none.yml")])
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)
    assert "cannot read" in done.output


def test_a_metric_named_twice_is_compared_once(tmp_path: Path) -> None:
    cells, folder = packed(tmp_path / "c"), tmp_path / "book"
    given = ["book", str(cells), str(folder), "--metrics", "NDCG@10, NDCG@10", "--resamples", "50"]
    assert CliRunner().invoke(results, given).exit_code == 0
    assert len(pd.read_csv(folder / "significance.csv")) == 1
    done = CliRunner().invoke(results, [*given[:3], "--metrics", "HR10"])
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)


def test_the_commands_go_from_a_project_to_the_book(tmp_path: Path) -> None:
    data, cells, folder = tmp_path / "data", tmp_path / "cells", tmp_path / "book"
    for result in RESULTS:
        name = result["cell"].id
        for place in (data / "07_model_output" / name, data / "06_models" / name):
            place.mkdir(parents=True)
        (data / "07_model_output" / name / "metrics.json").write_text(json.dumps(result["metrics"]))
        pq.write_table(result["ranks"], data / "07_model_output" / name / "ranks.parquet")
        history = data / "06_models" / name / "training_history.parquet"
        pq.write_table(result["history"], history)
    (data / "05_model_input" / "tiny").mkdir(parents=True)
    pq.write_table(sequences(), data / "05_model_input" / "tiny" / "sequences.parquet")
    done = CliRunner().invoke(results, ["pack", str(cells), "--data", str(data)])
    assert done.output.splitlines() == [f"{A.id}: seeds 42, 43", f"{B.id}: seeds 42"]
    done = CliRunner().invoke(results, ["book", str(cells), str(folder), "--resamples", "100"])
    assert done.exit_code == 0, done.output
    expected = book_of(unpack(packed(tmp_path / "c")), {}, metrics=LABELS, resamples=100)
    write_book(expected, tmp_path / "same")
    for file in sorted((tmp_path / "same").iterdir()):
        assert file.read_bytes() == (folder / file.name).read_bytes(), file.name
    assert "| a | 42, 43 | 2, 2 | 3, 3 epochs |" in (folder / "trainings.md").read_text()


def test_numbers_are_written_with_nine_digits(tmp_path: Path) -> None:
    book = book_of(unpack(packed(tmp_path / "c")), {}, metrics=LABELS, resamples=100)
    write_book(book, tmp_path)
    read = pd.read_csv(tmp_path / "leaderboard.csv", dtype=str)["value"]
    assert (read.str.replace(".", "").str.lstrip("0").str.len() <= 9).all()
    values = book["leaderboard"].table["value"]
    np.testing.assert_allclose(read.astype(float), values, rtol=1e-8)


@pytest.mark.parametrize("place", ["docs/results", "docs/results/temporal"])
def test_the_book_of_this_project_is_that_of_its_cells(place: str, tmp_path: Path) -> None:
    folder = ROOT / place
    published = ["--published", str(ROOT / "conf/base/published.yml")]
    asked = published if place == "docs/results" else []
    done = CliRunner().invoke(results, ["book", str(folder / "cells"), str(tmp_path), *asked])
    assert done.exit_code == 0, done.output
    for file in sorted(tmp_path.iterdir()):
        assert file.read_bytes() == (folder / file.name).read_bytes(), file.name
