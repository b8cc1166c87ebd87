"""From the scores of all items to lists: the end of the graph, in ONNX's own words.

Equal scores come by item number, for so ONNX defines TopK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqrec.protocol import RankingRules

if TYPE_CHECKING:
    import onnx

OPSET, IR_VERSION = 20, 10
LISTS = """
<ir_version: {ir_version}, opset_import: ["": {opset}]>
lists (float[batch, {columns}] all_scores, int64[batch, length] histories,
       int64[1] k, bool keep_seen)
  => (int64[batch, listed] items, float[batch, listed] scores)
<float seen_score = {{{seen_score}}}, int64 padding = {{0}}, int64[1] one = {{1}},
 int64[1] first_seen = {{{first_seen}}}, int64[1] end = {{{end}}},
 int64[1] columns = {{{columns}}}, int64[1] most = {{{most}}},
 int64[4] a_column_before = {{0, 1, 0, 0}}>
{{
  looked_at = Slice(histories, first_seen, end, one)
  seen = Pad(looked_at, a_column_before, padding)
  left_out = Where(keep_seen, padding, seen)
  seen_shape = Shape(left_out)
  seen_scores = Expand(seen_score, seen_shape)
  ruled = ScatterElements<axis = 1>(all_scores, left_out, seen_scores)
  competing = Slice(ruled, one, columns, one)
  listed = Min(k, most)
  scores, places = TopK<axis = 1, largest = 1, sorted = 1>(competing, listed)
  numbers = Add(places, one)
  is_none = IsInf(scores)
  items = Where(is_none, padding, numbers)
}}
"""
"""Padding, item 0, never competes; a place of a list that nothing is left for has item 0."""
END = 2**62
"""Behind the last column of any history."""


def lists(num_items: int, rules: RankingRules, max_len: int) -> onnx.ModelProto:
    """Return the graph from scores (B, items + 1) and histories (B, L) to lists (B, k).

    Args:
        num_items: how many items there are.
        rules: what becomes of the items of a history.
        max_len: how many of these count as seen, if only those in the window do.
    """
    import onnx.parser

    text = LISTS.format(
        ir_version=IR_VERSION,
        opset=OPSET,
        columns=num_items + 1,
        most=num_items,
        seen_score=0.0 if rules.seen_score is None else rules.seen_score,
        first_seen=-max_len if rules.seen_in_window else 0,
        end=END,
    )
    return onnx.parser.parse_model(text)
