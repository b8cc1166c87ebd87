"""SEER, sequence encoder with evidence rows: a model of this project (docs/seer.md).

What an encoder makes of a history, and what the log as a whole says about the history's items, in
one softmax: logit(h, i) = s(h) · v_i + kappa · b(h, i). s and v are those of any encoder of the
package, or s · v is the mean of several encoders'. b is the evidence: of the items that
follow those of the history, or are had together with them, the strongest K; a small head says how
far to trust which channel at this moment. All is trained end to end, and a user's own interactions
never count as evidence for themselves (``seqrec.evidence``).

Notable: the encoder's own loss is computed by the encoder, which is handed a loss over items that
adds the evidence; so any causal encoder will do. kappa is 1 in training, and chosen on validation
at its end.

Shapes: B histories of L items, N targets, K entries of a list, V = items + 1, d channels.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from seqrec.batches import Sequences
from seqrec.evidence.evidence_lists import FEATURES, Evidence, evidence_after
from seqrec.evidence.pair_tables import Tables, count_pairs
from seqrec.evidence.training_lists import LONGEST, TrainingLists, mean_largest
from seqrec.losses import Held, ItemLoss, Padding
from seqrec.losses.bonus import Bonus, cross_entropy_with_bonus
from seqrec.machine.products import inner
from seqrec.models import GIVEN, SHARED, model_class
from seqrec.models.parts.bounds import Count, Size, Weight
from seqrec.models.parts.evidence_head import EvidenceHead
from seqrec.models.parts.face import BlockScorer, Scorer, SequentialModel, TrainingForm
from seqrec.models.parts.search_range import LEARNING_RATE, Space
from seqrec.protocol import Protocol

log = logging.getLogger(__name__)

KAPPAS = (0.7, 1.0, 1.4, 2.0)
GIGABYTE = 1e9


@dataclass(frozen=True)
class SEERConfig:
    """Settings that need no hand; the encoder's are its own unless ``encoder_options`` say else."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    encoder: str = "mqsa_ted"
    """The model that reads the history: any whose states look back only."""
    encoder_options: dict[str, Any] | None = field(default_factory=dict)
    """Options of the encoder that are not as it has them by itself; null: all are."""
    members: Size = 2
    """How many encoders there are; the mean of their scores is the model's."""
    list_length: Size = 128
    """How many items, those with the strongest evidence, a history gets evidence for: K."""
    neighbours: Size = 5000
    """How many other items an item keeps in the tables of evidence, the strongest."""
    stale_targets: Count = 2
    """Before how many last targets of a user the evidence is older in training, as it is where
    lists are made: counted without anybody's last so many items."""
    stored_gigabytes: Weight = 8.0
    """What the lists of all training targets may take in a file; where they would take more they
    are made anew in every step. And what is remembered of validation may take in memory."""
    protocol: Protocol = "standard"

    def __post_init__(self) -> None:
        kind = model_class(self.encoder)
        own = [each.name for each in fields(kind.Config) if each.name not in (*GIVEN, *SHARED)]
        for name in self.encoder_options or {}:
            if name not in own:
                raise ValueError(
                    f"encoder_options.{name} is no option of {self.encoder}, which has "
                    f"{', '.join(own)}; model_options.encoder_options=null leaves all as they are"
                )
        if problem := _misfit(kind) or _misfit_of_states(kind(self.encoder_config(1))):
            raise ValueError(
                f"encoder {self.encoder} will not do: {problem}; mqsa_ted, bsarec and sasrec will"
            )

    def encoder_config(self, num_items: int) -> Any:
        """Return the configuration of the encoder."""
        shared = {name: getattr(self, name) for name in (*SHARED, "protocol")}
        return model_class(self.encoder).Config(num_items, **shared, **(self.encoder_options or {}))


def _misfit(kind: type[SequentialModel]) -> str | None:
    """Return why no model of a kind can be an encoder here."""
    if kind is SEER:
        return "it has evidence of its own"
    if kind.per_user or kind.per_item != ("item_embedding.weight",):
        return "it has more than item vectors"
    return None


def _misfit_of_states(encoder: SequentialModel) -> str | None:
    """Return why a model's states cannot be joined with evidence."""
    if encoder.training_form == "masked_sequences":
        return "its states look ahead"
    if encoder.training_form == "sequences" and encoder.needs_rows_of_their_own:
        return "its states come in an order of their own"
    return None


