"""SEER: an encoder and the evidence in one softmax, against the parts by themselves."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqrec.batches import Sequences
from seqrec.batches.packing import PackedBatch
from seqrec.errors import SeqrecError
from seqrec.evidence.evidence_lists import Evidence
from seqrec.losses.bonus import Bonus, plain_cross_entropy_with_bonus
from seqrec.models import SHARED, build_model, model_config
from seqrec.models.folder import load_model, save_model
from seqrec.models.parts.evidence_head import EvidenceHead
from seqrec.models.seer import KAPPAS, SEER
from seqrec.parameters.sections import RankingOptions, TedOptions
from seqrec.recommendation.explanation import PARTS, explain
from seqrec.recommendation.recommender import Recommender
from seqrec.training import train
from seqrec.training.loop import training_batches
from seqrec.training.refit import refit
from seqrec.training.step import distil
from tests.trainings import CPU, LOG, data_of, settings

ENCODERS = ("mqsa_ted", "bsarec", "sasrec", "sasrec_ce", "fmlprec", "duorec", "fearec")
SMALL: dict[str, Any] = {"max_len": 5, "dim": 8, "members": 1}


def seer(encoder: str = "mqsa_ted", protocol: str = "standard", **options: Any) -> SEER:
    torch.manual_seed(1)
    model = build_model(
        "seer", {**SMALL, "encoder": encoder, **options}, protocol, LOG.num_items, LOG.num_users
    )
    assert isinstance(model, SEER)
    return model


def ready(encoder: str = "mqsa_ted", protocol: str = "standard", **options: Any) -> SEER:
    """One that has counted, and whose head says something."""
    model = seer(encoder, protocol, **options)
    model.prepare(LOG)
    for parameter in model.head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_loss_is_the_encoders_with_the_evidence_in_its_softmax(
    encoder: str, protocol: str
) -> None:
    """Whole sequences and prefixes: the encoder is given the plain loss, evidence by evidence."""
    model = ready(encoder, protocol).eval()
    batches = training_batches(LOG, model, CPU)
    batch: Any = batches.gather(torch.arange(len(batches))[:20])

    def plainly(states: Tensor, item_vectors: Tensor, targets: Tensor, seen: Any) -> Tensor:
        rows = targets.nonzero()[:, 0]
        evidence, past = model.training_evidence(batch.places.flatten()[rows].numpy())
        bonus = Bonus(evidence.columns, model.head(evidence), past)
        return plain_cross_entropy_with_bonus(
            states[rows], item_vectors, targets[rows], bonus, padding=model.padding
        )

    wanted = list(model.parameters())
    found: list[tuple[Tensor, ...]] = []
    losses: tuple[Callable[[], dict[str, Tensor]], ...] = (
        lambda: model.loss(batch),
        lambda: model.encoder.loss(batch, plainly),
    )
    for loss in losses:
        torch.manual_seed(0)
        value = loss()["loss"]
        gradients = torch.autograd.grad(value, wanted, allow_unused=True)
        found.append((value.detach(), *(each for each in gradients if each is not None)))
    assert len(found[0]) == len(found[1]) > 10
    for mine, plain in zip(*found, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("encoder", ["mqsa_ted", "sasrec"])
def test_the_loss_of_members_is_the_mean_of_theirs(encoder: str) -> None:
    """Each by itself, with the same table of items and the same evidence."""
    model = ready(encoder, members=3).eval()
    batches = training_batches(LOG, model, CPU)
    batch: Any = batches.gather(torch.arange(len(batches))[:20])
    both = model.loss(batch)["loss"]
    singles = []
    for member in model.encoders:
        single = ready(encoder).eval()
        single.head.load_state_dict(model.head.state_dict())
        single.encoder.load_state_dict(member.state_dict())
        singles.append(single.loss(batch)["loss"])
    torch.testing.assert_close(both, torch.stack(singles).mean())
    assert len({float(value.detach()) for value in singles}) == 3


def test_members_score_by_the_mean_of_theirs() -> None:
    model = ready(members=2).eval()
    histories, nobody = torch.tensor([[0, 0, 3], [1, 2, 4]]), torch.zeros(2, dtype=torch.long)
    first, second = (each.encode(histories) @ each.item_vectors().T for each in model.encoders)
    columns, added = model.added(histories)
    expected = ((first + second) / 2).scatter_add_(1, columns, added)
    torch.testing.assert_close(model.scorer()(histories, nobody), expected)
    blocks = torch.cat(list(model.block_scorer(5)(histories, nobody)), dim=1)
    torch.testing.assert_close(blocks, expected)
    reasons = model.reasons(histories[1], torch.tensor([3, 5]))
    torch.testing.assert_close(reasons.sum(dim=1), expected[1, [3, 5]])


def test_the_distillation_of_members_is_the_mean_of_theirs() -> None:
    model = ready(members=2).eval()
    told = data_of(LOG).ted(TedOptions(weight=0.1))
    assert told is not None
    ted = told.distillation(LOG, CPU)
    heads = torch.tensor([1, 4, 0, 2])
    of_each = [distil(member, heads, ted) for member in model.encoders]
    torch.testing.assert_close(distil(model, heads, ted), (of_each[0] + of_each[1]) / 2)
    assert not of_each[0].equal(of_each[1])


def test_a_folder_from_before_there_were_members_has_one(tmp_path: Path) -> None:
    result = train(data_of(LOG), settings("seer", **SMALL), seed=1)
    save_model(tmp_path / "model", result.trained)
    path = tmp_path / "model" / "config.json"
    config = json.loads(path.read_text())
    del config["options"]["members"]
    path.write_text(json.dumps(config))
    loaded = load_model(tmp_path / "model")
    assert loaded.options["members"] == loaded.model.config.members == 1


def test_members_in_a_folder(tmp_path: Path) -> None:
    told = settings("seer", **{**SMALL, "members": 2})
    result = train(data_of(LOG), told, seed=1)
    save_model(tmp_path / "model", result.trained)
    loaded = load_model(tmp_path / "model").model.eval()
    histories, nobody = torch.tensor([[1, 2, 3]]), torch.zeros(1, dtype=torch.long)
    scores = result.trained.model.scorer()(histories, nobody)
    torch.testing.assert_close(loaded.scorer()(histories, nobody), scores, rtol=0, atol=0)
    names = result.trained.model.per_item
    assert names == ("encoder.item_embedding.weight", "others.0.item_embedding.weight")
    assert all(name in result.trained.model.state_dict() for name in names)


def test_what_is_past_is_no_class() -> None:
    model = ready()
    begin = int(LOG.offsets[np.diff(LOG.offsets).argmax()])
    _, past = model.training_evidence(np.array([begin + 2, begin + 9]))
    assert past[0].tolist() == [0, 0, 0, *LOG.items[begin:].tolist()[:2]]
    assert past[1].tolist() == LOG.items[begin + 4 :].tolist()[:5]


def test_scores_are_states_and_evidence_whole_and_in_blocks() -> None:
    model = ready().eval()
    model.kappa.fill_(1.4)
    histories = torch.tensor([[0, 0, 0, 0, 0, 0, 3], [1, 2, 3, 4, 5, 6, 7]])
    nobody = torch.zeros(2, dtype=torch.long)
    evidence = model.evidence(histories)
    expected = model.encoder.encode(histories[:, -5:]) @ model.item_vectors().T
    for row in range(2):
        for column, added in zip(evidence.columns[row], model.head(evidence)[row], strict=True):
            expected[row, column] += 1.4 * added
    torch.testing.assert_close(model.scorer()(histories, nobody), expected)
    blocks = torch.cat(list(model.block_scorer(5)(histories, nobody)), dim=1)
    torch.testing.assert_close(blocks, expected)


def test_a_head_by_hand() -> None:
    """b = exp(gate) (trust · x) + w · relu(W x + U m + c) + w0, and 0 for no item."""
    head, generator = EvidenceHead(), torch.Generator().manual_seed(2)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    columns = torch.tensor([[4, 0], [1, 2]])
    features = torch.rand(2, 2, 7, generator=generator, dtype=torch.double).float()
    moments = torch.rand(2, 9, generator=generator)
    found = head(Evidence(columns, features, moments))
    for row in range(2):
        for place in range(2):
            x, m = features[row, place], moments[row]
            hidden = torch.relu(head.entry(x) + head.moment(m))
            value = torch.exp(head.gate(m)) * (head.trust @ x) + head.output(hidden)
            expected = value[0] if columns[row, place] else torch.zeros(())
            torch.testing.assert_close(found[row, place], expected, rtol=1e-5, atol=1e-5)
    parts = head.parts(Evidence(columns, features, moments))
    torch.testing.assert_close(parts.sum(dim=2) * (columns != 0), found, rtol=1e-4, atol=1e-5)


def test_at_the_start_evidence_counts_a_quarter() -> None:
    evidence = Evidence(torch.tensor([[1]]), torch.ones(1, 1, 7), torch.ones(1, 9))
    assert float(EvidenceHead()(evidence).detach()) == pytest.approx(7 / 4)


def test_a_share_of_targets_is_learned_from() -> None:
    model = ready()
    batches = training_batches(LOG, model, CPU)
    whole = batches.gather(torch.arange(len(batches)))
    assert isinstance(whole, PackedBatch)
    torch.manual_seed(3)
    half = whole.sampled(0.5)
    kept = half.targets != 0
    assert 0.3 < int(kept.sum()) / int((whole.targets != 0).sum()) < 0.7
    assert torch.equal(half.places >= 0, kept)
    assert torch.equal(half.targets[kept], whole.targets[kept])
    assert torch.equal(half.heads != 0, kept.flatten())
    assert model.loss(half)["loss"].isfinite()


def trained(seed: int = 5, **training: Any) -> Any:
    told = settings("seer", training=training, ted={"weight": 0.1}, **SMALL)
    return train(data_of(), told, seed)


def test_kappa_is_the_best_on_validation_and_stays_with_the_model(tmp_path: Path) -> None:
    model = seer()
    model.prepare(LOG)
    values = iter([0.1, 0.3, 0.4, 0.2])
    assert model.settle(lambda: next(values)) == 0.4
    assert float(model.kappa) == pytest.approx(KAPPAS[2])
    result = trained().trained
    save_model(tmp_path / "model", result)
    again = load_model(tmp_path / "model").model
    histories, nobody = torch.tensor([[0, 4, 2], [5, 5, 6]]), torch.zeros(2, dtype=torch.long)
    assert torch.equal(again.scorer()(histories, nobody), result.model.scorer()(histories, nobody))


def test_a_run_that_was_cut_off_goes_on_to_the_same_digits(tmp_path: Path) -> None:
    """Weights, their average and Adam's moments; the tables are counted anew."""

    def cut(row: dict[str, float]) -> None:
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    told = settings(
        "seer", training={"max_epochs": 4, "average_weights": 0.9, "target_share": 0.5}, **SMALL
    )
    whole = train(data_of(), told, 5)
    state = tmp_path / "checkpoint.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(data_of(), told, 5, checkpoint=state, after_epoch=cut)
    resumed = train(data_of(), told, 5, checkpoint=state)
    assert whole.history.equals(resumed.history)
    for name, value in whole.trained.model.state_dict().items():
        assert torch.equal(value, resumed.trained.model.state_dict()[name]), name


