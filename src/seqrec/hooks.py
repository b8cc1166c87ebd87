"""What happens around the nodes: checks before a run, and a report after it."""

import gc
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.config import MissingConfigException
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from rich.console import Console

from seqrec.console import metrics_table, output_lines
from seqrec.errors import SeqrecError, as_typed
from seqrec.evaluation.metrics import parse_label
from seqrec.machine.locks import RunLocks
from seqrec.parameters.sections import EvaluationOptions
from seqrec.preparation.sequences import check_split_as_told
from seqrec.reporting.of_its_models import line_of_older_figures
from seqrec.spark.session import tidy_up, use_settings

if TYPE_CHECKING:
    from seqrec.models.folder import TrainedModel
    from seqrec.training.settings import Settings

logger = logging.getLogger(__name__)

SPILL = "temp_directory"
"""In the catalog: where DuckDB spills."""
INGESTED = "ingestion_report"
"""What names the log that a data set was made from."""
SHARED_NODES = ("train_model", "refit_models", "rank_and_measure", "describe_cell")
"""What several processes can do together."""

LEARNED = {"models", "metrics", "tuning_history", "sensitivity"}
"""What stands under the settings of the run that makes it, those of the data included."""


class OneRunHooks:
    """A run works in its project, alone on what it writes, one node after the other."""

    def __init__(self) -> None:
        self._locks = RunLocks()
        self._folder: Path | None = None

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Let what spills lie under the project, whatever folder a notebook works in."""
        catalog = context.config_loader["catalog"]
        context.config_loader["catalog"] = {
            name: _spilling_in(Path(context.project_path), entry) for name, entry in catalog.items()
        }

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Change into the project, hold the folders of the outputs, and sweep the spill folder.

        Raises:
            SeqrecError: another run writes there, or the runner is one of several threads.
        """
        runner = str(run_params.get("runner"))
        if runner != "None" and "SequentialRunner" not in runner:
            raise SeqrecError(
                f"the nodes of this project run one after the other, and {_plain(runner)} runs "
                "several at once; leave --runner out (training and reading use all cores anyway)"
            )
        gc.enable()  # the packages are loaded
        self._leave()
        self._folder = Path.cwd()
        os.chdir(run_params.get("project_path") or self._folder)
        try:
            paths = [
                path for name in pipeline.all_outputs() for path in _paths_of(catalog.get(name))
            ]
            self._locks.take(path.parent for path in paths)
            self._locks.sweep(Path(catalog.load("params:engine").spill_directory))
        except BaseException:
            self._leave()
            raise

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Let others work on the folders."""
        self._leave()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Do the same where the run was cut off."""
        self._leave()

    def _leave(self) -> None:
        self._locks.release()
        if self._folder is not None:
            folder, self._folder = self._folder, None
            with suppress(OSError):  # it may be gone
                os.chdir(folder)


def _spilling_in(project: Path, entry: Any) -> Any:
    """Return a catalog entry whose relative ``temp_directory``, if it has one, is a whole path."""
    if not isinstance(entry, dict):
        return entry
    if isinstance(folder := entry.get(SPILL), str):
        return {**entry, SPILL: str(project / folder)}
    return {key: _spilling_in(project, value) for key, value in entry.items()}


def _plain(runner: str) -> str:
    """Return the name of a runner, given as an object or a path."""
    return runner.removeprefix("<").partition(" ")[0].rpartition(".")[2]


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


