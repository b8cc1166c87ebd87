"""The node of the pipeline ``filtering``, and what it says."""

from typing import Any

import ibis
import pytest

from seqrec.parameters.sections import FilteringOptions
from seqrec.pipelines.filtering.nodes import keep_core_interactions


def test_rows_that_are_there_twice_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """A log that was exported twice: every interaction has its double right behind it."""
    columns = {
        "user_id": list("aaaabb"),
        "item_id": list("wwxxyy"),
        "timestamp": [1, 1, 2, 2, 3, 3],
    }
    log = ibis.memtable({**columns, "source_row": [*range(1, 7)], "rating": [1.0] * 6})
    options = FilteringOptions(user_core=0, item_core=0)
    _, report = keep_core_interactions(log, {"timestamp_unit": "s"}, options)
    assert report["ties"] == {"neighbours": 4, "same_timestamp": 3, "same_item": 3}
    assert "3 interactions are there again, with the same user" in caplog.text
    once = FilteringOptions(user_core=0, item_core=0, consecutive_repeats="drop")
    assert keep_core_interactions(log, {"timestamp_unit": "s"}, once)[1]["ties"]["neighbours"] == 1


@pytest.mark.parametrize(("order", "said"), [({}, 1), ({"order": [4, 3, 2, 1]}, 0)])
def test_ties_that_a_second_column_orders_are_none_to_tell(
    order: dict[str, Any], said: int, caplog: pytest.LogCaptureFixture
) -> None:
    columns = {"user_id": list("aabb"), "item_id": list("wxyz"), "timestamp": [1] * 4}
    log = ibis.memtable({**columns, "source_row": [1, 2, 3, 4], "rating": [1.0] * 4, **order})
    options = FilteringOptions(user_core=0, item_core=0)
    keep_core_interactions(log, {"timestamp_unit": "s"}, options)
    told = [line for line in caplog.messages if "share their timestamp" in line]
    assert len(told) == said
