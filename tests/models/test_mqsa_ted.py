"""MQSA-TED against the numbers of the authors' code, and packed rows against padded ones."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from seqrec import interop
from seqrec.batches import Batches, Sequences, evaluation_examples
from seqrec.batches.packing import PackedBatch, PackedSequences
from seqrec.errors import SeqrecError
from seqrec.evaluation.ranking import SeenItems, apply_rules
from seqrec.losses import distillation
from seqrec.losses.distillation import Distillation, TransitionGraph
from seqrec.models import build_model, checked_options
from seqrec.models.mqsa_ted import MQSATED
from seqrec.parameters.sections import TrainingOptions
from seqrec.training.step import TrainingStep, distil
from tests import authors
from tests.authors import Arrays

CASES = ["L1", "L2", "kdfloor"]
CPU = torch.device("cpu")
PAD = 25
DIALECT = interop.DIALECTS["mqsa_ted"]


def golden(case: str) -> Arrays:
    return authors.golden(f"mqsa_{case}")


def config_of(arrays: Arrays) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(str(arrays["config"]))
    return config


def model_of(arrays: Arrays) -> MQSATED:
    model = authors.model_of("mqsa_ted", arrays)
    assert isinstance(model, MQSATED)
    return model


def ours(theirs: npt.NDArray[Any]) -> Tensor:
    """Their items 0 … 24 and padding 25 as ours, 1 … 25 and 0."""
    return torch.from_numpy((theirs.astype(np.int64) + 1) % (PAD + 1))


def sequences_of(arrays: Arrays) -> Sequences:
    """Training items, the validation item, and any item for test: it is never an input."""
    users = [
        [item + 1 for item in [*json.loads(str(items)), int(valid), 0]]
        for items, valid in zip(arrays["train_seqs"], arrays["valid_items"], strict=True)
    ]
    splits = [[0] * (len(user) - 2) + [1, 2] for user in users]
    return Sequences(
        items=np.concatenate([np.array(user, dtype=np.int32) for user in users]),
        offsets=np.cumsum([0, *map(len, users)]),
        split=np.concatenate([np.array(split, dtype=np.int8) for split in splits]),
        num_items=PAD,
    )


def batch_of(arrays: Arrays) -> PackedBatch:
    packed = PackedSequences(sequences_of(arrays), config_of(arrays)["max_len"], "authors", CPU)
    return packed.gather(torch.arange(len(packed)))


def padded(histories: Tensor, max_len: int) -> tuple[Tensor, Tensor, Tensor]:
    """What ``states`` takes for histories padded on the left."""
    positions = torch.arange(max_len - histories.shape[1], max_len)
    return histories, positions, torch.where(histories != 0, 0, -1)


def distillation_of(arrays: Arrays) -> Distillation:
    config = config_of(arrays)
    sources, targets = arrays["transition"].nonzero()
    counts = arrays["transition"][sources, targets].astype(np.int64)
    graph = TransitionGraph(
        sources + 1, targets + 1, counts, num_items=PAD, tau=config["tau"], device=CPU
    )
    return Distillation(graph, config["lambda_kd"], config["tau"])


def step_of(arrays: Arrays, model: MQSATED) -> TrainingStep:
    options = TrainingOptions(learning_rate=config_of(arrays)["lr"])
    return TrainingStep(model, options, CPU, distillation=distillation_of(arrays))


def variables(arrays: Arrays) -> list[str]:
    return [key.removeprefix("var/") for key in arrays if key.startswith("var/")]


def our_parameter(model: MQSATED, theirs: str) -> torch.nn.Parameter:
    name = DIALECT.our_name(theirs)
    assert name is not None
    return model.get_parameter(name)


def assert_gradients(model: MQSATED, arrays: Arrays, kind: str) -> None:
    """Within 1e-5 of the variable's largest; that of the keys' bias is noise around 0."""
    for name in variables(arrays):
        actual = our_parameter(model, name).grad
        if f"{kind}/{name}" not in arrays:
            assert actual is None or not actual.any(), name
            continue
        assert actual is not None, name
        expected = DIALECT.rearrange(name, torch.from_numpy(arrays[f"{kind}/{name}"]))
        noise = 1e-4 if name.endswith("k.bias") else 0.0
        atol = noise or 1e-5 * expected.abs().max().item()
        torch.testing.assert_close(actual, expected, atol=atol, rtol=0, msg=f"{kind} {name}")


@pytest.mark.parametrize("case", CASES)
def test_packed_inputs_and_heads_are_the_authors(case: str) -> None:
    arrays = golden(case)
    inputs, targets = ours(arrays["input_seq"]), ours(arrays["pred_seq"])
    real = inputs != 0
    with_input = real.any(dim=1)  # a user without an input is none of ours
    batch = batch_of(arrays)
    assert sorted(batch.heads[batch.heads != 0].tolist()) == sorted(arrays["item_head"] + 1)
    for segment, user in enumerate(with_input.nonzero().flatten().tolist()):
        here = batch.segments == segment
        assert batch.histories[here].tolist() == inputs[user][real[user]].tolist()
        assert batch.targets[here].tolist() == targets[user][real[user]].tolist()
        assert batch.positions[here].tolist() == real[user].nonzero().flatten().tolist()


@pytest.mark.parametrize("case", CASES)
def test_outputs_of_both_branches_equal_the_authors(case: str) -> None:
    arrays = golden(case)
    model = model_of(arrays).eval()
    histories = ours(arrays["input_seq"])
    real = histories != 0
    inputs = model.inputs(*padded(histories, 8))
    with torch.no_grad():
        for branch, expected in ((model.short, "out_short"), (model.long, "out_long")):
            actual = branch(*inputs)
            theirs = torch.from_numpy(arrays[expected])
            torch.testing.assert_close(actual[real], theirs[real], atol=1e-5, rtol=0)
        states = model.states(*padded(histories, 8))
        logits = states @ model.item_vectors().T
    theirs = torch.from_numpy(arrays["logits_full"]).roll(1, dims=-1)  # their padding stands last
    torch.testing.assert_close(logits[real], theirs[real], atol=1e-5, rtol=0)
    assert not theirs[..., 0].any()


@pytest.mark.parametrize("case", CASES)
def test_losses_and_all_gradients_equal_the_authors(case: str) -> None:
    arrays = golden(case)
    config, model, batch = config_of(arrays), model_of(arrays).train(), batch_of(arrays)
    losses = step_of(arrays, model).losses(batch)
    actual = {name: value.item() for name, value in losses.items()}
    assert actual["items"] == pytest.approx(float(arrays["loss_rec"]), abs=1e-5)
    assert actual["distillation"] == pytest.approx(float(arrays["loss_kd"]), abs=1e-5)
    assert actual["l2"] / config["l2_reg"] == pytest.approx(float(arrays["l2"]), rel=1e-6)
    assert actual["loss"] == pytest.approx(float(arrays["loss"]), abs=1e-5)
    losses["loss"].backward()
    assert_gradients(model, arrays, "grad")


@pytest.mark.parametrize("case", CASES)
def test_gradients_of_each_loss_equal_the_authors(case: str) -> None:
    arrays = golden(case)
    model, batch = model_of(arrays).train(), batch_of(arrays)
    model.loss(batch)["items"].backward()
    assert_gradients(model, arrays, "grad_rec")
    model.zero_grad()
    distil(model, batch.heads, distillation_of(arrays)).backward()
    assert_gradients(model, arrays, "grad_kd")


@pytest.mark.parametrize("case", CASES)
def test_weights_after_steps_of_adam_equal_the_authors(case: str) -> None:
    arrays = golden(case)
    model, batch = model_of(arrays).train(), batch_of(arrays)
    step = step_of(arrays, model)
    for number in (1, 2, 3):
        loss = step(batch)["loss"].item()
        assert loss == pytest.approx(float(arrays[f"adam_loss_before_step{number}"]), abs=1e-5)
        for name in variables(arrays):
            if number == 2 or name.endswith("k.bias"):  # Adam makes steps of its noise
                continue
            expected = torch.from_numpy(arrays[f"adam{number}/{name}"])
            actual = our_parameter(model, name).detach()
            torch.testing.assert_close(
                actual, DIALECT.rearrange(name, expected), atol=1e-5, rtol=0, msg=name
            )
    assert not model.item_vectors()[0].any()


def test_the_floor_decides_the_distillation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without 1e-24 the loss of large embeddings is another one: the golden case sees it."""
    arrays = golden("kdfloor")
    monkeypatch.setattr(distillation, "LOG_FLOOR", -1e4)
    loss = distil(model_of(arrays), batch_of(arrays).heads, distillation_of(arrays))
    assert loss.item() > float(arrays["loss_kd"]) + 1


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("split", ["valid", "test"])
def test_scores_of_predictions_equal_the_authors(case: str, split: Any) -> None:
    """Histories, states, scores and what counts as seen, from the sequences on."""
    arrays = golden(case)
    model, data = model_of(arrays).eval(), sequences_of(arrays)
    max_len, rules = config_of(arrays)["max_len"], model.authors_ranking
    examples = evaluation_examples(data, split, max_len, "authors")
    histories = Batches(data, examples, max_len, CPU).gather(slice(None)).histories
    assert torch.equal(histories, ours(arrays[f"{split}_input"]))

    rows, items = SeenItems(data, examples, CPU, window=max_len).pairs(slice(None))
    counts = torch.zeros(12, PAD + 1).index_put_((rows, items), torch.ones(()), accumulate=True)
    torch.testing.assert_close(counts[:, 1:], torch.from_numpy(arrays[f"{split}_mask"]))

    with torch.no_grad():
        scores = model.encode(histories) @ model.item_vectors().T
    masked = scores[:, 1:] - 2.0**32 * counts[:, 1:]
    expected = torch.from_numpy(arrays[f"{split}_logits"])
    torch.testing.assert_close(masked, expected, atol=1e-5, rtol=1e-6)
    # -2^32 and -inf leave the same items in the same order
    ruled = apply_rules(scores, (rows, items), rules)[:, 1:]
    unseen = counts[:, 1:] == 0
    assert torch.equal(torch.isfinite(ruled), unseen)
    torch.testing.assert_close(ruled[unseen], expected[unseen], atol=1e-5, rtol=0)


