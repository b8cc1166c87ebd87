"""Tables that show themselves."""

import pyarrow as pa

from seqrec.notebook.tabular import FIRST_ROWS, Tabular, arrow_html


class Example(Tabular):
    @property
    def table(self) -> pa.Table:
        return pa.table({"item": ["<b>", None], "score": [0.5, 0.25]})

    def __repr__(self) -> str:
        return "2 items & more"


def test_it_is_a_table_to_others() -> None:
    assert pa.table(Example()).equals(Example().table)
    assert Example().to_pandas()["score"].tolist() == [0.5, 0.25]
    assert len(Example()) == 2


def test_it_is_html_in_a_notebook() -> None:
    html = Example()._repr_html_()
    assert "2 items &amp; more</caption>" in html
    assert "&lt;b&gt;</td>" in html  # an item's id is no markup
    assert "0.5000</td>" in html
    assert html.count("<tr>") == 3
    assert "left" in html[html.index(">item") - 40 : html.index(">item")]
    assert "right" in html[html.index(">score") - 40 : html.index(">score")]


def test_only_the_first_rows_are_shown() -> None:
    html = arrow_html(pa.table({"n": list(range(1000, 1000 + FIRST_ROWS + 5))}), "")
    assert str(1000 + FIRST_ROWS - 1) in html
    assert str(1000 + FIRST_ROWS) not in html
    assert html.count("…") == 1
