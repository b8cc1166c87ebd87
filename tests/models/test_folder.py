"""Model folders whose files are not of one model."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

from seqrec.errors import SeqrecError
from seqrec.models.folder import TrainedModel, load_model, save_model
from tests.export.examples import trained
from tests.models.small import ITEMS


def other() -> TrainedModel:
    """One of the same shapes, with items called A, B, C … and other weights."""
    model = trained("sasrec")
    ids = pa.array([chr(ord("A") + number) for number in range(ITEMS)])
    for weight in model.model.state_dict().values():
        weight.add_(1)
    return replace(model, items=model.items.set_column(1, "item_id", ids))


def without_sums(folder: Path) -> None:
    """Make the folder one of an earlier version, which wrote no checksums."""
    config = folder / "config.json"
    text = config.read_text()
    assert '"sha256"' in text
    config.write_text(text.replace('"sha256"', '"forgotten"'))


@pytest.mark.parametrize("name", ["model.safetensors", "items.parquet"])
def test_a_file_of_another_model_is_refused(name: str, tmp_path: Path) -> None:
    save_model(tmp_path / "one", trained("sasrec"))
    save_model(tmp_path / "two", other())
    shutil.copy(tmp_path / "two" / name, tmp_path / "one" / name)
    with pytest.raises(SeqrecError) as caught:
        load_model(tmp_path / "one")
    assert str(caught.value) == (
        f"the model folder {tmp_path / 'one'} is broken (model.safetensors or items.parquet is not "
        "the one that config.json was written with); train the model again"
    )
    without_sums(tmp_path / "one")
    load_model(tmp_path / "one")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda items: items.slice(0, ITEMS - 1), f"has {ITEMS - 1} items, the model {ITEMS}"),
        (lambda items: items.take(list(range(ITEMS))[::-1]), "does not count from 1 to"),
        (lambda items: items.drop(["item_index"]), "item_index"),
        (
            lambda items: items.set_column(1, "item_id", pa.nulls(ITEMS, pa.string())),
            "has items without an item_id",
        ),
    ],
)
def test_items_that_do_not_fit_the_model_are_one_line(
    change: Any, said: str, tmp_path: Path
) -> None:
    save_model(tmp_path, trained("sasrec"))
    without_sums(tmp_path)
    items = tmp_path / "items.parquet"
    pq.write_table(change(pq.read_table(items)), items)
    with pytest.raises(SeqrecError, match=rf"is broken \(.*{said}.*\); train") as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_damaged_footer_is_one_line(tmp_path: Path) -> None:
    """Whichever byte of it: some make Arrow raise an OSError."""
    save_model(tmp_path, trained("sasrec"))
    without_sums(tmp_path)
    items = tmp_path / "items.parquet"
    whole = items.read_bytes()
    raised: set[type[BaseException]] = set()
    for place in range(9, 60):
        damaged = bytearray(whole)
        damaged[-place] ^= 0xFF
        items.write_bytes(damaged)
        try:
            pq.read_table(items)
        except Exception as error:
            raised.add(type(error))
            with pytest.raises(SeqrecError, match="is broken"):
                load_model(tmp_path)
    assert OSError in raised


@pytest.mark.parametrize("sums", [True, False])
def test_a_folder_that_is_replaced_meanwhile_is_read_again(
    sums: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its weights and its items: what comes is the new model, wholly."""
    place, new = tmp_path / "model", tmp_path / "new"
    save_model(place, trained("sasrec"))
    save_model(new, other())
    if not sums:
        without_sums(place)

    def read_and_replace(path: Path) -> Any:
        weights = load_file(path)
        if new.exists():
            place.rename(tmp_path / "old")
            new.rename(place)
        return weights

    monkeypatch.setattr("seqrec.models.folder.load_file", read_and_replace)
    assert load_model(place).fingerprint() == other().fingerprint()


def test_a_folder_that_never_stays_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(tmp_path, trained("sasrec"))

    def read_and_change(path: Path) -> Any:
        with (tmp_path / "config.json").open("a") as config:
            config.write("\n")
        return load_file(path)

    monkeypatch.setattr("seqrec.models.folder.load_file", read_and_change)
    with pytest.raises(SeqrecError, match="changes while it is read; try it again later"):
        load_model(tmp_path)


def test_a_cells_folder_names_the_one_below(tmp_path: Path) -> None:
    (tmp_path / "models" / "42").mkdir(parents=True)
    with pytest.raises(SeqrecError, match=r"its models lie in it: .*models$"):
        load_model(tmp_path)


def test_a_folder_above_cells_names_the_models_in_them(tmp_path: Path) -> None:
    """Of a model, which holds protocols, and of a data set."""
    for model in ("sasrec", "bsarec"):
        (tmp_path / "shop" / model / "standard" / "models" / "42").mkdir(parents=True)
    for folder, first in (("shop/sasrec", "shop/sasrec"), ("shop", "shop/bsarec")):
        with pytest.raises(SeqrecError) as caught:
            load_model(tmp_path / folder)
        assert str(caught.value) == (
            f"{tmp_path / folder} holds cells; models lie in {tmp_path / first / 'standard/models'}"
        )
