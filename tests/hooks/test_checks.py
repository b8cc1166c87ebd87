"""What would stop a run, or make its figures wrong, is found before it begins."""

from importlib import import_module
from pathlib import Path
from typing import Any

import ibis
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro_datasets.json import JSONDataset

from seqrec.datasets.cell_files import CellsDataset
from seqrec.datasets.text_files import AtomicTextDataset
from seqrec.errors import SeqrecError
from seqrec.hooks.checks import TrainingChecksHooks, check_filtering, check_order
from seqrec.parameters.sections import (
    EvaluationOptions,
    FilteringOptions,
    RankingOptions,
    ReportingOptions,
    SplittingOptions,
    TedOptions,
    TrainingOptions,
)
from seqrec.training import Settings


def nothing(*inputs: object) -> None:
    return None


def pipeline(*inputs: str) -> Pipeline:
    return Pipeline([node(nothing, inputs=list(inputs), outputs=None, name="n")])


MEASURED: dict[str, Any] = {
    "seen_items": "exclude",
    "splits": {"test": {"metrics": {"HR@10": {}, "NDCG@10": {}}}},
}


def catalog_of(**parameters: Any) -> DataCatalog:
    catalog = DataCatalog()
    settings: dict[str, Any] = {
        "model": "bsarec",
        "protocol": "standard",
        "model_options": {},
        "training": TrainingOptions(),
        "ted": TedOptions(),
        "ranking": RankingOptions(),
    }
    settings |= {name: value for name, value in parameters.items() if name in settings}
    catalog["params:settings"] = Settings(**settings)
    catalog["params:evaluation"] = parameters.get("evaluation", EvaluationOptions())
    catalog["params:reporting"] = parameters.get("reporting", ReportingOptions())
    catalog["params:filtering"] = parameters.get("filtering", FilteringOptions())
    catalog["filter_report"] = {"parameters": FilteringOptions().model_dump(mode="json")}
    catalog["params:splitting"] = parameters.get("splitting", SplittingOptions())
    parts = ["train", "train", "valid", "test"]
    history = {"user_index": [1] * 4, "position": [0, 1, 2, 3], "timestamp": [1, 2, 3, 4]}
    sequences = ibis.memtable({**history, "split": parts})
    catalog["sequences"] = MemoryDataset(sequences, copy_mode="assign")
    catalog["all_metrics"] = MemoryDataset({"demo/bsarec/standard": lambda: MEASURED})
    return catalog


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model_options": {"alpha": 2.0}}, r"parameter model_options\.alpha"),
        ({"training": TrainingOptions(monitor="NDGC@20")}, "unknown metric 'NDGC'"),
        ({"training": TrainingOptions(device="mps")}, "no mps device"),
    ],
)
def test_what_would_stop_a_training_is_found_before_it(
    wrong: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    hooks = TrainingChecksHooks()
    hooks.before_pipeline_run(pipeline("params:filtering"), catalog_of(**wrong))
    with pytest.raises(SeqrecError, match=said):
        hooks.before_pipeline_run(pipeline("params:settings"), catalog_of(**wrong))


@pytest.mark.parametrize("name", ["training", "tuning", "sensitivity"])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model_options": {"alhpa": 0.5}}, "did you mean 'model_options.alpha'"),
        ({"training": TrainingOptions(monitor="NDGC@20")}, "unknown metric 'NDGC'"),
        ({"training": TrainingOptions(device="mps")}, "no mps device"),
        (
            {"protocol": "authors", "ranking": RankingOptions(seen_items="keep")},
            "choice of protocol=standard",
        ),
    ],
)
def test_whatever_trains_is_checked_before_it_runs(
    name: str, wrong: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    real = import_module(f"seqrec.pipelines.{name}").create_pipeline()
    TrainingChecksHooks().before_pipeline_run(real, catalog_of())
    with pytest.raises(SeqrecError, match=said):
        TrainingChecksHooks().before_pipeline_run(real, catalog_of(**wrong))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"metrics": ("HR@10", "NDGC@10")}, "unknown metric 'NDGC'; did you mean 'NDCG'"),
        ({"metrics": ("ndcg10",)}, "metric 'ndcg10' is not of the form NAME@k"),
        ({"pictures": ("bsrec",)}, "unknown model 'bsrec' in reporting.pictures; did you mean"),
        (
            {"pictures": ("bsarec", "markov")},
            "model 'markov' in reporting.pictures has no attention weights .* choose from bsarec",
        ),
        ({"metrics": ("NDCG@7",)}, "demo/bsarec/standard has no NDCG@7; add its cutoff"),
        ({"reference": "sasrek"}, "unknown model 'sasrek' in reporting.reference; did you mean"),
        ({"pictures": ("gru4rec",)}, "model 'gru4rec' in reporting.pictures has no attention"),
    ],
)
def test_what_would_stop_a_report_is_found_before_it(
    wrong: dict[str, object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no run of the user's has left models
    real = import_module("seqrec.pipelines.reporting").create_pipeline()
    hooks = TrainingChecksHooks()
    hooks.before_pipeline_run(real, catalog_of())
    asked = catalog_of(reporting=ReportingOptions.model_validate(wrong))
    with pytest.raises(SeqrecError, match=said):
        hooks.before_pipeline_run(real, asked)


def test_a_metric_named_twice_is_reported_once() -> None:
    asked = ReportingOptions.model_validate({"metrics": "NDCG@10;HR@10;NDCG@10"})
    assert asked.metrics == ("NDCG@10", "HR@10")


def test_too_many_negatives_are_refused_before_hours_of_training() -> None:
    hooks = TrainingChecksHooks()
    options = EvaluationOptions(sampled_negatives=99)
    hooks.before_pipeline_run(pipeline("params:evaluation"), catalog_of(evaluation=options))
    training = node(
        nothing, inputs=["items", "sequences"], outputs=["training_history", "models"], name="train"
    )
    tables = {
        "items": ibis.memtable({"item_index": list(range(1, 102))}),
        "sequences": ibis.memtable({"user_index": [1, 1, 1, 2], "item_index": [5, 6, 5, 7]}),
    }
    hooks.before_node_run(training, tables)  # 101 items, two of them known to user 1
    tables["sequences"] = ibis.memtable({"user_index": [1, 1, 1], "item_index": [5, 6, 7]})
    with pytest.raises(SeqrecError, match="no user has more than 98 unseen items"):
        hooks.before_node_run(training, tables)


@pytest.mark.parametrize("made", ["models", "metrics", "tuning_history", "sensitivity"])
def test_what_is_learned_from_data_of_other_settings_is_refused(made: str) -> None:
    """The model card would say what the data are not, and a filter would have no effect."""
    run = Pipeline([node(nothing, inputs="sequences", outputs=made, name="n")])
    TrainingChecksHooks().before_pipeline_run(run, catalog_of())
    other = catalog_of(splitting=SplittingOptions(strategy="temporal", test_share=0.5))
    with pytest.raises(
        SeqrecError, match=r"1 of 4 .*splitting\.strategy=temporal,splitting\.valid"
    ):
        TrainingChecksHooks().before_pipeline_run(run, other)
    TrainingChecksHooks().before_pipeline_run(pipeline("sequences"), other)
    other = catalog_of(filtering=FilteringOptions(user_core=7))
    with pytest.raises(SeqrecError, match=r"filtering\.user_core=5, not 7"):
        TrainingChecksHooks().before_pipeline_run(run, other)
    TrainingChecksHooks().before_pipeline_run(pipeline("sequences"), other)
    anew = Pipeline([node(nothing, inputs=None, outputs="filter_report", name="f"), *run.nodes])
    TrainingChecksHooks().before_pipeline_run(anew, other)


def test_the_options_go_on_as_the_model_takes_them() -> None:
    catalog = catalog_of(model_options={"alpha": "0.25"})
    TrainingChecksHooks().before_pipeline_run(pipeline("params:settings"), catalog)
    assert catalog.load("params:settings").model_options == {"alpha": 0.25}


def test_a_run_that_reads_under_another_name_what_it_makes_is_refused(tmp_path: Path) -> None:
    """Nothing would say which comes first, and the old file might be read as if it were new."""
    file, other = str(tmp_path / "a.txt"), str(tmp_path / "b.txt")
    makes = node(lambda: "new", inputs=None, outputs="made", name="makes")
    reads = node(nothing, inputs="read", outputs=None, name="reads")
    both = Pipeline([makes, reads])
    catalog = DataCatalog({"made": AtomicTextDataset(filepath=file)})
    catalog["read"] = AtomicTextDataset(filepath=other)
    check_order(both, catalog)
    catalog["read"] = AtomicTextDataset(filepath=file)
    with pytest.raises(SeqrecError, match="makes made and reads the same files as read"):
        check_order(both, catalog)
    check_order(Pipeline([reads]), catalog)


def test_a_report_on_all_cells_is_not_made_with_one_of_them(tmp_path: Path) -> None:
    """Part of the book would be of the old cell, part of the new one."""
    makes = node(lambda: {}, inputs=None, outputs="metrics", name="makes")
    reads = node(nothing, inputs="all_metrics", outputs=None, name="reads")
    made, other = (str(tmp_path / f"out/demo/bsarec/{name}.json") for name in ("metrics", "facts"))
    everyones = CellsDataset(
        filepath=f"{tmp_path}/out/*/*/metrics.json", dataset={"type": "json.JSONDataset"}
    )
    catalog = DataCatalog({"all_metrics": everyones, "metrics": JSONDataset(filepath=other)})
    check_order(Pipeline([makes, reads]), catalog)
    catalog["metrics"] = JSONDataset(filepath=made)
    with pytest.raises(SeqrecError, match="makes metrics and reads the same files as all_metrics"):
        check_order(Pipeline([makes, reads]), catalog)


def test_a_filter_that_is_not_recorded_is_passed() -> None:
    """Reports of before it was recorded; another one is refused."""
    check_filtering({"steps": []}, FilteringOptions(item_core=7))
    recorded = {"parameters": FilteringOptions(item_core=7).model_dump(mode="json")}
    check_filtering(recorded, FilteringOptions(item_core=7))
    with pytest.raises(SeqrecError, match=r"made with filtering\.item_core=7, not 8; run with"):
        check_filtering(recorded, FilteringOptions(item_core=8))
    said = r"min_rating=null, not 4\.0; run with filtering\.min_rating=null"  # as YAML takes it
    with pytest.raises(SeqrecError, match=said):
        check_filtering(recorded, FilteringOptions(item_core=7, min_rating=4))
