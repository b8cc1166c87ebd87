"""TED's closed form against dense rows of targets and predictions, as the paper writes it."""

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import torch
from torch import Tensor

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.losses import distillation
from seqrec.losses import items as losses
from seqrec.losses.distillation import FLOOR, Distillation, TransitionGraph
from seqrec.training.ted import Ted
from tests.memory import LargestTensor

CPU = torch.device("cpu")
PRECISIONS = [torch.float32, torch.float64]
NUM_ITEMS, DIM = 30, 6
# A repeated head, heads without edges (29, 30), one that does not count.
HEADS = torch.tensor([1, 5, 5, 0, 30, 7, 29, 1, 12, 0, 28])


def counts(num_items: int = NUM_ITEMS) -> npt.NDArray[np.int64]:
    """(I, I) a fifth of it edges; the last two items are never followed; item 1 by all items."""
    random = np.random.default_rng(3)
    dense = random.integers(1, 9, (num_items, num_items))
    dense *= random.random((num_items, num_items)) < 0.2
    dense[0] = random.integers(1, 4, num_items)
    dense[4] = np.eye(num_items)[6].astype(int)  # one edge alone
    dense[-2:] = 0
    return dense.astype(np.int64)


def graph_of(
    dense: npt.NDArray[np.int64],
    tau: float,
    dtype: torch.dtype = torch.float64,
    *,
    padded: bool = False,
) -> TransitionGraph:
    sources, targets = dense.nonzero()
    graph = TransitionGraph(
        sources + 1,
        targets + 1,
        dense[sources, targets],
        num_items=len(dense),
        tau=tau,
        device=CPU,
        dtype=dtype,
    )
    if padded:  # as on an accelerator
        graph.padded_to = int((dense > 0).sum(axis=1).max())
    return graph


def target_rows(dense: npt.NDArray[np.int64], heads: Tensor, tau: float) -> Tensor:
    """(H, I) softmax of counts / max(counts) / tau; all alike where nothing was counted."""
    rows = torch.from_numpy(dense)[heads - 1].double()
    highest = rows.amax(dim=1, keepdim=True).clamp(min=1)
    return (rows / highest / tau).softmax(dim=1)


def plain(
    dense: npt.NDArray[np.int64], heads: Tensor, of_heads: Tensor, vectors: Tensor, tau: float
) -> Tensor:
    """The paper's loss by dense rows, gradients by autograd."""
    of_heads, heads = of_heads[heads != 0], heads[heads != 0]
    logits = math.sqrt(of_heads.shape[1]) * of_heads @ vectors[1:].T / tau
    # log(q + floor), written so that float32 can hold the floor
    prediction = torch.logaddexp(logits.log_softmax(dim=1), logits.new_tensor(math.log(FLOOR)))
    target = target_rows(dense, heads, tau).to(logits.dtype)
    return -(target * prediction).sum(dim=1).mean()


def assert_equal_to_plain(
    tau: float, scale: float, dtype: torch.dtype, *, padded: bool = False, heads: Tensor = HEADS
) -> float:
    """Compare value and gradients, scaled from above; return the share of predictions floored.

    Where nearly all is floored the gradients are differences of much larger terms: equal means
    to some rounding errors of those.
    """
    torch.manual_seed(0)
    dense = counts()
    vectors = (scale * torch.randn(NUM_ITEMS + 1, DIM, dtype=dtype)).requires_grad_()
    of_heads = vectors.detach()[heads].clone().requires_grad_()
    ours = Distillation(graph_of(dense, tau, dtype, padded=padded), 1.0, tau)
    results = [
        [loss, *torch.autograd.grad(loss * -1.7, [of_heads, vectors])]
        for loss in (
            ours(heads, of_heads, vectors),
            plain(dense, heads, of_heads, vectors, tau),
        )
    ]
    for our, theirs in zip(*results, strict=True):
        terms = max(scale * math.sqrt(DIM) / tau, theirs.detach().abs().max().item())
        atol = 20 * torch.finfo(dtype).eps * terms
        torch.testing.assert_close(our, theirs, atol=atol, rtol=0)
    logits = (math.sqrt(DIM) * of_heads @ vectors[1:].T / tau).detach()
    return (logits.log_softmax(dim=1) < math.log(FLOOR)).double().mean().item()


def test_targets_by_hand() -> None:
    """Item 1 is followed by item 2 four times and by item 3 once, tau 1/2; item 3 by nothing."""
    dense = np.array([[0, 4, 1], [0, 0, 0], [0, 0, 0]])
    graph = graph_of(dense, tau=0.5)
    edges = graph.edges_of(torch.tensor([1, 3]))
    raised = np.exp([0.0, 2.0, 0.5])
    expected = raised / raised.sum()
    assert edges.rows.tolist() == [0, 0]
    assert edges.columns.tolist() == [1, 2]
    assert graph.off.tolist()[1] == pytest.approx(expected[0])
    assert (edges.excess + graph.off[1]).tolist() == pytest.approx(expected[1:].tolist())
    assert graph.off.tolist()[3] == pytest.approx(1 / 3)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("tau", [0.05, 1.0])
