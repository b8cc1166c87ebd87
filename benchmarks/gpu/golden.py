"""The numbers of the authors' code (``tests/golden``), computed on the device, TF32 off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.gpu.section import Figures, NotHere, Task, within
from seqrec.batches import Sequences
from seqrec.batches.packing import PackedSequences
from seqrec.interop import DIALECTS
from seqrec.losses import ItemLoss
from seqrec.losses.distillation import Distillation, TransitionGraph
from seqrec.losses.negatives import BayesianPersonalisedRanking, BinaryCrossEntropy
from seqrec.machine.devices import use_precision
from seqrec.models import MODELS, model_class
from seqrec.models.parts.face import SequentialModel
from seqrec.training.step import distil
from tests.authors import GOLDEN, Arrays, batch_of, golden, packed_of, tensor

LIMITS = {"scores": 2e-5, "loss": 1e-5, "gradients": 5e-6}
TED_LIMITS = {"scores": 1e-5, "items": 1e-5, "distillation": 1e-5}
SAMPLED = {"bce": BinaryCrossEntropy, "bpr": BayesianPersonalisedRanking}


def tasks(device: torch.device) -> Iterator[Task]:
    """Return a check for each file of each model; a model without any is named too."""
    for model in MODELS:
        check = compare_ted if model == "mqsa_ted" else compare
        files = "mqsa_[Lk]*.npz" if model == "mqsa_ted" else f"{MODELS[model]}_*.npz"
        cases = sorted(path.stem for path in GOLDEN.glob(files))
        for case in cases:
            yield f"golden numbers: {case}", partial(check, model, case, device)
        if not cases:
            yield f"golden numbers: {model}", partial(_absent, model)


def _absent(model: str) -> Figures:
    raise NotHere(f"no numbers of the authors' code for {model}")


def compare(model_name: str, case: str, device: torch.device) -> Figures:
    """Compare scores, loss and gradients of a small model with the authors'."""
    use_precision(device, "fp32")
    arrays = golden(case)
    model = model_of(model_name, arrays, json.loads(str(arrays["config"])), "param/").to(device)
    histories, users = (tensor(arrays, name).to(device) for name in ("input_ids", "user_ids"))
    with torch.no_grad():
        scores = model.eval().encode(histories, users) @ model.item_vectors().T
    if hasattr(model, "masked_places"):  # drawn otherwise
        places = tensor(arrays, "masked_index").to(device)
        model.masked_places = lambda histories: places  # type: ignore[assignment]
    is_packed = model.training_form == "packed_prefixes"
    batch = moved(packed_of(arrays) if is_packed else batch_of(arrays), device)
    loss = model.train().loss(batch, with_their_negatives(model, arrays, device))["loss"]
    loss.backward()
    return within(
        {
            "scores": off(scores, arrays["logits_eval"][:, : scores.shape[1]]),
            "loss": off(loss, arrays["loss"]),
            "gradients": gradients_off(model_name, model, arrays),
        },
        LIMITS,
    )


def compare_ted(model_name: str, case: str, device: torch.device) -> Figures:
    """Compare scores of predictions and both losses of MQSA-TED."""
    use_precision(device, "fp32")
    arrays = golden(case)
    config: dict[str, Any] = json.loads(str(arrays["config"]))
    model = model_of(model_name, arrays, config, "var/").to(device)
    num_items, max_len = config["num_item"], config["max_len"]
    histories = torch.from_numpy((arrays["valid_input"].astype(np.int64) + 1) % (num_items + 1))
    with torch.no_grad():
        scores = model.eval().encode(histories.to(device)) @ model.item_vectors().T
    unseen = arrays["valid_mask"] == 0
    packed = PackedSequences(ted_sequences(arrays, num_items), max_len, "authors", device)
    batch = packed.gather(torch.arange(len(packed)))
    distilled = distil(model.train(), batch.heads, ted_distillation(arrays, config, device))
    return within(
        {
            "scores": off(scores.cpu()[:, 1:][unseen], arrays["valid_logits"][unseen]),
            "items": off(model.loss(batch)["items"], arrays["loss_rec"]),
            "distillation": off(distilled, arrays["loss_kd"]),
        },
        TED_LIMITS,
    )


