"""Hand out the models of a cell in a form that runs without the project."""

from seqrec.cell import Cell
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
    """
    check_seeds(recommending_models, seeds)
    exports = {}
    for seed in map(str, seeds):
        model = recommending_models[seed]
        model.check_run(protocol=cell.protocol, seed=int(seed))
        check_exportable(model)
        exports[seed] = Export(model, model_card)
    return exports