def test_a_refit_counts_everything_and_keeps_kappa() -> None:
    told = settings("seer", **SMALL)
    data, evaluated = data_of(), train(data_of(), told, 5).trained
    assert isinstance(evaluated.model, SEER)
    evaluated.model.kappa.fill_(0.7)
    live = refit(data, told, evaluated).model
    assert isinstance(live, SEER)
    assert float(live.kappa) == pytest.approx(0.7)
    assert int(live.tables.popularity.sum()) == len(LOG.items)


def of_encoder(**options: Any) -> dict[str, Any]:
    return {"encoder_options": options}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"encoder": "bert4rec"}, "encoder bert4rec will not do: its states look ahead"),
        ({"encoder": "caser"}, "encoder caser will not do: it has more than item vectors"),
        ({"encoder": "seer"}, "encoder seer will not do"),
        ({"encoder": "sasrek"}, "unknown model 'sasrek'; did you mean 'sasrec'"),
        (
            {"encoder_options": {"heads": 2}},
            r"encoder_options.heads is no option of mqsa_ted",
        ),
        ({"encoder": "gru4rec"}, "its states come in an order of their own"),
        (
            {"encoder_options": {"dim": 9}},
            r"encoder_options.dim is no option of mqsa_ted",
        ),
        (
            {"encoder_options": {"L": 0}},
            r"model_options.encoder_options.L: input should",
        ),
        (
            {"encoder_options": {"dropout": "much"}},
            r"model_options.encoder_options.dropout: ",
        ),
        ({"encoder": "bsarec", **of_encoder(c="five")}, r"encoder_options.c: .*integer.*'five'"),
        ({"encoder": "bsarec", **of_encoder(num_heads=0)}, r"encoder_options.num_heads: .*got 0"),
        ({"encoder": "sasrec", **of_encoder(num_heads=None)}, r"encoder_options.num_heads: "),
        ({"encoder": "bsarec", **of_encoder(num_blocks=1.5)}, r"encoder_options.num_blocks: "),
        ({"encoder": "bsarec", **of_encoder(num_blocks=-1)}, r"encoder_options.num_blocks: "),
        (of_encoder(num_blocks="x"), r"encoder_options.num_blocks: .*got 'x'"),
        ({**of_encoder(num_heads=2), "dim": "x"}, r"parameter model_options.dim: .*got 'x'"),
        (
            {"encoder": "bsarec", "dim": 48, **of_encoder(num_heads=5)},
            "encoder_options: dim 48 must be a multiple of num_heads 5",
        ),
    ],
)
def test_an_encoder_that_will_not_do_is_a_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SeqrecError, match=said) as caught:
        settings("seer", **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"encoder": "bsarec", "dim": 45, **of_encoder(num_heads="3")},
        {"encoder": "bsarec", "dim": "48", "max_len": 100, **of_encoder(c="31", num_heads=3)},
        {"encoder": "mqsa_ted", "dim": 45, **of_encoder(num_heads=3)},
    ],
)
def test_options_of_the_encoder_are_its_own_models(options: dict[str, Any]) -> None:
    """What the encoder takes as a model of its own, with the same vectors and histories."""
    shared: dict[str, Any] = {key: options[key] for key in SHARED if key in options}
    plain = model_config(
        options["encoder"], {**options["encoder_options"], **shared}, "standard", LOG.num_items
    )
    assert seer(**{"max_len": 50, **options}).encoder.config == plain


