"""The chunked cross entropy against the textbook's, which is one array of logits and autograd."""

import math

import pytest
import torch
from torch import Tensor

from seqrec.losses import CrossEntropy, Padding, chunked_cross_entropy, plain_cross_entropy
from seqrec.losses import items as losses
from tests.memory import LargestTensor

PADDINGS: list[Padding] = ["class", "zero", "none"]
PRECISIONS = [torch.float32, torch.float64]


def task(
    rows: int, items: int, dtype: torch.dtype = torch.float64, share_without: float = 0.3
) -> tuple[Tensor, Tensor, Tensor]:
    """Random states, vectors and targets, some of them 0."""
    torch.manual_seed(rows + items)
    states = torch.randn(rows, 6, dtype=dtype, requires_grad=True)
    vectors = torch.randn(items + 1, 6, dtype=dtype, requires_grad=True)
    targets = torch.randint(1, items + 1, (rows,))
    targets[torch.rand(rows) < share_without] = 0
    targets[0] = items
    return states, vectors, targets


def value_and_gradients(
    loss: Tensor, states: Tensor, vectors: Tensor, upstream: float
) -> tuple[Tensor, Tensor, Tensor]:
    of_states, of_vectors = torch.autograd.grad(loss * upstream, [states, vectors])
    return loss.detach(), of_states, of_vectors


def assert_equal_to_plain(
    states: Tensor,
    vectors: Tensor,
    targets: Tensor,
    padding: Padding,
    atol: float | None = None,
    rtol: float | None = None,
) -> None:
    ours, plain = (
        value_and_gradients(
            form(states, vectors, targets, padding=padding), states, vectors, upstream=-2.5
        )
        for form in (chunked_cross_entropy, plain_cross_entropy)
    )
    for our, theirs in zip(ours, plain, strict=True):
        torch.testing.assert_close(our, theirs, atol=atol, rtol=rtol)


