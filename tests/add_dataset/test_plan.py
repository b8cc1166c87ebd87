"""How a log would be read of which nothing is known but what the user says."""

from pathlib import Path

import pytest

from seqrec.add_dataset.plan import file_options
from seqrec.errors import SeqrecError

WILD = Path(__file__).parents[1] / "readers" / "wild"


def test_columns_are_counted_where_there_is_no_header() -> None:
    options = file_options(
        WILD / "no_header.csv", {"user": "0", "item": "1", "timestamp": "4"}, {"separator": ","}
    )

    assert options.columns is not None
    assert (options.columns.user, options.columns.item, options.columns.timestamp) == (0, 1, 4)
    with pytest.raises(SeqrecError, match=r"counted from 0; add --timestamp NUMBER \(or none"):
        file_options(WILD / "no_header.csv", {"user": "0", "item": "1"}, {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("log.csv", "user_id,item_id\nu1,a\nu1,b\n"),
        ("log.json", '{"user_id": "u1", "item_id": "a"}\n{"user_id": "u1", "item_id": "b"}\n'),
    ],
)
def test_none_alone_is_no_number_of_a_column(tmp_path: Path, name: str, text: str) -> None:
    """It is what the line says that asks for the timestamps."""
    (tmp_path / name).write_text(text)

    with pytest.raises(SeqrecError, match=r"--timestamp none: the rows stand in order"):
        file_options(tmp_path / name, {}, {})
    options = file_options(tmp_path / name, {"timestamp": "none"}, {})

    assert options.columns is not None
    assert options.columns.model_dump(include={"user", "item", "timestamp"}) == {
        "user": "user_id",
        "item": "item_id",
        "timestamp": None,
    }


def test_sessions_stand_for_users_that_are_mostly_missing() -> None:
    options = file_options(WILD / "views_of_sessions.csv", {}, {})

    assert options.columns is not None
    assert (options.columns.user, options.columns.item) == ("sessionId", "itemId")