# Our own forms against one another, from here on.

FORMS = [
    {"L": 1, "num_blocks": 1, "num_heads": 1},
    {"L": 2, "num_blocks": 2, "num_heads": 2},
    {"L": 3, "num_blocks": 2, "num_heads": 4},
    {"L": 6, "num_blocks": 3, "num_heads": 1},
    {"L": 40, "num_blocks": 2, "num_heads": 2},
]
PRECISIONS = [torch.float32, torch.float64]
MAX_LEN = 7
HISTORIES = torch.tensor(
    [
        [1, 2, 3, 4, 5, 6, 7],
        [0, 0, 0, 0, 0, 0, 8],
        [0, 0, 0, 0, 9, 9, 2],
        [0, 5, 4, 3, 2, 1, 1],
        [0, 0, 0, 0, 0, 3, 4],
        [0, 0, 0, 0, 0, 0, 0],
    ]
)


def random_model(form: dict[str, int], dtype: torch.dtype = torch.float32) -> MQSATED:
    """All weights large enough to matter; row 0 of the items too, which nothing may look at."""
    torch.manual_seed(0)
    options = {"max_len": MAX_LEN, "dim": 8, "alpha": 0.3, **form}
    model = build_model("mqsa_ted", options, "standard", num_items=10).to(dtype).eval()
    assert isinstance(model, MQSATED)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5)
    return model


