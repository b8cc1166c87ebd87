"""Give every user a list."""

import logging
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

import ibis.expr.types as ir
from tqdm import tqdm

from seqrec.batches import Sequences
from seqrec.cell import Cell
from seqrec.errors import rows_in_words
from seqrec.files import spill_folder
from seqrec.models.folder import TrainedModel, check_seeds, fingerprint_in
from seqrec.parameters.sections import EngineOptions, RecommendationOptions
from seqrec.recommendation.everybody import Everybody
from seqrec.recommendation.recommender import Recommender

logger = logging.getLogger(__name__)


def recommend_to_users(
    recommending_models: dict[str, TrainedModel],
    sequences: ir.Table,
    users: ir.Table,
    options: RecommendationOptions,
    device: Literal["auto", "cpu", "cuda", "mps"],
    engine: EngineOptions,
    cell: Cell,
    seeds: tuple[int, ...],
) -> Path:
    """Make lists from the users' whole histories, with the model of the first seed.

    Args:
        recommending_models: the trained models by their seeds.
        sequences: every user's interactions.
        users: which number stands for which user.
        options: how long a list is, for whom, and of which items.
        device: where to compute.
        engine: says where a large table may be written on its way.
        cell: data set, model and protocol, as the models must have been trained.
        seeds: likewise.

    Returns:
        recommendations as a finished Parquet file.
    """
    seed = seeds[0]
    check_seeds(recommending_models, [seed])
    trained = recommending_models[str(seed)]
    trained.check_run(protocol=cell.protocol, seed=seed)
    data = Sequences.from_table(sequences.to_pyarrow(), trained.num_items)
    if options.models == "final":
        data = data.all_for_training()
        tell_older(trained, Path("data/06_models", cell.id, "models", str(seed)))
    trained.check_data(data)
    names = users.order_by("user_index").user_id.to_pyarrow()
    everybody = Everybody(Recommender(trained, device=device), data, names, options)
    if len(seeds) > 1:
        logger.info("lists of the model of seed %d", seed)
    spill = spill_folder(engine.spill_directory)
    with NamedTemporaryFile(
        prefix="recommendation-", suffix=".parquet", dir=spill, delete=False
    ) as file:
        path = Path(file.name)
    try:
        with tqdm(total=len(everybody), unit=" lists", leave=False, disable=None) as bar:
            rows = everybody.write(path, bar.update)
    except BaseException:
        path.unlink()
        raise
    logger.info("%s lists, %s", f"{len(everybody):,}", rows_in_words(rows))
    return path


def tell_older(refit: TrainedModel, evaluated: Path) -> None:
    """Say so where a refit is not of the model that lies beside it, which was trained since.

    Args:
        refit: the model that gives the lists.
        evaluated: the folder of the model that it should be a refit of.
    """
    beside = fingerprint_in(evaluated)
    if refit.evaluated and beside not in (None, refit.evaluated):
        logger.warning(
            "the lists are of an older refit: it is of another model than lies in %s now; "
            "`kedro run --pipeline refit` with the same --params makes a new one",
            evaluated,
        )
