"""Pages are read and compared as their signs say: drift, a missing line, another order fail."""

import pytest

from tests.conftest import ROOT
from tests.documents.shell import own_command
from tests.documents.transcripts import (
    Block,
    Exchange,
    blocks_of,
    exchanges_of,
    faults_of,
    mismatch,
    same_line,
)

PAGE = """
Words.

```sh
kedro run
```

<!-- not run: takes hours -->
```console
$ make bench
```

- in a list
  <!-- run by: tests/test_dvc.py and
       tests/test_files.py -->

  ```python
  import seqrec
  ```

<!-- not run: words stand between -->

More words.

```text
a tree
```
"""


def test_blocks_have_the_mark_that_stands_right_before_them() -> None:
    assert list(blocks_of(PAGE)) == [
        Block(4, "sh", "kedro run\n"),
        Block(9, "console", "$ make bench\n", not_run="takes hours"),
        Block(
            17,
            "python",
            "import seqrec\n",
            run_by=("tests/test_dvc.py", "tests/test_files.py"),
        ),
        Block(25, "text", "a tree\n"),
    ]


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("```\nx\n```", "language '' is none of"),
        ("```bash\nx\n```", "language 'bash' is none of"),
        ("```text\n$ x\n```", "call it console"),
        ("<!-- not run: -->\n```sh\nx\n```", "does not say why"),
        ("<!-- run by: tests/none.py -->\n```sh\nx\n```", "tests/none.py: no such file"),
        ("<!-- run by: hand -->\n```sh\nx\n```", "names no test"),
        ("<!-- not ran: why -->\n```sh\nx\n```", None),
    ],
)
def test_what_is_wrong_with_a_block(page: str, fault: str | None) -> None:
    (block,) = blocks_of(page)
    assert fault in "\n".join(faults_of(block, ROOT)) if fault else not faults_of(block, ROOT)


def test_a_script_is_cut_into_commands() -> None:
    script = """# words
kedro run --params \\
    dataset=shop   # the customer's

cat > a.csv <<END
customer,sku
END
for x in 1 2; do
  echo $x
done
"""
    assert [exchange.command for exchange in exchanges_of(Block(1, "sh", script))] == [
        "kedro run --params \\\n    dataset=shop   # the customer's",
        "cat > a.csv <<END\ncustomer,sku\nEND",
        "for x in 1 2; do\n  echo $x\ndone",
    ]


def test_a_transcript_is_cut_into_commands_and_what_they_print() -> None:
    transcript = """$ cat > a.csv <<END
> customer,sku
> END
$ dvc repro
Running stage 'a':
> kedro run
$ ls \\
    data

raw
"""
    assert list(exchanges_of(Block(1, "console", transcript))) == [
        Exchange("cat > a.csv <<END\ncustomer,sku\nEND", []),
        Exchange("dvc repro", ["Running stage 'a':", "> kedro run"]),
        Exchange("ls \\\n    data", ["", "raw"]),
    ]


def test_a_transcript_begins_with_a_command() -> None:
    with pytest.raises(ValueError, match="'output' of a transcript stands before"):
        list(exchanges_of(Block(1, "console", "output\n$ ls\n")))


def test_statements_and_what_they_print() -> None:
    session = """>>> x = 1
>>> for n in (x, 2):
...     print(n)
1

…
"""
    assert list(exchanges_of(Block(1, "pycon", session))) == [
        Exchange("x = 1", []),
        Exchange("for n in (x, 2):\n    print(n)", ["1", "", "…"]),
    ]


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        ("13:58:19  1/7 read_raw_log", "09:01:00  1/7 read_raw_log"),
        ("epoch  40  loss 3.4333  0.7 s", "epoch 40 loss 3.4401 12.5 s"),
        ("loss 3.4333  21218 examples/s", "loss 3.4333  9.5 examples/s"),
        ("0.3034 ±0.0109   0.5586", "0.3101 ±0.0110   0.5590"),
        ("memory 655 MB, 1.2 min", "memory 1,020.5 MB, 3 s"),
        ("score 19.5", "score 20.2"),
        ("change -0.0011", "change 0.0056"),
        ("model card: …/metrics.json", "model card: /somewhere/else/metrics.json"),
        (" ─────────", "───────────────"),
        ("ERROR: failed to reproduce 'a': …", "ERROR: failed to reproduce 'a': killed"),
    ],
)
def test_lines_that_are_the_same(expected: str, printed: str) -> None:
    assert same_line(" ".join(expected.split()), " ".join(printed.split()))


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        ("22,663 interactions", "22,664 interactions"),
        ("NDCG@20 0.4839", "NDCG@20 0.5100"),
        ("NDCG@20 0.4839", "NDCG@10 0.4839"),
        ("score 19.5", "score 21.0"),
        ("score 19.5", "score 19"),
        ("2024-01-31", "2024-01-30"),
        ("seqrec, version 0.1.0", "seqrec, version 0.2.0"),
        ("torch 2.13", "torch 2.9"),
        ("1  sku-8", "1  sku-9"),
        ("item", "items"),
    ],
)
def test_lines_that_are_not(expected: str, printed: str) -> None:
    assert not same_line(" ".join(expected.split()), " ".join(printed.split()))


PRINTED = ["a 1.00", "", "b", "c", "b", "d"]


@pytest.mark.parametrize(
    "expected",
    [
        PRINTED,
        ["a  1.01", "b", "c", "b", "d", ""],
        ["…"],
        ["…", "…"],
        ["a 1.00", "…"],
        ["…", "d"],
        ["…", "c", "…", "d"],
        ["a 1.00", "…", "b", "d"],
        ["a 1.00", "…", "b", "…", "b", "…"],
        ["a 1.00", "b", "c", "b", "d", "…"],
    ],
)
def test_outputs_that_are_the_same(expected: list[str]) -> None:
    assert mismatch(expected, PRINTED) is None


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ([], "more is printed than the page has: a 1.00"),
        (["a 1.00", "b", "c"], "more is printed than the page has: b"),
        (["a 1.50", "…"], "the page has\n    a 1.50\nand what is printed is\n    a 1.00"),
        (["a 1.00", "c", "b", "…"], "the page has\n    c"),
        ([*PRINTED, "e"], "not printed: e"),
        (["…", "e"], "the page has\n    e\nand what is printed is\n    d"),
        (["…", "a 1.50", "…"], "not printed in its turn:\n    a 1.50\nnearest:\n    a 1.00"),
        (["…", "c", "…", "a 1.00", "…"], "not printed in its turn:\n    a 1.00"),
        (["…", "c", "d", "…"], "not printed together, or not in this order"),
        (["a 1.00", "…", "d", "…", "d"], "not printed: d"),
        (["a 1.00", "b", "c", "b", "…", "b", "d"], "the page has\n    b"),
    ],
)
def test_outputs_that_are_not(expected: list[str], said: str) -> None:
    assert said in (mismatch(expected, PRINTED) or "")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("kedro run  # as ever", ["kedro", "run"]),
        ("seqrec run \\\n  --params 'a=b;c'", ["seqrec", "run", "--params", "a=b;c"]),
        ('kedro run --params "seeds=1;2"', ["kedro", "run", "--params", "seeds=1;2"]),
        ("kedro run && ls", None),
        ("seqrec serve model &", None),
        ("tail log | seqrec recommend --histories -", None),
        ('seqrec serve "$MODEL"', None),
        ("seqrec recommend --model data/*", None),
        ("ls kedro", None),
        ("echo it's", None),
    ],
)
def test_which_commands_need_no_shell(command: str, words: list[str] | None) -> None:
    assert own_command(command) == words