def packed_of(histories: Tensor) -> PackedBatch:
    """The same histories side by side; a next item behind each, any."""
    users = [[*row[row != 0].tolist(), 1] for row in histories if row.any()]
    data = Sequences(
        items=np.array([item for user in users for item in user], dtype=np.int32),
        offsets=np.cumsum([0, *map(len, users)]),
        split=np.zeros(sum(map(len, users)), dtype=np.int8),
        num_items=10,
    )
    packed = PackedSequences(data, MAX_LEN, "standard", CPU)
    return packed.gather(torch.arange(len(packed)))


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("form", FORMS)
def test_packed_states_equal_padded_ones(form: dict[str, int], dtype: torch.dtype) -> None:
    model, batch = random_model(form, dtype), packed_of(HISTORIES)
    assert len(batch.histories) < len(HISTORIES) - 1
    packed = model.states(batch.histories, batch.positions, batch.segments)
    dense = model.states(*padded(HISTORIES, MAX_LEN))
    for user, history in enumerate(HISTORIES[:-1]):
        torch.testing.assert_close(packed[batch.segments == user], dense[user, history != 0])


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("form", FORMS)
def test_packed_gradients_equal_padded_ones(form: dict[str, int], dtype: torch.dtype) -> None:
    model, batch = random_model(form, dtype), packed_of(HISTORIES)
    real = HISTORIES != 0
    weights = torch.linspace(-1, 1, 10 * 8, dtype=dtype).view(10, 8)

    def gradients(states: Tensor, items: Tensor) -> tuple[Tensor, ...]:
        total = (states * weights[items]).sum()
        return torch.autograd.grad(total, list(model.parameters()))

    here = batch.segments >= 0
    packed = model.states(batch.histories, batch.positions, batch.segments)[here]
    dense = model.states(*padded(HISTORIES, MAX_LEN))[real]
    ours = gradients(packed, batch.histories[here])
    theirs = gradients(dense, HISTORIES[real])
    largest = max(gradient.abs().max().item() for gradient in theirs)
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, atol=500 * torch.finfo(dtype).eps * largest, rtol=0)
    assert not ours[0][0].any()  # padding learns nothing


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("form", FORMS)
def test_a_prediction_equals_the_last_of_all_states(
    form: dict[str, int], dtype: torch.dtype
) -> None:
    model = random_model(form, dtype)
    states = model.states(*padded(HISTORIES, MAX_LEN))
    torch.testing.assert_close(model.encode(HISTORIES), states[:, -1])


