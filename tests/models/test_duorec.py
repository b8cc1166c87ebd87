"""DuoRec against the numbers of the authors' code, and which pairs a contrast takes."""

import numpy as np
import pytest
import torch

from seqrec.batches.packing import PackedHistories
from seqrec.errors import SeqrecError
from seqrec.losses.contrastive import info_nce
from seqrec.models import build_model, checked_options
from seqrec.models.duorec import DuoRec
from seqrec.training.loop import training_batches
from tests.authors import CPU, check_gradients, golden, model_of, packed_of, tensor
from tests.batches.test_packing import training_only


def test_outputs_equal_the_authors() -> None:
    arrays = golden("DuoRec_1")
    model = model_of("duorec", arrays).eval()
    assert isinstance(model, DuoRec)
    histories, expected = tensor(arrays, "input_ids"), arrays["seq_output_eval"]
    with torch.no_grad():
        last = model.encode(histories)
        np.testing.assert_allclose(model.states(histories), expected, atol=2e-5)
        np.testing.assert_allclose(last, expected[:, -1], atol=2e-5)
        np.testing.assert_allclose(model.of_packed(packed_of(arrays)), expected[:, -1], atol=2e-5)
    logits = last @ model.item_vectors().T.detach()
    np.testing.assert_allclose(logits, arrays["logits_eval"], atol=2e-5)


def test_loss_and_gradients_equal_the_authors() -> None:
    arrays = golden("DuoRec_1")
    model = model_of("duorec", arrays).train()
    losses = model.loss(packed_of(arrays))
    losses["loss"].backward()
    assert losses["loss"].item() == pytest.approx(float(arrays["loss"]), abs=1e-5)
    check_gradients("duorec", model, arrays)


def test_the_contrast_takes_the_pairs_it_is_named_after() -> None:
    """Without dropout two passes are alike, so that every term can be told from its views."""
    arrays = golden("DuoRec_1")
    batch = packed_of(arrays)
    assert batch.same_target is not None
    model = model_of("duorec", arrays).train()
    assert isinstance(model, DuoRec)
    states, partners = model.of_packed(batch), model.of_packed(batch.same_target)
    alike = info_nce(states, states, tau=1.0, similarity="dot").item()
    same = info_nce(states, partners, tau=1.0, similarity="dot").item()
    expected = {"un": 0.2 * alike, "su": 0.3 * same, "us": 0.2 * alike + 0.3 * same}
    expected["us_x"] = expected["su"]
    for kind, value in expected.items():
        options = {"max_len": 12, "dim": 16, "contrast": kind, "hidden_dropout": 0.0}
        options |= {"attention_dropout": 0.0, "unsupervised_weight": 0.2, "supervised_weight": 0.3}
        other = build_model("duorec", options, "authors", num_items=30)
        other.load_state_dict(model.state_dict())
        assert other.loss(batch)["contrast"].item() == pytest.approx(value, rel=1e-4), kind
    options["contrast"] = "none"
    assert set(build_model("duorec", options, "authors", num_items=30).loss(batch)) == {"loss"}


@pytest.mark.parametrize("protocol", ["authors", "standard"])
def test_two_passes_differ_by_dropout(protocol: str) -> None:
    torch.manual_seed(0)
    data = training_only([[1, 2, 3], [4, 5, 3], [6, 7, 8, 3]])
    model = build_model("duorec", {"max_len": 6, "dim": 8}, protocol, data.num_items).train()
    batches = training_batches(data, model, CPU)
    batch = batches.gather(torch.arange(len(batches)))
    assert isinstance(batch, PackedHistories)
    assert isinstance(model, DuoRec)
    first, again = model.of_packed(batch), model.of_packed(batch)
    assert not torch.allclose(first, again)
    assert batch.same_target is not None
    assert torch.equal(batch.same_target.targets, batch.targets)
    losses = model.loss(batch)
    torch.testing.assert_close(losses["loss"], losses["items"] + losses["contrast"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contrast": "all"}, "model_options.contrast"),
        ({"tau": 0}, "model_options.tau"),
        ({"similarity": "euclid"}, "model_options.similarity"),
    ],
)
def test_bad_options_are_one_clear_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as caught:
        checked_options("duorec", options, "standard")
    assert "\n" not in str(caught.value)
