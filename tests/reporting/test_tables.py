"""Tables to read, letter by letter."""

import numpy as np
import pandas as pd
import pytest

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.reporting.breakdowns import COLUMNS as BREAKDOWN_COLUMNS
from seqrec.reporting.leaderboard import leaderboard, published_table
from seqrec.reporting.pages import latex, markdown
from seqrec.reporting.tables import (
    breakdown_views,
    leaderboard_views,
    shown_labels,
    significance_views,
)
from tests.reporting.examples import metrics_file

GOOD, WORSE = Cell("tiny", "m_good", "standard"), Cell("tiny", "worse", "standard")
LEADERBOARD = leaderboard(
    {
        WORSE: metrics_file(WORSE, {"HR@1": 0.5, "HR@10": 0.4, "NDCG@10": 0.2, "MRR@10": 0.1}),
        GOOD: metrics_file(GOOD, {"HR@1": 0.5, "HR@10": 0.3, "NDCG@10": 0.25}, seeds=(1, 2)),
    }
)
PUBLISHED = published_table(
    [
        {"model": "elsewhere", "source": "authors", "figures": {"tiny": {"NDCG@10": 0.3}}},
        {
            "model": "m_good",
            "source": "independent",
            "seeds": 5,
            "note": "tuned",
            "figures": {"tiny": {"HR@10": 0.31}, "other": {"HR@10": 0.9}},
        },
    ]
)


def test_the_leaderboard_as_markdown() -> None:
    assert markdown("Leaderboard", leaderboard_views(LEADERBOARD, PUBLISHED)) == (
        "# Leaderboard\n\n## tiny\n\n### standard\n\n"
        "| model | seeds | HR@10 | NDCG@10 |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| m_good | 2 | 0.3000 ± 0.0100 | **0.2500 ± 0.0100** |\n"
        "| *m_good, independent (tuned)* | *5* | *0.3100* |  |\n"
        "| worse | 1 | **0.4000** | 0.2000 |\n"
        "| *elsewhere, its authors* |  |  | *0.3000* |\n\n"
        "1,234 test targets, protocol standard, bold the best; mean over 1 to 2 seeds; "
        "± the sample deviation over seeds (none with one); "
        "standard error of NDCG@10 over users at most 0.0200; "
        "in italics published figures, not measured here.\n"
    )


def test_the_leaderboard_as_latex() -> None:
    assert latex(leaderboard_views(LEADERBOARD[LEADERBOARD["model"] == "m_good"])) == (
        "\\begin{table}\n\\centering\n"
        "\\caption{tiny, standard. 1,234 test targets, protocol standard, bold the best; "
        "mean over 2 seeds; $\\pm$ the sample deviation over seeds; "
        "standard error of NDCG@10 over users at most 0.0200.}\n"
        "\\begin{tabular}{lrrr}\n\\toprule\n"
        "model & seeds & HR@10 & NDCG@10 \\\\\n\\midrule\n"
        "m\\_good & 2 & 0.3000 $\\pm$ 0.0100 & \\textbf{0.2500 $\\pm$ 0.0100} \\\\\n"
        "\\bottomrule\n\\end{tabular}\n\\end{table}\n"
    )


def test_labels_come_by_cutoff_and_only_hr_and_ndcg() -> None:
    labels = ["NDCG@20", "MRR@5", "HR@20", "NDCG@5", "HR@1"]
    assert shown_labels(labels, (5, 10, 20)) == ("NDCG@5", "HR@20", "NDCG@20")
    with pytest.raises(SeqrecError, match=r"cutoffs 3, 4; add one to evaluation\.cutoffs"):
        shown_labels(labels, (3, 4))


def significance_rows(**more: object) -> pd.DataFrame:
    row = {
        "dataset": "tiny",
        "protocol": "standard",
        "metric": "HR@10",
        "model": "b|c",
        "reference": "a",
        "users": 1000,
        "difference": -0.01,
        "low": -0.02,
        "high": 0.00001,
        "p": 0.0004,
        "seeds": 3,
        "reference_seeds": 3,
        "p_seeds": 0.1,
        "p_holm": 0.04,
        "p_seeds_holm": 0.2,
    }
    return pd.DataFrame([row | more])


def test_comparisons_as_markdown() -> None:
    assert markdown("Significance", significance_views(significance_rows())) == (
        "# Significance\n\n## tiny\n\n### standard, HR@10\n\n"
        "| model | difference | 95 % interval | p | p (Holm) | p over seeds (Holm) |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |\n"
        "| b\\|c | **−0.0100** | −0.0200 to 0.0000 | < 0.001 | **0.040** | 0.200 |\n\n"
        "Difference to a on the test split: paired bootstrap over 1,000 users, p corrected by "
        "Holm over 1 model; bold where it is below 0.05. Over seeds: permutation of the "
        "per-seed means, which for these seeds gives no p below 0.100 before correction.\n"
    )


def test_without_a_test_over_seeds_it_says_so() -> None:
    rows = significance_rows(p_seeds=np.nan, p_seeds_holm=np.nan, p_holm=0.3)
    text = markdown("Significance", significance_views(rows))
    assert "| b\\|c | −0.0100 | −0.0200 to 0.0000 | < 0.001 | 0.300 |  |" in text
    assert "No test over seeds: it takes two seeds of both models." in text
    assert r"b|c & $-$0.0100 & $-$0.0200 to 0.0000 & $<$ 0.001" in latex(significance_views(rows))


def test_breakdowns_as_markdown() -> None:
    kinds = [("transition frequency", "0", 0, 900), ("transition frequency", "1–2", 1, 1100)]
    rows = [
        ("tiny", "standard", model, *kind, "NDCG@10", value, 0.01)
        for model, values in (("a", (0.0, 0.5)), ("b", (0.0, 0.25)))
        for kind, value in zip(kinds, values, strict=True)
    ]
    rows.append(("tiny", "standard", "a", "repeated target", "new", 0, 2000, "NDCG@10", 0.2, 0.01))
    views = breakdown_views(pd.DataFrame(rows, columns=list(BREAKDOWN_COLUMNS)))
    assert markdown("Breakdowns", views) == (
        "# Breakdowns\n\n## tiny\n\n### standard, by transition frequency\n\n"
        "| model | 0 (900) | 1–2 (1,100) |\n"
        "| --- | ---: | ---: |\n"
        "| a | 0.0000 | **0.5000** |\n"
        "| b | 0.0000 | 0.2500 |\n\n"
        "NDCG@10 by transition frequency, targets of each group in brackets, "
        "bold the best of each.\n"
    )


def test_an_empty_page_says_so() -> None:
    assert markdown("Significance", []) == (
        "# Significance\n\nNothing to show: there are not results enough yet.\n"
    )