def test_no_options_of_the_encoder_are_its_own() -> None:
    """As one says after --params, where a parameter file has some of another encoder."""
    assert seer("bsarec", encoder_options=None).encoder.config.c == 5


def test_a_log_too_large_for_a_file_is_learned_from_all_the_same() -> None:
    stored, made = (train(data_of(), told_to_store(most), 5).history for most in (8, 0))
    np.testing.assert_allclose(
        stored["loss"].to_numpy(), made["loss"].to_numpy(), rtol=2e-3, err_msg="half precision"
    )


def told_to_store(most: float) -> Any:
    return settings("seer", stored_gigabytes=most, **SMALL)


def test_the_parts_of_a_score_add_up() -> None:
    recommender = Recommender(trained().trained, device="cpu")
    listed = recommender.recommend([[4, 2, 7]], k=6).table.to_pylist()
    found = explain(recommender, [4, 2, 7, 99], [row["item_id"] for row in listed]).to_pylist()
    assert len(found) == 6 * len(PARTS)
    for row in listed:
        own = [each for each in found if each["item_id"] == row["item_id"]]
        assert sum(each["score"] for each in own) == pytest.approx(row["score"], abs=1e-4)
        assert {each["because_of"] for each in own} <= {"4", "2", "7", None}
    with pytest.raises(SeqrecError, match="knows no item '99'"):
        explain(recommender, [4], [99])
    with pytest.raises(SeqrecError, match="knows no item of this history"):
        explain(recommender, [99], [4])
    other = Recommender(train(data_of(), settings(), 5).trained, device="cpu")
    with pytest.raises(SeqrecError, match="model 'bsarec' has no evidence to show"):
        explain(other, [4], [2])


