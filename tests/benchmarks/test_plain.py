"""The plain forms give what the real ones give: benchmarks compare like with like."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from benchmarks.case import LINES, SEQUENCES, Case
from benchmarks.plain.training import PlainTraining, plain
from benchmarks.real import Real, distillation, real
from benchmarks.sequences import table, write_lines
from benchmarks.settings import PAPERS
from seqrec.batches import Sequences
from seqrec.batches.packing import PackedHistories, PackedRows
from seqrec.errors import SeqrecError
from seqrec.losses import Held
from seqrec.losses.negatives import UniformNegatives
from seqrec.models.bert4rec import BERT4Rec

USERS, ITEMS = 60, 40
ATTENTION: dict[str, Any] = {"num_heads": 2, "hidden_dropout": 0.0, "attention_dropout": 0.0}
SMALL: dict[str, dict[str, Any]] = {
    "bsarec": ATTENTION,
    "mqsa_ted": {"num_heads": 2, "dropout": 0.0},
    "sasrec": ATTENTION,
    "sasrec_ce": ATTENTION,
    "bert4rec": {**ATTENTION, "mask_ratio": 0.4},
    "caser": {"hidden_dropout": 0.0},
    "gru4rec": {"hidden_dim": 8, "num_layers": 2, "hidden_dropout": 0.0},
    "fmlprec": {"hidden_dropout": 0.0},
    "duorec": ATTENTION,
    "fearec": ATTENTION,
}
FORMS = [
    pytest.param(model, protocol, dtype, id=f"{model}-{protocol}-{str(dtype)[6:]}")
    for model in SMALL
    for protocol in ("authors", "standard")
    for dtype in ((torch.float32, torch.float64) if model in PAPERS else (torch.float64,))
]


def without_repeats() -> pa.Table:
    """A target that was seen before ties with other seen items, and a top-k list may break ties."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 15, USERS)
    return table(lengths, np.concatenate([rng.permutation(ITEMS)[:n] + 1 for n in lengths]))


def pair(folder: Path, model: str, protocol: str, dtype: torch.dtype) -> tuple[Real, PlainTraining]:
    """Return both forms of a small model with the same random weights, dropout 0."""
    found = without_repeats()
    pq.write_table(found, folder / SEQUENCES)
    write_lines(Sequences.from_table(found), folder / LINES)
    options = {"max_len": 9, "dim": 8, **SMALL[model]}
    case = Case(model, "synthetic", protocol, str(folder), ITEMS, USERS, options=options)
    ours, theirs = real(case), plain(case)
    assert isinstance(ours, Real)
    assert isinstance(theirs, PlainTraining)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, value in ours.model.named_parameters():
            value.normal_(std=0.3)
            if name == "item_embedding.weight":
                value[0] = 0.0
    ours.model.to(dtype)
    ours.step_of.distillation = distillation(case, Sequences.from_table(found, ITEMS), dtype)
    weights = ours.model.state_dict()
    theirs.model.to(dtype).load_state_dict(
        {name: weights[name].view(value.shape) for name, value in theirs.model.state_dict().items()}
    )
    return ours, theirs


def first_free(held: set[int]) -> int:
    return next(item for item in range(1, ITEMS + 1) if item not in held)


def last_three(histories: torch.Tensor) -> torch.Tensor:
    width = histories.shape[1]
    return torch.arange(width - 3, width).expand(len(histories), -1)


def draw_alike(monkeypatch: pytest.MonkeyPatch, theirs: PlainTraining) -> None:
    """Let the negative of both forms be the first item that is not held; mask the last three."""

    def negatives(self: UniformNegatives, held: Held) -> torch.Tensor:
        free = [first_free(set(items)) for items in held.items.tolist()]
        return torch.tensor(free)[held.of, None]

    monkeypatch.setattr(UniformNegatives, "__call__", negatives)
    monkeypatch.setattr(BERT4Rec, "masked_places", lambda _, histories: last_three(histories))
    theirs.loader.dataset.negative = first_free  # type: ignore[attr-defined]


