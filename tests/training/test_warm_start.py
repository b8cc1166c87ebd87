"""A training that starts from a trained model: items matched by their ids, all else taken over."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file, save_file

from seqrec.errors import SeqrecError
from seqrec.models import MODELS, model_class, unchecked_config
from seqrec.models.folder import content_of, load_model, save_model
from seqrec.training import Settings, TrainingData, train
from seqrec.training.warm_start import load_start, start_from
from tests.counted import random_users, split_off
from tests.trainings import LOG, data_of, settings

SMALL: dict[str, Any] = {"max_len": 5, "dim": 8}


def named(ids: list[str]) -> TrainingData:
    """The log by hand with items called so; those beyond its own are cold."""
    items = pa.table({"item_index": range(1, len(ids) + 1), "item_id": ids})
    return replace(data_of(replace(LOG, num_items=len(ids))), items=items)


OLD = named([f"item {number}" for number in range(1, 13)])
"""item 1, item 2, … item 12."""
NEW = named([f"item {number}" for number in (3, 14, 1, 13, *range(5, 13))])
"""Without item 2 and item 4, with two new ones, and the numbers of others changed."""


def small(model: str, protocol: str = "standard", **training: Any) -> Settings:
    return settings(model, protocol, {"max_epochs": 1, **training}, **SMALL)


def saved(folder: Path, model: str, protocol: str = "standard") -> Path:
    """A model of the old log, with its padding and tokens like no others."""
    trained = train(OLD, small(model, protocol, loss=loss_of(model)), 3).trained
    save_model(folder, trained)
    return folder


def loss_of(model: str) -> str:
    return model_class(model).authors_losses[0]


@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("model", MODELS)
def test_a_model_says_which_parameters_have_a_row_for_each_item_or_user(
    model: str, protocol: str
) -> None:
    """Those whose shapes change with the number of items or users, by one row for each."""

    def shapes(num_items: int, num_users: int) -> dict[str, torch.Size]:
        config = unchecked_config(model, SMALL, protocol, num_items, num_users)
        return {name: w.shape for name, w in model_class(model)(config).learned().items()}

    kind = model_class(model)(unchecked_config(model, SMALL, protocol, 12, 40))
    few, items, users = shapes(12, 40), shapes(15, 40), shapes(12, 44)
    assert {name for name in few if few[name] != items[name]} == set(kind.per_item)
    assert {name for name in few if few[name] != users[name]} == set(kind.per_user)
    assert all(items[name][0] - few[name][0] == 3 for name in kind.per_item)
    assert all(users[name][0] - few[name][0] == 4 for name in kind.per_user)


@pytest.mark.parametrize("model", MODELS)
def test_known_items_keep_their_vectors_and_new_ones_start_from_the_mean(
    model: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "seqrec")
    protocol = "authors" if model == "gru4rec" else "standard"  # there padding has a vector
    folder = saved(tmp_path / "old", model, protocol)
    told = small(model, protocol, loss=loss_of(model), start_from=str(folder))
    start = load_start(told)
    assert start is not None
    before = load_file(folder / "model.safetensors")
    fresh = model_class(model)(told.config(12, 45))
    start_from(start, fresh, NEW.items)
    after = fresh.learned()

    for per_item in fresh.per_item:
        old, new = before[per_item], after[per_item]
        mean = old[1:13].mean(dim=0)
        rows = {1: old[3], 2: mean, 3: old[1], 4: mean, 12: old[12], 0: old[0]}
        for row, vector in rows.items():
            torch.testing.assert_close(new[row], vector, rtol=0, atol=1e-7)
        assert torch.equal(new[13:], old[13:])  # tokens
    others = set(after) - {*fresh.per_item, "user_embedding.weight"}
    assert all(torch.equal(after[name], before[name]) for name in others)
    line = (
        "training starts from a model of 12 items: 10 are matched, 2 are gone; "
        "2 new ones start from the mean"
    )
    assert line in caplog.messages
    if model == "caser":
        users = before["user_embedding.weight"]
        assert after["user_embedding.weight"].shape == (45, 8)
        torch.testing.assert_close(after["user_embedding.weight"], users.mean(dim=0).expand(45, -1))
        line = "all users start from the mean: the model's folder has no ids of users"
        assert line in caplog.messages


def test_tokens_stand_behind_all_items(tmp_path: Path) -> None:
    """BERT4Rec's mask keeps its vector where there are more items than before."""
    start = load_start(small("bert4rec", start_from=str(saved(tmp_path / "old", "bert4rec"))))
    assert start is not None
    fresh = model_class("bert4rec")(small("bert4rec").config(14))
    more = named([f"item {number}" for number in range(1, 15)])
    start_from(start, fresh, more.items)
    new, old = (model.state_dict()["item_embedding.weight"] for model in (fresh, start.model))
    assert torch.equal(new[15], old[13])
    assert torch.equal(new[:13], old[:13])
    assert torch.equal(new[13], new[14])


def test_a_training_starts_where_the_other_ended(tmp_path: Path) -> None:
    """With next to no learning rate the weights stay: those of the model, not random ones."""
    folder = saved(tmp_path / "old", "sasrec")
    told = small("sasrec", start_from=str(folder), learning_rate=1e-12)
    warm = train(OLD, told, seed=8).trained
    before = load_file(folder / "model.safetensors")
    for name, weight in warm.model.state_dict().items():
        torch.testing.assert_close(weight, before[name], rtol=0, atol=1e-9)
    recorded = warm.settings["training"]["start_from"]
    assert len(recorded) == 64
    assert str(tmp_path) not in recorded