def test_by_hand() -> None:
    """Logits 0, ln 2 and ln 4 of items 1 to 3, ln 9 of padding; the target is item 2."""
    vectors = torch.tensor([9.0, 1.0, 2.0, 4.0]).log()[:, None]
    states, targets = torch.tensor([[1.0], [5.0]]), torch.tensor([2, 0])
    expected = {"none": 7 / 2, "class": 16 / 2, "zero": 8 / 2}
    for padding in PADDINGS:
        loss = chunked_cross_entropy(states, vectors, targets, padding=padding)
        assert loss.item() == pytest.approx(math.log(expected[padding]), abs=1e-6)
        assert CrossEntropy(padding)(states, vectors, targets) == loss


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("cached", [1 << 20, 64, 40])
def test_chunks_of_rows_equal_the_plain_form(
    padding: Padding, dtype: torch.dtype, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows at once, then chunks of 32 rows, the last of them not full."""
    monkeypatch.setattr(losses, "CACHED", cached)
    monkeypatch.setattr(losses.Softmax, "by_blocks", None)
    assert_equal_to_plain(*task(rows=100, items=4, dtype=dtype), padding=padding)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("cached", [1, 20, 50, 120])
def test_blocks_of_items_equal_the_plain_form(
    padding: Padding, dtype: torch.dtype, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of 1, 2, 6 and 15 items for eight rows and 37 items."""
    monkeypatch.setattr(losses, "CACHED", cached)
    monkeypatch.setattr(losses.Softmax, "by_rows", None)
    assert_equal_to_plain(*task(8, 37, dtype, share_without=0), padding=padding)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("cached", [1 << 20, 1])
@pytest.mark.parametrize(("rows", "items"), [(1, 1), (1, 9), (5, 1)])
def test_one_row_and_one_item(
    rows: int, items: int, padding: Padding, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "CACHED", cached)
    assert_equal_to_plain(*task(rows, items), padding=padding)


@pytest.mark.parametrize("cached", [1 << 20, 1])
def test_large_logits_do_not_overflow(cached: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "CACHED", cached)
    states, vectors, targets = task(12, 30, torch.float32)
    large = (states * 300).detach().requires_grad_()
    assert_equal_to_plain(large, vectors, targets, padding="none", atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("cached", [1 << 20, 1])
@pytest.mark.parametrize("padding", PADDINGS)
def test_rows_without_a_target_get_no_gradient_and_do_not_count(
    padding: Padding, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "CACHED", cached)
    states, vectors, targets = task(20, 7)
    loss = chunked_cross_entropy(states, vectors, targets, padding=padding)
    (of_states,) = torch.autograd.grad(loss, states)
    assert torch.equal(of_states.any(dim=1), targets != 0)
    alone = chunked_cross_entropy(
        states[targets != 0], vectors, targets[targets != 0], padding=padding
    )
    torch.testing.assert_close(loss, alone)


@pytest.mark.parametrize("padding", ["zero", "none"])
def test_padding_that_is_no_class_gets_no_gradient(padding: Padding) -> None:
    states, vectors, targets = task(20, 7)
    loss = chunked_cross_entropy(states, vectors, targets, padding=padding)
    (of_vectors,) = torch.autograd.grad(loss, vectors)
    assert of_vectors.any(dim=1).tolist() == [False, *[True] * 7]


@pytest.mark.parametrize("cached", [1 << 20, 1])
@pytest.mark.parametrize("wanted", ["states", "vectors", "neither"])
def test_gradients_are_computed_where_they_are_wanted(
    wanted: str, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "CACHED", cached)
    states, vectors, targets = task(12, 7)
    plain = plain_cross_entropy(states, vectors, targets)
    of_states, of_vectors = torch.autograd.grad(plain, [states, vectors])
    ours = chunked_cross_entropy(
        states if wanted == "states" else states.detach(),
        vectors if wanted == "vectors" else vectors.detach(),
        targets,
    )
    torch.testing.assert_close(ours.detach(), plain.detach())
    assert ours.requires_grad == (wanted != "neither")
    if wanted == "states":
        torch.testing.assert_close(torch.autograd.grad(ours, states)[0], of_states)
    if wanted == "vectors":
        torch.testing.assert_close(torch.autograd.grad(ours, vectors)[0], of_vectors)
    with torch.no_grad():
        torch.testing.assert_close(chunked_cross_entropy(states, vectors, targets), plain.detach())


def test_the_inputs_are_left_as_they_are() -> None:
    tensors = task(20, 7)
    before = [tensor.detach().clone() for tensor in tensors]
    chunked_cross_entropy(*tensors).backward()
    assert all(torch.equal(a, b) for a, b in zip(tensors, before, strict=True))


@pytest.mark.parametrize("cached", [1 << 20, 200])
@pytest.mark.parametrize("padding", PADDINGS)
def test_bf16_inputs_give_about_the_same(
    padding: Padding, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the plain form in float64 over the same rounded inputs."""
    monkeypatch.setattr(losses, "CACHED", cached)
    states, vectors, targets = task(64, 40, torch.bfloat16)
    loss = chunked_cross_entropy(states, vectors, targets, padding=padding)
    ours = value_and_gradients(loss, states, vectors, upstream=1.0)
    wide, wider = (x.detach().double().requires_grad_() for x in (states, vectors))
    exact = plain_cross_entropy(wide, wider, targets, padding=padding)
    plain = value_and_gradients(exact, wide, wider, upstream=1.0)
    assert ours[0].dtype == torch.float32
    assert ours[0].item() == pytest.approx(plain[0].item(), rel=0.01)
    for our, theirs in zip(ours[1:], plain[1:], strict=True):
        assert our.dtype == torch.bfloat16
        assert (our.double() - theirs).norm() < 0.02 * theirs.norm()


@pytest.mark.parametrize("cached", [1 << 18, 1 << 14])
def test_no_array_of_all_rows_and_items(cached: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """For 1,000 rows and 3,000 items no tensor is larger than a chunk of logits or the vectors;
    in chunks of rows, then in blocks of items."""
    monkeypatch.setattr(losses, "CACHED", cached)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # chunks grow with them
    states, vectors, targets = task(1_000, 3_000, torch.float32)
    with LargestTensor() as largest:
        chunked_cross_entropy(states, vectors, targets).backward()
    assert largest.elements <= max(cached, vectors.numel())
    with LargestTensor() as largest:
        plain_cross_entropy(states, vectors, targets).backward()
    assert largest.elements >= 1_000 * 3_000
