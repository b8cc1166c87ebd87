"""The pipelines by name, and the chain that ``kedro run`` runs."""

from pkgutil import iter_modules

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

from seqrec import pipelines

DEFAULT = "__default__"
CHAIN = ("ingestion", "filtering", "sequences", "transitions", "training", "evaluation")


def register_pipelines() -> dict[str, Pipeline]:
    """Return the pipelines that were asked for; only these are imported.

    Returns:
        Pipelines by name. ``__default__`` is the chain from the raw log to the metrics.
    """
    by_name: dict[str, Pipeline] = find_pipelines(raise_errors=True)
    if DEFAULT in by_name:
        by_name[DEFAULT] = sum((by_name[name] for name in CHAIN), Pipeline([]))
    return by_name


def pipeline_names() -> list[str]:
    """Return the names of all pipelines without importing any of them."""
    return [DEFAULT, *(module.name for module in iter_modules(pipelines.__path__))]