class SEER(SequentialModel):
    """The model: an encoder, the tables, and the head."""

    Config: ClassVar[type] = SEERConfig
    usually_best_in: ClassVar[int] = 51
    config: SEERConfig
    space: ClassVar[Mapping[str, Space]] = {
        "training.learning_rate": LEARNING_RATE,
        "list_length": (64, 128, 256),
    }
    section_defaults: ClassVar[Mapping[str, Any]] = {
        "training.max_epochs": 200,
        "training.patience": 8,
        "training.monitor": "NDCG@10",
        "training.target_share": 0.5,
        "training.average_weights": 0.99,
        "ted.weight": 0.1,
    }
    losses: ClassVar[tuple[str, ...] | None] = ("cross_entropy",)
    looks_things_up: ClassVar[bool] = True
    learns_new_items_alone: ClassVar[bool] = True
    learns_faster: ClassVar[Mapping[str, float]] = {"head.": 3.0}
    counted: ClassVar[tuple[str, ...]] = ("tables.", "scales")
    scales: Tensor
    """(C,) what a channel's largest value is on average."""
    kappa: Tensor
    """How much the evidence counts where the model ranks."""

    def __init__(self, config: SEERConfig) -> None:
        super().__init__()
        self.config = config
        kind, of_encoder = model_class(config.encoder), config.encoder_config(config.num_items)
        self.encoder: SequentialModel = kind(of_encoder)
        self.others = nn.ModuleList(kind(of_encoder) for _ in range(config.members - 1))
        self.head = EvidenceHead()
        self.tables = Tables(config.num_items)
        self.register_buffer("scales", torch.ones(FEATURES - 1))
        self.register_buffer("kappa", torch.ones(()))
        self._lists: TrainingLists | None = None
        self._items = torch.zeros(0, dtype=torch.long)
        self._remembered: dict[bytes, Evidence] | None = None
        self._room = 0.0

    @classmethod
    def options_of(cls, options: Mapping[str, Any], weights: Collection[str]) -> dict[str, Any]:
        """Return the options; the members are those whose weights there are."""
        others = {name.split(".")[1] for name in weights if name.startswith("others.")}
        return {**options, "members": 1 + len(others)}

    # --- what training and ranking ask -------------------------------------------------------

    @property
    def training_form(self) -> TrainingForm:
        """As the encoder's."""
        return self.encoder.training_form

    @property
    def compares_histories(self) -> bool:
        """As the encoder."""
        return self.encoder.compares_histories

    @property
    def needs_same_targets(self) -> bool:
        """As the encoder."""
        return self.encoder.needs_same_targets

    @property
    def hides_padding(self) -> bool:
        """As the encoder: evidence knows no padding."""
        return self.encoder.hides_padding

    @property
    def padding(self) -> Padding:
        """As to the encoder."""
        return self.encoder.padding

    @property
    def sparse_gradients(self) -> bool:
        """The loss is over all items."""
        return False

    @property
    def embedding_dropout(self) -> float:
        """As the encoder's."""
        return self.encoder.embedding_dropout

    @property
    def history_len(self) -> int:
        """All items of a history, or nearly: the encoder takes the last ``max_len`` of them."""
        return max(LONGEST, self.config.max_len)

    def item_vectors(self) -> Tensor:
        """Return (V, members · d), those of all encoders; the evidence is no product of vectors."""
        return torch.cat(self.distilled(), dim=1) if self.others else self.encoder.item_vectors()

    def distilled(self) -> list[Tensor]:
        """Return each encoder's."""
        return [encoder.item_vectors() for encoder in self.encoders]

    @property
    def item_embedding(self) -> nn.Embedding:  # type: ignore[override]
        """Return the encoder's."""
        return self.encoder.item_embedding

    def encode(self, histories: Tensor, users: Tensor | None = None) -> Tensor:
        """Return (B, members · d) of (B, L), whose product with item vectors is the mean score."""
        recent = histories[:, -self.config.max_len :]
        states = [encoder.encode(recent, users) for encoder in self.encoders]
        return torch.cat(states, dim=1) / len(states) if self.others else states[0]

    @property
    def per_item(self) -> tuple[str, ...]:  # type: ignore[override]
        """Each encoder's item vectors."""
        others = (f"others.{number}" for number in range(len(self.others)))
        return tuple(f"{name}.item_embedding.weight" for name in ("encoder", *others))

    @property
    def encoders(self) -> list[SequentialModel]:
        """The members."""
        return cast("list[SequentialModel]", [self.encoder, *self.others])

    def scorer(self) -> Scorer:
        """Score by states and evidence."""
        vectors = self.item_vectors()

        def score(histories: Tensor, users: Tensor) -> Tensor:
            scores = inner(self.encode(histories, users), vectors)
            columns, added = self.added(histories)
            return scores.scatter_add_(1, columns, added.to(scores.dtype))

        return score

    def block_scorer(self, items: int) -> BlockScorer:
        """Score so many items at a time."""
        blocks = self.item_vectors().split(items)

        def in_blocks(histories: Tensor, users: Tensor) -> Iterator[Tensor]:
            states = self.encode(histories, users)
            columns, added = self.added(histories)
            for number, vectors in enumerate(blocks):
                places = columns - number * items
                here = (places >= 0) & (places < len(vectors))
                scores = inner(states, vectors)
                places = places.clamp(0, len(vectors) - 1)
                yield scores.scatter_add_(1, places, (added * here).to(scores.dtype))

        return in_blocks

    def added(self, histories: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, K) items and what the evidence adds to their scores, kappa times."""
        evidence = self.evidence(histories)
        return evidence.columns, self.kappa * self.head(evidence)

    def evidence(self, histories: Tensor) -> Evidence:
        """Return the evidence after (B, L) histories, remembered while the model is trained."""
        if self._remembered is None:
            return self._evidence(histories)
        key = blake2b(histories.cpu().numpy().tobytes(), person=b"%d" % histories.shape[1]).digest()
        if key in self._remembered:
            columns, features, moments = self._remembered[key]
            return Evidence(columns.long(), features.float(), moments)
        columns, features, moments = self._evidence(histories)
        # as it will be remembered, so that a value is the same whether it was or not
        kept = Evidence(columns.int(), features.half(), moments)
        self._room -= sum(each.nbytes for each in kept)
        if self._room >= 0:
            self._remembered[key] = kept
        return Evidence(columns, kept.features.float(), moments)

    def _evidence(self, histories: Tensor) -> Evidence:
        return evidence_after(self.tables, histories, self.scales, self.config.list_length)

    @torch.inference_mode()
    def reasons(self, history: Tensor, items: Tensor) -> Tensor:
        """Return what the scores of items are made of: (n, 2 + FEATURES), which add up to them.

        Args:
            history: (L,) item indices, oldest first.
            items: (n,) of which items.

        Returns:
            The state; what each channel and the popularity add by the gate; the small network.
        """
        states = inner(self.encode(history[None]), self.item_vectors()[items])
        evidence = self.evidence(history[None])
        parts = self.kappa * self.head.parts(evidence)[0]
        same = (evidence.columns[0] == items[:, None]).to(parts.dtype)
        return torch.cat([states.T, same @ parts], dim=1)

    # --- training ----------------------------------------------------------------------------

    def prepare(self, sequences: Sequences) -> None:
        """Count the training part, and make the lists before all targets."""
        config = self.config
        self.tables.fill(count_pairs(sequences, config.neighbours))
        self.scales = mean_largest(self.tables, sequences)
        self._lists = TrainingLists(
            self.tables,
            self.scales,
            sequences,
            config.max_len,
            config.list_length,
            config.stored_gigabytes * GIGABYTE,
            config.stale_targets,
        )
        self._sequences = sequences
        self._remembered, self._room = {}, config.stored_gigabytes * GIGABYTE
        self.kappa.fill_(1)

    def loss(self, batch: Any, item_loss: ItemLoss | None = None) -> dict[str, Tensor]:
        """Return the members' mean loss, in whose softmax the evidence stands.

        Args:
            batch: in the encoder's training form, with the places of its targets.
            item_loss: not asked: it is cross entropy over all items.
        """
        with_evidence = _WithEvidence(self, batch.places)
        losses = [encoder.loss(batch, with_evidence) for encoder in self.encoders]
        return {name: torch.stack([loss[name] for loss in losses]).mean() for name in losses[0]}

    def training_evidence(self, places: np.ndarray[Any, Any]) -> tuple[Evidence, Tensor]:
        """Return the evidence before targets, and the items before them, on the device.

        Args:
            places: (N,) where the targets stand in the flat array.
        """
        assert self._lists is not None, "prepare comes before training"
        device = self.kappa.device
        found = (*self._lists.at(places), self._past(places))
        *evidence, past = (each.to(device, non_blocking=True) for each in found)
        return Evidence(*evidence), past

    def _past(self, places: np.ndarray[Any, Any]) -> Tensor:
        """Return (N, max_len) the items before places of the same user, 0 where there is none."""
        sequences = self._sequences
        users = np.searchsorted(sequences.offsets, places, side="right") - 1
        before = places[:, None] + np.arange(-self.config.max_len, 0)
        past = sequences.items[before.clip(min=0)] * (before >= sequences.offsets[users, None])
        return torch.from_numpy(past).long()

    def settle(self, measure: Callable[[], float] | None) -> float | None:
        """Choose kappa on validation, and let go of what only training needs."""
        best = None
        if measure is not None:
            measured = {}
            for kappa in KAPPAS:
                self.kappa.fill_(kappa)
                measured[kappa] = measure()
            best = max(measured, key=lambda kappa: measured[kappa])
            self.kappa.fill_(best)
            log.info("the evidence counts %g times: valid %.4f", best, measured[best])
        self._lists, self._remembered = None, None
        del self._sequences
        return None if best is None else measured[best]

    def settle_as(self, other: SequentialModel) -> None:
        """Take the kappa of another."""
        assert isinstance(other, SEER)
        self.kappa.copy_(other.kappa)


class _WithEvidence:
    """A loss over items for one batch: cross entropy with what the evidence adds."""

    def __init__(self, model: SEER, places: Tensor) -> None:
        self.model, self.places = model, places.flatten().cpu()
        self.bonus: Bonus | None = None

    def __call__(
        self,
        states: Tensor,
        item_vectors: Tensor,
        targets: Tensor,
        seen: Callable[[], Held] | None = None,
    ) -> Tensor:
        """Return the mean over the rows that have a target."""
        rows = (self.places >= 0).nonzero()[:, 0]
        if self.bonus is None:
            evidence, past = self.model.training_evidence(self.places[rows].numpy())
            self.bonus = Bonus(evidence.columns, self.model.head(evidence), past)
        rows = rows.to(states.device, non_blocking=True)
        return cross_entropy_with_bonus(
            states[rows], item_vectors, targets[rows], self.bonus, padding=self.model.padding
        )