def loss_of(theirs: PlainTraining, batch: Any, parts: Any, dtype: torch.dtype) -> Any:
    """Return the plain form's loss of its own examples, with what was drawn for the batch."""
    parts = [part.to(dtype) if part.is_floating_point() else part for part in parts]
    partners = getattr(batch, "same_target", None)
    if partners is not None:
        packed = isinstance(partners, PackedHistories)
        parts[2] = padded(partners, partners.histories, len(parts[0])) if packed else partners
    if theirs.case.model == "bert4rec" and theirs.case.protocol == "authors":
        parts.append(last_three(parts[0]))
        return theirs.model.masked_loss(*parts)
    if getattr(batch, "masked", None) is not None:
        masked = padded(batch, batch.masked.long(), len(parts[0]))
        return theirs.model.cloze_loss(parts[0], masked > 0)
    return theirs.loss(parts)


def padded(packed: PackedRows, values: torch.Tensor, count: int) -> torch.Tensor:
    """Return the values of packed rows as one left-padded row a segment: (count, L)."""
    rows = torch.zeros(count + 1, int(packed.positions.max()) + 1, dtype=values.dtype)
    rows[packed.segments, packed.positions] = values  # -1, the last one, for space left over
    return rows[:count]


@pytest.mark.parametrize(("model", "protocol", "dtype"), FORMS)
def test_loss_and_gradients_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, protocol: str, dtype: torch.dtype
) -> None:
    ours, theirs = pair(tmp_path, model, protocol, dtype)
    assert (ours.examples, ours.steps) == (theirs.examples, theirs.steps)
    draw_alike(monkeypatch, theirs)
    rows = torch.randperm(ours.examples)[:50]
    batch: Any = ours.model.drawn(ours.source.gather(rows))
    loss = ours.step_of.losses(batch)["loss"]
    loss.backward()
    parts = theirs.loader.collate_fn([theirs.loader.dataset[row] for row in rows.tolist()])
    expected = loss_of(theirs, batch, parts, dtype)
    expected.backward()

    # BSARec's basis is kept in fp32; the -10000 of its authors' masks rounds scores to 1e-3
    tolerance = 1e-5 if dtype == torch.float32 else 1e-7
    assert loss.item() == pytest.approx(expected.item(), rel=tolerance)
    gradients = {name: value.grad for name, value in theirs.model.named_parameters()}
    assert gradients.keys() == dict(ours.model.named_parameters()).keys()
    for name, value in ours.model.named_parameters():
        wanted = gradients[name].view(value.shape)
        scale = max(0.1, wanted.abs().max().item())
        assert value.grad is not None
        torch.testing.assert_close(value.grad, wanted, rtol=0, atol=tolerance * scale, msg=name)


def test_a_model_without_a_plain_form_is_one_line() -> None:
    with pytest.raises(SeqrecError, match="--vs: tenth has no form in benchmarks/plain; leave it"):
        plain(Case("tenth", "synthetic", "authors", "", ITEMS))


@pytest.mark.parametrize("split", ["valid", "test"])
@pytest.mark.parametrize(("model", "protocol", "dtype"), FORMS)
def test_evaluation_is_the_same(
    tmp_path: Path, model: str, protocol: str, dtype: torch.dtype, split: Any
) -> None:
    ours, theirs = pair(tmp_path, model, protocol, dtype)
    assert ours.validate(split) == pytest.approx(theirs.validate(split), abs=1e-9)


def test_a_step_of_each_lowers_the_loss(tmp_path: Path) -> None:
    for model in PAPERS:
        for form in pair(tmp_path, model, "authors", torch.float32):
            batch = form.batch()
            losses = [form.step(batch).item() for _ in range(10)]
            assert losses[-1] < losses[0]