def model_of(name: str, arrays: Arrays, settings: dict[str, Any], prefix: str) -> SequentialModel:
    """Return the project's model with the authors' weights, built without pydantic."""
    dialect, kind = DIALECTS[name], model_class(name)
    options = {ours: settings[theirs] for theirs, ours in dialect.options.items()}
    if dialect.users:
        options["num_users"] = int(settings[dialect.users])
    num_items = int(settings[dialect.items[0]]) + dialect.items[1]
    model = kind(kind.Config(num_items=num_items, protocol="authors", **options))
    for theirs, value in arrays.items():
        ours = dialect.our_name(theirs.removeprefix(prefix)) if theirs.startswith(prefix) else None
        if ours:
            weight = dialect.rearrange(theirs.removeprefix(prefix), torch.from_numpy(value))
            parameter = model.get_parameter(ours)
            parameter.data.copy_(weight.reshape(parameter.shape))
    for attribute, value in dialect.attributes.items():
        setattr(model, attribute, value)
    return model


def with_their_negatives(
    model: SequentialModel, arrays: Arrays, device: torch.device
) -> ItemLoss | None:
    """Return the loss over items with the negatives the authors drew, if it draws any."""
    kind = SAMPLED.get(model.authors_losses[0])
    negatives = tensor(arrays, "neg_answers")[:, None].to(device)
    return kind(lambda held: negatives) if kind else None


def gradients_off(name: str, model: SequentialModel, arrays: Arrays) -> float:
    """Return the largest difference of any gradient; one without a number of theirs is none."""
    parameters, largest = dict(model.named_parameters()), 0.0
    for theirs in (key.removeprefix("grad/") for key in arrays if key.startswith("grad/")):
        gradient = parameters.pop(DIALECTS[name].our_name(theirs) or "").grad
        expected = arrays[f"grad/{theirs}"]
        largest = (
            max(largest, off(gradient.flatten(), expected.flatten()))
            if gradient is not None
            else (float("nan"))
        )
    return float("nan") if parameters else largest


def off(values: Tensor, expected: Any) -> float:
    """Return the largest difference."""
    expected = torch.as_tensor(np.asarray(expected), dtype=torch.float64)
    return float((values.detach().cpu().double() - expected).abs().max())


def moved(batch: Any, device: torch.device) -> Any:
    """Return a batch with all its tensors on the device."""
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return replace(
        batch,
        **{
            name: value.to(device) if isinstance(value, Tensor) else moved(value, device)
            for name, value in values.items()
            if isinstance(value, Tensor) or is_dataclass(value)
        },
    )


def ted_sequences(arrays: Arrays, num_items: int) -> Sequences:
    """Return training items, the validation item, and any item for test: it is never an input."""
    users = [
        [item + 1 for item in [*json.loads(str(items)), int(valid), 0]]
        for items, valid in zip(arrays["train_seqs"], arrays["valid_items"], strict=True)
    ]
    split = np.concatenate([[0] * (len(user) - 2) + [1, 2] for user in users])
    offsets = np.cumsum([0, *map(len, users)])
    items = np.concatenate(users).astype(np.int32)
    return Sequences(items, offsets, split.astype(np.int8), num_items)


def ted_distillation(arrays: Arrays, config: dict[str, Any], device: torch.device) -> Distillation:
    """Return TED on their transition counts."""
    sources, targets = arrays["transition"].nonzero()
    counts = arrays["transition"][sources, targets].astype(np.int64)
    graph = TransitionGraph(
        sources + 1,
        targets + 1,
        counts,
        num_items=config["num_item"],
        tau=config["tau"],
        device=device,
    )
    return Distillation(graph, config["lambda_kd"], config["tau"])
