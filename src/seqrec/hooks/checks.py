"""What would stop a run, or make its figures wrong, is found before it begins."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from seqrec.errors import SeqrecError, as_typed
from seqrec.evaluation.metrics import parse_label
from seqrec.hooks.places import paths_of
from seqrec.parameters.sections import EvaluationOptions
from seqrec.preparation.sequences import check_split_as_told

if TYPE_CHECKING:
    from seqrec.models.folder import TrainedModel
    from seqrec.training.settings import Settings

LEARNED = {"models", "metrics", "tuning_history", "sensitivity"}
"""What stands under the settings of the run that makes it, those of the data included."""


class TrainingChecksHooks:
    """What would stop a training, an evaluation or a report is found before it begins."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Raise a SeqrecError for a wrong option of the model, device, metric or picture."""
        check_order(pipeline, catalog)
        needed = pipeline.inputs()
        self._evaluation: EvaluationOptions | None = None
        if "params:evaluation" in needed:
            self._evaluation = catalog.load("params:evaluation")
        if "params:reporting" in needed:
            # torch comes with it: not for a run that only handles data.
            from seqrec.reporting.check import check_report

            check_report(catalog.load("params:reporting"), catalog.load("all_metrics"))
        if "params:settings" in needed:
            # Assigned it would be "replaced", which Kedro warns of.
            catalog.save("params:settings", self._checked(catalog.load("params:settings")))
        if pipeline.all_outputs() & LEARNED:
            self._check_data(pipeline, catalog)

    def _check_data(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Raise a SeqrecError if data that were made before are not what this run says of them."""
        if "filter_report" not in pipeline.all_outputs() and catalog.exists("filter_report"):
            check_filtering(catalog.load("filter_report"), catalog.load("params:filtering"))
        if "sequences" in pipeline.inputs():
            check_split_as_told(catalog.load("sequences"), catalog.load("params:splitting"))

    def _checked(self, settings: "Settings") -> "Settings":
        """Return the settings of a training, which nothing checks again."""
        # torch comes with them: not for a run that only handles data.
        from seqrec.machine.devices import resolve_device, use_precision
        from seqrec.protocol import ranking_rules
        from seqrec.training.warm_start import load_start

        training = settings.training
        settings = settings.checked()
        device = resolve_device(training.device)
        if not settings.counted:
            use_precision(device, training.precision)
            load_start(settings)
        parse_label(training.monitor)
        ranking_rules(settings.protocol, settings.ranking.seen_items)
        return settings

    @hook_impl(specname="before_node_run")
    def check_evaluated(self, node: Node, catalog: DataCatalog, inputs: dict[str, Any]) -> None:
        """Raise a SeqrecError if models were told something else than the run that measures them.

        The figures would stand under the settings of this run.
        """
        if {"models", "sequences"} <= inputs.keys() and "metrics" in node.outputs:
            check_told(inputs["models"], catalog.load("params:settings"))

    @hook_impl
    def before_node_run(self, node: Node, inputs: dict[str, Any]) -> None:
        """Raise a SeqrecError if no user could be evaluated as is asked for afterwards."""
        options = self._evaluation
        if "models" not in node.outputs or options is None or options.sampled_negatives is None:
            return
        from seqrec.evaluation.sampled_ranking import check_negatives

        sequences = inputs["sequences"]
        seen = sequences.group_by("user_index").aggregate(n=sequences.item_index.nunique())
        items, fewest = (
            table.to_pyarrow().as_py() for table in (inputs["items"].count(), seen.n.min())
        )
        check_negatives(options.sampled_negatives, items - fewest)


def check_filtering(report: dict[str, Any], asked: Any) -> None:
    """Raise a SeqrecError if the log was filtered otherwise than this run says.

    Args:
        report: the content of filter_report.json; one of an earlier version says nothing of it.
        asked: the section ``filtering`` of this run.
    """
    was = report.get("parameters", {})
    for name, value in asked.model_dump(mode="json").items():
        if was.get(name, value) != value:
            then, now = as_typed(was[name]), as_typed(value)
            made_with = f"filtering.{name}={then}"
            raise SeqrecError(
                f"the data at hand were made with {made_with}, not {now}; run with "
                f"{made_with}, or make them and the models anew: `kedro run` with the same --params"
            )


def check_told(models: "dict[str, TrainedModel]", settings: Any) -> None:
    """Raise a SeqrecError if a model was told something else than ``settings``."""
    # torch comes with them: not for a run that only handles data.
    from seqrec.training.refit import check_settings
    from seqrec.training.settings import Settings

    # Of a pipeline without a training Kedro hands the values on as they are.
    told = settings if isinstance(settings, Settings) else Settings(**settings)
    for model in models.values():
        if model.model_name == told.model and model.protocol == told.protocol:
            check_settings(told.checked(), model, measuring=True)


def check_order(pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Raise a SeqrecError where a run reads, under another name, what it makes.

    No arrow says then which comes first, and what was there before would be read as if it were new.
    """
    made = {path: name for name in pipeline.all_outputs() for path in paths_of(catalog.get(name))}
    for name in sorted(pipeline.inputs()):
        dataset = catalog.get(name)
        for path in sorted(made):
            if _reads(dataset, path):
                raise SeqrecError(
                    f"this run makes {made[path]} and reads the same files as {name}, and nothing "
                    "says which comes first; run the pipelines one after the other"
                )


def _reads(dataset: Any, path: Path) -> bool:
    """Return whether a dataset reads that path, as its own or as one of all cells."""
    covers = getattr(dataset, "covers", None)
    return bool(covers(path)) if covers else path in paths_of(dataset)