def test_what_a_training_started_from_is_recorded_as_it_was(tmp_path: Path) -> None:
    """The folder is replaced in the first epoch, and gone after the second."""
    folder = saved(tmp_path / "old", "sasrec")
    content = content_of(folder)

    def meanwhile(row: dict[str, float]) -> None:
        if row["epoch"] == 2:
            shutil.rmtree(folder)
            return
        weights = load_file(folder / "model.safetensors")
        save_file({name: -w for name, w in weights.items()}, folder / "model.safetensors")

    told = small("sasrec", max_epochs=2, start_from=str(folder))
    trained = train(OLD, told, 8, after_epoch=meanwhile).trained
    assert not folder.exists()
    assert trained.settings["training"]["start_from"] == content


def test_the_content_of_the_folder_decides_which_run_it_is(tmp_path: Path) -> None:
    folder, state = saved(tmp_path / "old", "sasrec"), tmp_path / "state.safetensors"
    told = small("sasrec", max_epochs=2, start_from=str(folder))

    def epochs(told: Settings, stop_after: int = 9) -> list[float]:
        rows: list[float] = []

        def cut(row: dict[str, float]) -> None:
            rows.append(row["epoch"])
            if row["epoch"] == stop_after:
                raise KeyboardInterrupt

        try:
            train(OLD, told, 1, checkpoint=state, after_epoch=cut)
        except KeyboardInterrupt:
            return rows
        return rows

    assert epochs(told, stop_after=1) == [1]
    # the same weights in another place: the same run
    other = folder.rename(tmp_path / "moved")
    moved = small("sasrec", max_epochs=2, start_from=str(other))
    assert epochs(moved, stop_after=2) == [2]
    changed = load_model(other)
    changed.model.state_dict()["item_embedding.weight"][1] += 1
    save_model(other, changed)
    assert epochs(moved) == [1, 2]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dim": 16}, "trained with model_options.dim=8, by which weights have their shapes"),
        ({"max_len": 7}, "trained with model_options.max_len=5, by which"),
        ({"num_blocks": 3, "hidden_dropout": 0.1}, "trained with model_options.num_blocks=2, by"),
        ({"dim": 4, "max_len": 4}, "model_options.max_len=5, model_options.dim=8, by which"),
    ],
)
def test_options_that_do_not_fit_are_named(
    changed: dict[str, Any], said: str, tmp_path: Path
) -> None:
    folder = saved(tmp_path / "old", "sasrec")
    told = small("sasrec", start_from=str(folder))
    told = replace(told, model_options={**told.model_options, **changed})
    with pytest.raises(SeqrecError) as caught:
        load_start(told)
    line = str(caught.value)
    assert line.startswith(f"parameter training.start_from={folder}: its model was")
    assert said in line
    assert "dropout" not in line
    assert "\n" not in line


def test_options_without_weights_of_their_own_may_change(tmp_path: Path) -> None:
    told = small("sasrec", start_from=str(saved(tmp_path / "old", "sasrec")))
    options = {**told.model_options, "hidden_dropout": 0.1, "num_heads": 4}
    assert load_start(replace(told, model_options=options)) is not None


@pytest.mark.parametrize(
    ("model", "protocol", "said"),
    [
        ("bsarec", "standard", "was trained with model=sasrec, not bsarec"),
        ("sasrec", "authors", "was trained with protocol=standard, not authors"),
    ],
)
def test_another_model_is_refused(model: str, protocol: str, said: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "old", "sasrec")
    with pytest.raises(SeqrecError, match=said):
        load_start(small(model, protocol, start_from=str(folder)))


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    with pytest.raises(SeqrecError, match=r"training\.start_from: no model folder .*empty; name"):
        load_start(small("sasrec", start_from=str(folder)))
    saved(folder, "sasrec")
    (folder / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(SeqrecError, match=r"training\.start_from: the model folder .* is broken"):
        load_start(small("sasrec", start_from=str(folder)))


def test_a_model_of_other_items_is_refused(tmp_path: Path) -> None:
    told = small("sasrec", start_from=str(saved(tmp_path / "old", "sasrec")))
    with pytest.raises(SeqrecError, match="'by-hand', knows none of the 12 items"):
        train(data_of(LOG), told, 1)


def test_a_counted_model_starts_from_nothing(tmp_path: Path) -> None:
    with pytest.raises(SeqrecError, match=r"counted, not trained; leave training\.start_from out"):
        train(data_of(LOG), settings("hybrid", training={"start_from": str(tmp_path)}), 1)


def test_more_users_than_before(tmp_path: Path) -> None:
    """Caser with new users trains on."""
    folder = saved(tmp_path / "old", "caser")
    log = split_off(*random_users(users=55), num_items=12)
    data = replace(OLD, sequences=log)
    told = small("caser", loss="bce", start_from=str(folder))
    warm = train(data, told, 1).trained
    assert warm.model.state_dict()["user_embedding.weight"].shape == (55, 8)