@pytest.mark.parametrize("form", FORMS)
def test_a_narrower_history_gives_the_same(form: dict[str, int]) -> None:
    model = random_model(form, torch.float64)
    expected = model.encode(HISTORIES)
    torch.testing.assert_close(model.encode(HISTORIES[1:3, -3:]), expected[1:3])
    torch.testing.assert_close(model.encode(HISTORIES[1:2, -1:]), expected[1:2])
    torch.testing.assert_close(model.encode(HISTORIES[-1:, -2:]), expected[-1:])


@pytest.mark.parametrize("form", FORMS)
def test_padding_embeddings_leave_no_trace(form: dict[str, int]) -> None:
    model, batch = random_model(form), packed_of(HISTORIES)
    short = HISTORIES[1:3]
    before = model.encode(short)
    packed = model.states(batch.histories, batch.positions, batch.segments)
    with torch.no_grad():
        model.item_embedding.weight[0] = 7.0
        model.position_embedding.weight[:4] = 7.0
    torch.testing.assert_close(model.encode(short), before)
    with torch.no_grad():
        model.item_embedding.weight[0] = -7.0
    here = torch.isin(batch.segments, torch.tensor([1, 2, 4]))  # at most three positions each
    after = model.states(batch.histories, batch.positions, batch.segments)
    torch.testing.assert_close(after[here], packed[here])


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_history_has_a_state_of_its_own(form: dict[str, int]) -> None:
    """The final LayerNorms of zeros are their biases, as in the authors' code."""
    model = random_model(form)
    expected = 0.3 * model.short.norm.bias + 0.7 * model.long.norm.bias
    torch.testing.assert_close(model.encode(torch.zeros(1, 7).long())[0], expected)


