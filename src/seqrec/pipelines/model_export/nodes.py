"""Hand out the models of a cell in a form that runs without the project."""

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.evaluation.model_card import is_card_of
from seqrec.export.export_folder import Export
from seqrec.export.graph import check_exportable
from seqrec.models.folder import TrainedModel, check_seeds


def prepare_exports(
    recommending_models: dict[str, TrainedModel],
    model_card: str,
    cell: Cell,
    seeds: tuple[int, ...],
) -> dict[str, Export]:
    """Return what is to be exported, by seed; the data set of exports makes folders of it.

    Args:
        recommending_models: the trained models by their seeds.
        model_card: that of the cell, which goes with each of them.
        cell: data set, model and protocol, as the models must have been trained.
        seeds: likewise.

    Raises:
        SeqrecError: a model counts, is of another run, or is none of those the card measured.
    """
    check_seeds(recommending_models, seeds)
    exports = {}
    for seed in map(str, seeds):
        model = recommending_models[seed]
        model.check_run(protocol=cell.protocol, seed=int(seed))
        check_exportable(model)
        _check_card(model_card, model, cell)
        exports[seed] = Export(model, model_card)
    return exports


def _check_card(card: str, model: TrainedModel, cell: Cell) -> None:
    if not is_card_of(card, model):
        needed = "--pipelines evaluation,refit" if model.refit else "--pipeline evaluation"
        raise SeqrecError(
            f"the model card of {cell.id} has figures of another model than the one of seed "
            f"{model.seed}; run `kedro run {needed}` with the same --params"
        )
