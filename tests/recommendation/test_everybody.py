"""Lists for all users of a data set, in blocks, beside those of each user alone."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import RecommendationOptions
from seqrec.recommendation import everybody as module
from seqrec.recommendation.everybody import Everybody
from seqrec.recommendation.recommender import Recommender
from tests.recommendation.test_as_evaluated import log_of, trained

LOG = log_of(4)
MODEL = trained("bsarec", "standard", LOG, seed=4)
NAMES = pa.chunked_array([[f"user-{number}" for number in range(1, LOG.num_users + 1)]])
HISTORIES = {
    name: LOG.items[first:stop].tolist()
    for name, first, stop in zip(NAMES.to_pylist(), LOG.offsets[:-1], LOG.offsets[1:], strict=True)
}


def lists(tmp_path: Path, **options: Any) -> dict[str, list[str]]:
    everybody = Everybody(
        Recommender(MODEL, device="cpu"), LOG, NAMES, RecommendationOptions(**options)
    )
    done: list[int] = []
    rows = everybody.write(tmp_path / "lists.parquet", done.append)
    table = pq.read_table(tmp_path / "lists.parquet")
    assert (len(table), sum(done)) == (rows, len(everybody))
    found: dict[str, list[str]] = {}
    for row in table.to_pylist():
        found.setdefault(row["user_id"], []).append(row["item_id"])
        assert row["rank"] == len(found[row["user_id"]])
    return found


@pytest.mark.parametrize("block", [4, 1000])
def test_everybody_gets_the_list_of_the_whole_history(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "USER_BLOCK", block)
    found = lists(tmp_path, k=6)
    assert list(found) == NAMES.to_pylist()
    assert found == Recommender(MODEL, device="cpu").recommend(HISTORIES, k=6).lists()


def test_users_and_items_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "USER_BLOCK", 2)
    users = ["user-9", "user-3", "nobody", "user-4"]
    (tmp_path / "users.csv").write_text("".join(f"{user}\n" for user in ["user_id", *users]))
    (tmp_path / "only.csv").write_text(
        "user_id,item_id\n" + "".join(f"user-3,{n}\nuser-4,{n + 5}\n" for n in range(1, 9))
    )
    (tmp_path / "out.txt").write_text("2\n7\n")
    files = {"users": "users.csv", "candidates": "only.csv", "exclude": "out.txt"}
    found = lists(tmp_path, k=6, **{name: str(tmp_path / file) for name, file in files.items()})
    assert list(found) == ["user-9", "user-3", "user-4"]
    expected = Recommender(MODEL, device="cpu").recommend(
        {user: HISTORIES[user] for user in found},
        k=6,
        exclude=[2, 7],
        candidates={"user-3": range(1, 9), "user-4": range(6, 14)},
    )
    assert found == expected.lists()


def test_users_of_a_file_are_taken_as_the_log_takes_them(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("user_id\n3.0\n1\n 3\n")
    numbered = pa.chunked_array([[str(number) for number in range(1, LOG.num_users + 1)]])
    options = RecommendationOptions(users=str(tmp_path / "users.csv"))
    everybody = Everybody(Recommender(MODEL, device="cpu"), LOG, numbered, options)
    assert everybody.names.to_pylist() == ["3", "1"]


def test_users_of_whom_none_is_known_are_refused(tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("nobody\n")
    with pytest.raises(SeqrecError, match="none of its 1 users is in the data"):
        lists(tmp_path, users=str(tmp_path / "users.txt"))
    with pytest.raises(SeqrecError, match=r"no file .*absent\.csv"):
        lists(tmp_path, users=str(tmp_path / "absent.csv"))