def test_the_model_is_causal() -> None:
    model = random_model(FORMS[2])
    states = model.states(*padded(HISTORIES[:1], MAX_LEN))
    changed = HISTORIES[:1].clone()
    changed[0, 4] = 9
    after = model.states(*padded(changed, MAX_LEN))
    torch.testing.assert_close(after[:, :4], states[:, :4])
    assert (after[:, 4:] != states[:, 4:]).any(dim=2).all()


def test_one_item_spanned_makes_both_branches_alike() -> None:
    model = random_model(FORMS[0])
    model.long.load_state_dict(model.short.state_dict())
    inputs = model.inputs(*padded(HISTORIES, MAX_LEN))
    assert torch.equal(model.short(*inputs), model.long(*inputs))
    other = random_model(FORMS[1])
    other.long.load_state_dict(other.short.state_dict())
    inputs = other.inputs(*padded(HISTORIES, MAX_LEN))
    assert not torch.allclose(other.short(*inputs), other.long(*inputs))


@pytest.mark.parametrize(("protocol", "classes"), [("authors", 11), ("standard", 10)])
def test_a_fresh_model_guesses_evenly(protocol: str, classes: int) -> None:
    """Vectors near 0: the loss is the logarithm of the classes; the authors' padding is one."""
    torch.manual_seed(0)
    model = build_model("mqsa_ted", {"max_len": 7, "l2": 0.0}, protocol, num_items=10).eval()
    with torch.no_grad():
        model.item_vectors().mul_(1e-6)
    losses = model.loss(packed_of(HISTORIES))
    assert losses["items"].item() == pytest.approx(np.log(classes), abs=1e-4)
    assert losses["l2"].item() == 0


def test_dropout_acts_in_training_alone() -> None:
    model, batch = random_model(FORMS[1]), packed_of(HISTORIES)
    first, second = (model.loss(batch)["loss"].item() for _ in range(2))
    assert first == second
    model.train()
    torch.manual_seed(1)
    third = model.loss(batch)["loss"].item()
    torch.manual_seed(1)
    assert model.loss(batch)["loss"].item() == third
    assert third != first


@pytest.mark.parametrize("width", [0, 8])
def test_a_history_of_a_wrong_width_is_one_clear_line(width: int) -> None:
    with pytest.raises(SeqrecError, match=f"{width} columns, the model takes max_len=7") as caught:
        random_model(FORMS[0]).encode(torch.ones(2, width, dtype=torch.long))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"L": 0}, r"model_options\.L"),
        ({"num_heads": 3}, "multiple of num_heads"),
        ({"alpha": 1.5}, r"model_options\.alpha"),
        ({"dropout": 1.0}, r"model_options\.dropout"),
        ({"l2": "much"}, r"model_options\.l2"),
        ({"hidden_dropout": 0.5}, "unknown parameter 'model_options.hidden_dropout'"),
    ],
)
def test_bad_options_are_one_clear_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as caught:
        checked_options("mqsa_ted", options, "standard")
    assert "\n" not in str(caught.value)


def test_a_window_of_one_item_is_one_clear_line() -> None:
    """Under authors the window holds the target too: nothing would be left to learn from."""
    with pytest.raises(SeqrecError, match="max_len must be 2 or more") as caught:
        checked_options("mqsa_ted", {"max_len": 1}, "authors")
    assert "\n" not in str(caught.value)
    checked_options("mqsa_ted", {"max_len": 1}, "standard")