class ReportHooks:
    """One line a node while it runs; the metrics and the outputs' places at the end."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Number the nodes in the order in which they run."""
        self._numbers = {node.name: number for number, node in enumerate(pipeline.nodes, start=1)}
        self._ran: set[str] = set()

    @hook_impl
    def before_node_run(self, node: Node, catalog: DataCatalog) -> None:
        """Say which node runs now."""
        self._ran.add(node.name)
        if INGESTED in node.outputs:
            self._log_before = _last_log(catalog)
        logger.info("%d/%d %s", self._numbers[node.name], len(self._numbers), node.name)

    @hook_impl
    def after_node_run(self, node: Node, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Say so where the log is another one than the data set was made from before."""
        if INGESTED in node.outputs:
            log, before = outputs[INGESTED]["file"], self._log_before
            if before not in (None, log):
                name = inputs["params:dataset"]
                logger.warning(
                    "data set '%s' was made from %s before and is made from %s now; to keep both, "
                    "give this log another name, dataset=NAME",
                    *(name, before, log),
                )

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the metrics, if they were measured, and where the outputs are.

        What ``--only-missing-outputs`` left as it was is not shown as if it were new.
        """
        if not speaks():
            return
        console = Console(highlight=False)
        ran = [node for node in pipeline.nodes if node.name in self._ran]
        outputs = {name for node in ran for name in node.outputs}
        if len(ran) < len(pipeline.nodes):
            console.print(f"\n{left_line(len(ran), len(pipeline.nodes))}", soft_wrap=True)
        if "metrics" in outputs:
            console.print()
            console.print(metrics_table(catalog.load("metrics")))
        elif "models" in outputs:
            (models,), (metrics,) = (_paths_of(catalog.get(name)) for name in ("models", "metrics"))
            if line := line_of_older_figures(models, metrics):
                logger.warning(line)
        paths = {str(path): path for name in outputs for path in _paths_of(catalog.get(name))}
        if paths:
            console.print("\nOutputs", style="bold")
            for line in output_lines(paths, Path.cwd()):
                console.print(f"  {line}", soft_wrap=True)


def _last_log(catalog: DataCatalog) -> str | None:
    """Return the log that the data set was made from; one that was not, or not wholly, has none."""
    with suppress(DatasetError, KeyError):  # what cannot be read is about to be replaced
        log: str = catalog.load(INGESTED)["file"]
        return log
    return None


class SparkHooks:
    """Spark's settings are there when a table first asks for it; nothing of a run is left."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Remember the settings of ``spark.yml``, where the environment has it."""
        with suppress(MissingConfigException):
            use_settings(context.config_loader["spark"])

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Remove what the run has left."""
        self.on_pipeline_error()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Do the same where the run was cut off."""
        tidy_up()


class TorchrunHooks:
    """One of the processes of torchrun does its part; the first one speaks and saves for all."""

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Keep what this process makes to itself, unless it is the first one.

        Raises:
            SeqrecError: the run does what one process has to do alone.
        """
        if not _under_torchrun():  # torch need not be loaded
            return
        from seqrec.machine.processes import of_torchrun

        processes = of_torchrun()
        if processes is None:
            return
        for node in pipeline.nodes:
            if node.name not in SHARED_NODES:
                raise SeqrecError(
                    f"torchrun started {processes.size} processes, and each would run "
                    f"{node.name}: run --pipelines training,evaluation under it, all else without"
                )
        if run_params.get("only_missing_outputs"):
            raise SeqrecError(
                "--only-missing-outputs asks each process of torchrun what is missing, and what "
                "they make stays in memory but for the first; leave it out"
            )
        if not processes.first:
            logging.getLogger("kedro").setLevel(logging.ERROR)  # it tells of what is replaced
            for name in pipeline.all_outputs():
                catalog[name] = MemoryDataset(copy_mode="assign")
            logging.getLogger("seqrec").setLevel(logging.ERROR)
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 until the process ends

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Take leave of the others."""
        if not _under_torchrun():
            return
        import torch.distributed as dist

        if dist.is_initialized():
            dist.destroy_process_group()


def speaks() -> bool:
    """Return whether this process speaks for all: the first one, or the only one."""
    return not _under_torchrun() or os.environ.get("RANK", "0") == "0"


def _under_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def left_line(ran: int, nodes: int) -> str:
    """Say how much of a run was left out because its outputs are there."""
    which = "nothing ran: the outputs of all" if ran == 0 else "the outputs of"
    return (
        f"{which} {nodes - ran} of {nodes} nodes were there and were left as they are, whatever "
        "--params say now; leave out --only-missing-outputs to make them anew"
    )


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
    made = {path: name for name in pipeline.all_outputs() for path in _paths_of(catalog.get(name))}
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
    return bool(covers(path)) if covers else path in _paths_of(dataset)


def _paths_of(dataset: Any) -> tuple[Path, ...]:
    """Return where a dataset lies on the disk: nowhere if it lies in memory."""
    if several := getattr(dataset, "paths", None):
        return tuple(several)
    path = getattr(dataset, "_filepath", None) or getattr(dataset, "_path", None)
    return (Path(path),) if path else ()
