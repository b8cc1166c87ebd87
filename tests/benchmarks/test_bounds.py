"""A step by the kinds of its operations."""

import pytest

from benchmarks import sequences
from benchmarks.bounds import KINDS, KINDS_IN_ORDER, kind_of, main, shares


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("aten::addmm", "products"),
        ("aten::bmm", "small products"),
        ("aten::gelu_backward", "exponentials"),
        ("aten::native_layer_norm", "passes"),
        ("aten::embedding_dense_backward", "looked up"),
        ("aten::bernoulli_", "drawn"),
        ("aten::_fused_adam_", "Adam"),
        ("aten::view", "calls"),
        ("_CrossEntropyBackward", "calls"),
        ("autograd::engine::evaluate_function: MmBackward0", "calls"),
    ],
)
def test_each_operation_has_its_kind(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_no_operation_is_of_two_kinds() -> None:
    names = [name for kind in KINDS.values() for name in kind]
    assert len(names) == len(set(names))
    assert set(KINDS) < set(KINDS_IN_ORDER)


def test_shares_are_of_all_that_was_seen() -> None:
    found = shares([("aten::mm", 6.0), ("aten::add", 1.0), ("aten::mul", 1.0), ("Function", 2.0)])
    assert (found["products"], found["passes"], found["calls"]) == pytest.approx((0.6, 0.2, 0.2))
    assert sum(found.values()) == pytest.approx(1)


def test_a_model_has_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = sequences.make(users=60, items=30)
    monkeypatch.setattr("benchmarks.steps.make", lambda users, items: made)
    assert main(["--model", "fmlprec", "--steps", "1"]) == 0
    row = capsys.readouterr().out.splitlines()[-1].strip("| ").split(" | ")
    assert row[0] == "fmlprec"
    assert float(row[1]) > 0
    parts = [int(part.removesuffix(" %")) for part in row[2:-1]]
    assert len(parts) == len(KINDS_IN_ORDER)
    assert sum(parts) == pytest.approx(100, abs=len(parts) / 2)
    assert parts[0] > 0
    assert int(row[-1].replace(",", "")) > 50
