"""The plain form of every model against the one that predicts."""

from typing import Any

import pytest
import torch
from torch import Tensor

from seqrec.errors import SeqrecError
from seqrec.models import MODELS, build_model
from seqrec.models.bsarec import BSARec
from seqrec.models.mqsa_ted import MQSATED
from seqrec.models.parts.layers import SelfAttention
from seqrec.models.parts.transformer import CausalTransformer
from seqrec.reporting.pictures.depth import WITH_ATTENTION, Stack, stacks

MAX_LEN, ITEMS, DIM = 9, 20, 8
OPTIONS: dict[str, dict[str, Any]] = {"bsarec": {"c": 3}}
ONE_STACK = [name for name in WITH_ATTENTION if name != "mqsa_ted"]


def built(name: str, protocol: str = "standard", **more: Any) -> Any:
    torch.manual_seed(0)
    options = {"max_len": MAX_LEN, "dim": DIM, "num_heads": 2, "num_blocks": 3}
    return build_model(name, options | OPTIONS.get(name, {}) | more, protocol, ITEMS)


def whole_histories(width: int = MAX_LEN) -> Tensor:
    torch.manual_seed(1)
    return torch.randint(1, ITEMS + 1, (5, width))


@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("name", ONE_STACK)
def test_the_last_state_is_the_one_that_predicts(name: str, protocol: str) -> None:
    model, histories = built(name, protocol), whole_histories()
    (stack,) = stacks(model, histories)
    assert len(stack.states) == 4
    expected = model.eval().encode(histories)
    torch.testing.assert_close(stack.states[-1][:, -1], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("width", [2, 6, MAX_LEN])
@pytest.mark.parametrize("name", ONE_STACK)
def test_histories_may_be_shorter(name: str, width: int) -> None:
    model, histories = built(name), whole_histories(width)
    (stack,) = stacks(model, histories)
    expected = model.eval().encode(histories)
    torch.testing.assert_close(stack.states[-1][:, -1], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("L", [1, 3])
@pytest.mark.parametrize("num_blocks", [1, 2])
def test_the_branches_mix_to_the_state_that_predicts(L: int, num_blocks: int) -> None:
    histories = whole_histories()
    model = built("mqsa_ted", L=L, alpha=0.3, num_blocks=num_blocks)
    assert isinstance(model, MQSATED)
    short, long = stacks(model, histories)
    assert (short.branch, long.branch) == ("short", "long")
    mixed = 0.3 * short.states[-1][:, -1] + 0.7 * long.states[-1][:, -1]
    torch.testing.assert_close(mixed, model.eval().encode(histories), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", WITH_ATTENTION)
def test_weights_are_shares(name: str) -> None:
    histories = whole_histories()
    for stack in stacks(built(name), histories):
        assert len(stack.attention) == 3
        for weights in stack.attention:
            assert weights.shape == (5, 2, MAX_LEN, MAX_LEN)
            assert (weights >= 0).all()
            torch.testing.assert_close(weights.sum(dim=-1), torch.ones(5, 2, MAX_LEN))
            later = weights.triu(diagonal=1)
            assert later.any() == (name == "bert4rec")


@pytest.mark.parametrize("num_heads", [1, 2])
@pytest.mark.parametrize("name", ["bsarec", "sasrec", "duorec"])
def test_weights_are_those_the_blocks_attend_with(name: str, num_heads: int) -> None:
    """Values summed by the weights are what the attention gives."""
    model, histories = built(name, num_heads=num_heads), whole_histories()
    (stack,) = stacks(model, histories)
    mask = torch.full((MAX_LEN, MAX_LEN), -torch.inf).triu(diagonal=1)
    for block, x, weights in zip(model.blocks, stack.states[:-1], stack.attention, strict=True):
        attention = block.eval().attention
        assert isinstance(attention, SelfAttention)
        values = attention.value(x).unflatten(-1, (num_heads, -1)).transpose(1, 2)
        summed = attention.output((weights @ values).transpose(1, 2).flatten(2))
        torch.testing.assert_close(summed, attention(x, mask), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["bsarec", "sasrec_ce"])
def test_the_last_states_are_those_of_all_positions(name: str) -> None:
    model, histories = built(name), whole_histories()
    (stack,) = stacks(model, histories)
    model.eval()
    assert isinstance(model, BSARec | CausalTransformer)
    torch.testing.assert_close(stack.states[-1], model.states(histories))


def test_a_model_in_training_is_looked_at_without_dropout_and_left_in_training() -> None:
    model, histories = built("bsarec").train(), whole_histories()
    first, second = stacks(model, histories), stacks(model, histories)
    assert model.training
    assert torch.equal(first[0].states[-1], second[0].states[-1])
    assert not first[0].states[-1].requires_grad


def test_one_block_gives_two_depths() -> None:
    (stack,) = stacks(built("sasrec", num_blocks=1), whole_histories())
    assert isinstance(stack, Stack)
    assert (stack.branch, len(stack.states), len(stack.attention)) == ("all", 2, 1)


@pytest.mark.parametrize("name", sorted(MODELS.keys() - set(WITH_ATTENTION)))
def test_other_models_are_one_clear_line(name: str) -> None:
    model = build_model(name, {"max_len": MAX_LEN}, "standard", ITEMS)
    with pytest.raises(SeqrecError, match=r"no attention weights.*choose one of bsarec") as caught:
        stacks(model, whole_histories())
    assert "\n" not in str(caught.value)


def test_padding_is_one_clear_line() -> None:
    histories = whole_histories()
    histories[1, :3] = 0
    with pytest.raises(SeqrecError, match="1 of 5 histories are padded") as caught:
        stacks(built("bsarec"), histories)
    assert "\n" not in str(caught.value)