def test_every_target_row_is_that_of_the_dense_form(tau: float, padded: bool) -> None:
    graph, heads = graph_of(counts(), tau, padded=padded), torch.arange(1, NUM_ITEMS + 1)
    edges = graph.edges_of(heads)
    rows = graph.off[heads][:, None].repeat(1, NUM_ITEMS)
    rows.index_put_((edges.rows, edges.columns), edges.excess, accumulate=True)
    torch.testing.assert_close(rows, target_rows(counts(), heads, tau))
    torch.testing.assert_close(rows.sum(dim=1), torch.ones_like(rows[:, 0]))


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(
    ("tau", "scale", "floored"),
    [(1.0, 0.1, (0, 0)), (0.05, 0.1, (0, 0)), (0.05, 0.4, (0.1, 0.7)), (1.0, 2.0, (0.1, 0.7)),
     (0.05, 4.0, (0.8, 1))],
)  # fmt: skip
def test_value_and_gradients_equal_the_dense_form(
    tau: float, scale: float, floored: tuple[float, float], padded: bool, dtype: torch.dtype
) -> None:
    """Small embeddings, and large ones of which a part or nearly all reach the floor."""
    share = assert_equal_to_plain(tau, scale, dtype, padded=padded)
    assert floored[0] <= share <= floored[1]


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("scale", [0.1, 2.0])
def test_chunks_make_no_difference(
    padded: bool, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "CACHED", 3 * NUM_ITEMS)
    monkeypatch.setattr(distillation, "FEWEST_ROWS", 3)
    assert_equal_to_plain(0.1, scale, torch.float64, padded=padded)


def test_without_the_floor_large_embeddings_give_another_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distillation, "LOG_FLOOR", -1e9)
    with pytest.raises(AssertionError):
        assert_equal_to_plain(0.05, 4.0, torch.float64)


def test_heads_that_do_not_count_change_nothing() -> None:
    torch.manual_seed(0)
    ted = Distillation(graph_of(counts(), 0.1), 1.0, 0.1)
    vectors = torch.randn(NUM_ITEMS + 1, DIM, dtype=torch.float64)
    kept = HEADS[HEADS != 0]
    torch.testing.assert_close(
        ted(HEADS, vectors[HEADS], vectors), ted(kept, vectors[kept], vectors)
    )


@pytest.mark.parametrize("heads", [[], [0, 0]])
def test_no_heads_no_loss(heads: list[int]) -> None:
    ted = Distillation(graph_of(counts(), 0.1), 1.0, 0.1)
    vectors = torch.randn(NUM_ITEMS + 1, DIM, dtype=torch.float64, requires_grad=True)
    chosen = torch.tensor(heads, dtype=torch.long)
    loss = ted(chosen, vectors[chosen], vectors)
    (gradient,) = torch.autograd.grad(loss, vectors)
    assert loss.item() == 0
    assert not gradient.any()


def test_padding_gets_no_gradient() -> None:
    ted = Distillation(graph_of(counts(), 0.1), 1.0, 0.1)
    vectors = torch.randn(NUM_ITEMS + 1, DIM, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(ted(HEADS, vectors[HEADS].detach(), vectors), vectors)
    assert gradient.any(dim=1).tolist() == [False, *[True] * NUM_ITEMS]


def test_no_array_of_heads_or_items_by_items() -> None:
    """20,000 items and 500 heads: the largest tensor is one chunk of logits."""
    num_items, edges = 20_000, 60_000
    random = np.random.default_rng(0)
    sources = np.sort(random.integers(1, num_items + 1, edges))
    graph = TransitionGraph(
        sources,
        random.integers(1, num_items + 1, edges),
        np.ones(edges, dtype=np.int64),
        num_items=num_items,
        tau=0.1,
        device=CPU,
    )
    ted = Distillation(graph, 1.0, 0.1)
    vectors = torch.randn(num_items + 1, 16, requires_grad=True)
    heads = torch.randint(1, num_items + 1, (500,))
    with LargestTensor() as largest:
        ted(heads, vectors[heads], vectors).backward()
    assert largest.elements <= losses.logits_at_once(CPU)


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        ([], [], "the transition graph is empty"),
        ([1, 4], [2, 1], "names items that the sequences lack"),
        ([1, 2], [0, 1], "names items that the sequences lack"),
        ([2, 1], [1, 2], "not sorted by source_item"),
    ],
)
def test_a_graph_of_no_use_is_one_clear_line(
    sources: list[int], targets: list[int], message: str
) -> None:
    first, second = (np.array(ids, dtype=np.int64) for ids in (sources, targets))
    ones = np.ones(len(sources), dtype=np.int64)
    with pytest.raises(SeqrecError, match=message) as caught:
        TransitionGraph(first, second, ones, num_items=3, tau=1.0, device=CPU)
    assert "\n" not in str(caught.value)


