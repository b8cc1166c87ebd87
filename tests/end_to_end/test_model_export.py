"""The pipeline that exports a cell's models."""

from pathlib import Path

from seqrec.models.folder import save_model
from tests.conftest import Kedro
from tests.export.examples import trained

CELL = "demo/fmlprec/standard"
RUN = ("run", "--pipeline", "model_export", "--params", "model=fmlprec")


def test_a_cells_models_are_exported_with_its_card(kedro: Kedro, project: Path) -> None:
    model = trained("fmlprec")
    save_model(project / f"data/06_models/{CELL}/models/42", model)
    without_card = kedro(*RUN)
    assert without_card.code == 1
    (line,) = without_card.err.splitlines()
    assert f"{CELL}/model_card.md does not exist; run `kedro run --pipeline evaluation`" in line

    card = project / f"data/07_model_output/{CELL}/model_card.md"
    card.parent.mkdir(parents=True)
    card.write_text(f"Measured: `{'f' * 64}`\n")
    of_another = kedro(*RUN)
    assert of_another.code == 1
    (line,) = of_another.err.splitlines()
    assert "figures of another model than the one of seed 42; run `kedro run --pipeline ev" in line

    text = f"Measured: `{model.fingerprint()}`\n"
    card.write_text(text)
    finished = kedro(*RUN)
    assert finished.code == 0, finished.err
    folder = project / f"data/08_reporting/export/{CELL}/42"
    files = {"README.md", "items.parquet", "model.onnx", "model_card.md"}
    assert {path.name for path in folder.iterdir()} == files
    assert (folder / "model_card.md").read_text() == text