def test_it_says_what_it_cannot_do() -> None:
    from seqrec.export.graph import check_exportable

    with pytest.raises(SeqrecError, match=r"^seer reads tables .* has no ONNX form"):
        check_exportable(trained().trained)
    with pytest.raises(SeqrecError, match="is trained with cross_entropy alone"):
        settings("seer", training={"loss": "sampled_softmax"})


def test_two_runs_of_the_same_end_with_the_same_digits() -> None:
    first, second = (trained().trained.model.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_user_of_one_item_and_an_item_of_nobody_do_no_harm() -> None:
    log = Sequences(
        np.array([1, 2, 3, 4, 1, 2, 5, 1], np.int32),
        np.array([0, 4, 7, 8]),
        np.array([0, 0, 1, 2, 0, 1, 2, 0], np.int8),
        6,
    )
    told = settings("seer", **SMALL)
    assert train(data_of(log), told, 1).trained.best_value is not None


def test_who_asks_for_repeats_is_told(caplog: pytest.LogCaptureFixture) -> None:
    told = settings("seer", **SMALL)
    kept = replace(told, ranking=RankingOptions(seen_items="keep"))
    with caplog.at_level("WARNING", "seqrec"):
        train(data_of(), told, 5)
        assert "for repeats" not in caplog.text
        train(data_of(), kept, 5)
    assert "choose another model for repeats" in caplog.messages[-1]


def test_what_is_remembered_changes_nothing_and_has_its_room() -> None:
    model = ready().eval()
    histories, nobody = torch.tensor([[0, 4, 2], [5, 5, 6]]), torch.zeros(2, dtype=torch.long)
    score = model.scorer()
    first, again = score(histories, nobody), score(histories, nobody)
    assert torch.equal(first, again)
    assert model._remembered is not None
    assert len(model._remembered) == 1
    model._room = 0
    other = score(histories[:, 1:], nobody)
    assert len(model._remembered) == 1
    assert torch.equal(score(histories[:, 1:], nobody), other)


def test_kappa_is_said_and_is_one_while_a_model_is_trained(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also of one that starts from a model which has another."""
    model = seer()
    model.kappa.fill_(2)
    model.prepare(LOG)
    assert float(model.kappa) == 1
    values = iter([0.1, 0.3, 0.4, 0.2])
    with caplog.at_level("INFO", "seqrec"):
        model.settle(lambda: next(values))
    assert caplog.messages[-1] == "the evidence counts 1.4 times: valid 0.4000"
