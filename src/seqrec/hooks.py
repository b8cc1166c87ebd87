"""What happens around the nodes: checks before a run, tidying and a report after it."""

import logging
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from rich.console import Console

from seqrec.console import metrics_table, output_lines
from seqrec.evaluation.metrics import parse_label
from seqrec.parameters.sections import EvaluationOptions

logger = logging.getLogger(__name__)


class TrainingChecksHooks:
    """What would stop a training, an evaluation or a report is found before it begins."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Raise a SeqrecError for a wrong option of the model, device, metric or picture."""
        needed = pipeline.inputs()
        self._evaluation: EvaluationOptions | None = None
        if "params:evaluation" in needed:
            self._evaluation = catalog.load("params:evaluation")
        if "params:reporting" in needed:
            # torch comes with it: not for a run that only handles data.
            from seqrec.reporting.check import check_report

            check_report(catalog.load("params:reporting"), catalog.load("all_metrics"))
        if "params:model_options" not in needed:
            return
        # torch comes with them: not for a run that only handles data.
        from seqrec.machine.devices import resolve_device, use_precision
        from seqrec.models import COUNTING_MODELS, check_options, model_class
        from seqrec.protocol import ranking_rules
        from seqrec.training.objective import check_loss

        name, options, protocol, training = (
            catalog.load(f"params:{key}")
            for key in ("model", "model_options", "protocol", "training")
        )
        check_options(name, options, protocol)
        device = resolve_device(training.device)
        if name not in COUNTING_MODELS:
            use_precision(device, training.precision)
            check_loss(training, model_class(name), protocol)
        parse_label(training.monitor)
        if self._evaluation is not None:
            ranking_rules(protocol, self._evaluation.seen_items)

    @hook_impl
    def before_node_run(self, node: Node, inputs: dict[str, Any]) -> None:
        """Raise a SeqrecError if the data are too small for the evaluation that follows."""
        options = self._evaluation
        if "models" not in node.outputs or options is None or options.sampled_negatives is None:
            return
        from seqrec.evaluation.ranking import check_negatives

        sequences = inputs["sequences"]
        known = sequences.group_by("user_index").aggregate(n=sequences.item_index.nunique())
        items, most = (
            table.to_pyarrow().as_py() for table in (inputs["items"].count(), known.n.max())
        )
        check_negatives(options.sampled_negatives, items - most)


class CheckpointHooks:
    """Checkpoints live until the trained models are saved."""

    @hook_impl
    def after_node_run(self, node: Node, inputs: dict[str, Any]) -> None:
        """Remember where the training that just ended kept its checkpoints."""
        if "models" in node.outputs:
            from seqrec.pipelines.training.nodes import checkpoint_path

            dataset, model, protocol, seeds = (
                inputs[f"params:{part}"] for part in ("dataset", "model", "protocol", "seeds")
            )
            self._checkpoints = [checkpoint_path(dataset, model, protocol, s) for s in seeds]

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Remove the checkpoints of the models that were saved."""
        if dataset_name == "models":
            for checkpoint in self._checkpoints:
                checkpoint.unlink(missing_ok=True)


class ReportHooks:
    """One line a node while it runs; the metrics and the outputs' places at the end."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Number the nodes in the order in which they run."""
        self._numbers = {node.name: number for number, node in enumerate(pipeline.nodes, start=1)}

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Say which node runs now."""
        logger.info("%d/%d %s", self._numbers[node.name], len(self._numbers), node.name)

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the metrics, if they were measured, and where the outputs are."""
        console = Console(highlight=False)
        made = pipeline.all_outputs()
        if "metrics" in made:
            console.print()
            console.print(metrics_table(catalog.load("metrics")))
        paths = {name: Path(path) for name in made if (path := _path_of(catalog.get(name)))}
        if paths:
            console.print("\nOutputs", style="bold")
            for line in output_lines(paths, Path.cwd()):
                console.print(f"  {line}", soft_wrap=True)


def _path_of(dataset: Any) -> Any:
    """Return where a dataset lies on the disk, or None if it lies in memory."""
    return getattr(dataset, "_filepath", None) or getattr(dataset, "_path", None)