def sequences(*users: list[int]) -> Sequences:
    """Training items only."""
    return Sequences(
        items=np.concatenate([np.array(user, dtype=np.int32) for user in users]),
        offsets=np.cumsum([0, *map(len, users)]),
        split=np.zeros(sum(map(len, users)), dtype=np.int8),
        num_items=4,
    )


def ted_of(edges: list[tuple[int, int, int]], time_span: int = 1, last: int | None = None) -> Ted:
    names = ("source_item", "target_item", "count")
    columns = {name: [edge[k] for edge in edges] for k, name in enumerate(names)}
    schema = pa.schema([(name, pa.int32()) for name in names])
    return Ted(pa.table(columns, schema=schema), 0.5, 0.1, time_span, last)


# The transitions of 1 2 3 1 and of 4 1, by span and by how many of the last items count.
SPAN_1 = [(1, 2, 1), (2, 3, 1), (3, 1, 1), (4, 1, 1)]
SPAN_2 = [(1, 2, 1), (1, 3, 1), (2, 1, 1), (2, 3, 1), (3, 1, 1), (4, 1, 1)]
LAST_2 = [(3, 1, 1), (4, 1, 1)]


@pytest.mark.parametrize(
    ("edges", "time_span", "last"), [(SPAN_1, 1, None), (SPAN_2, 2, None), (LAST_2, 1, 2)]
)
def test_a_graph_of_these_sequences_is_taken(
    edges: list[tuple[int, int, int]], time_span: int, last: int | None
) -> None:
    data = sequences([1, 2, 3, 1], [4, 1])
    actual = ted_of(edges, time_span, last).distillation(data, CPU)
    assert (actual.weight, actual.tau) == (0.5, 0.1)
    assert actual.graph.degrees.tolist()[1:] == [
        sum(source == item for source, _, _ in edges) for item in range(1, 5)
    ]


@pytest.mark.parametrize(
    ("edges", "time_span", "last", "message"),
    [
        (SPAN_1, 2, None, "time_span=2 and last_items=all"),
        (SPAN_2, 1, None, "time_span=1 and last_items=all"),
        (SPAN_1, 1, 2, "time_span=1 and last_items=2"),
        ([], 1, None, "does not hold the transitions of these sequences"),
    ],
)
def test_a_graph_counted_otherwise_is_one_clear_line(
    edges: list[tuple[int, int, int]], time_span: int, last: int | None, message: str
) -> None:
    data = sequences([1, 2, 3, 1], [4, 1])
    with pytest.raises(SeqrecError, match=message) as caught:
        ted_of(edges, time_span, last).distillation(data, CPU)
    assert "\n" not in str(caught.value)
    assert "kedro run --pipeline transitions" in str(caught.value)


def test_an_empty_graph_of_sequences_without_transitions_says_how_to_go_on() -> None:
    with pytest.raises(SeqrecError, match=r"train with ted\.weight=0"):
        ted_of([]).distillation(sequences([1], [2]), CPU)


def test_a_graph_of_other_data_with_as_many_transitions_is_refused() -> None:
    with pytest.raises(SeqrecError, match="does not hold the transitions"):
        ted_of(SPAN_1).distillation(sequences([1, 2, 1, 3], [4, 1]), CPU)


def test_under_autocast_it_keeps_its_precision() -> None:
    """Logits divided by tau are large, and bf16 would leave them three digits."""
    torch.manual_seed(0)
    vectors = torch.randn(NUM_ITEMS + 1, DIM, requires_grad=True)
    of_heads = vectors.detach()[HEADS].clone().requires_grad_()
    loss = Distillation(graph_of(counts(), 0.1, torch.float32), 1.0, 0.1)
    expected = loss(HEADS, of_heads, vectors)
    with torch.autocast("cpu", torch.bfloat16):
        actual = loss(HEADS, of_heads, vectors)
        low = loss(HEADS, of_heads.bfloat16(), vectors)
    assert actual.item() == expected.item()
    assert low.item() == pytest.approx(expected.item(), rel=2e-2)
    (gradient,) = torch.autograd.grad(low, of_heads)
    assert gradient.isfinite().all()


def test_the_fingerprint_tells_graphs_and_settings_apart() -> None:
    same, other = ted_of(SPAN_1), ted_of(SPAN_2)
    assert same.fingerprint() == ted_of(SPAN_1).fingerprint()
    heavier = Ted(same.graph, 0.6, 0.1, 1, None)
    warmer = Ted(same.graph, 0.5, 0.2, 1, None)
    prints = {ted.fingerprint() for ted in (same, other, heavier, warmer)}
    assert len(prints) == 4
