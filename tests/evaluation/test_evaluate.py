"""Evaluation of a whole model, by hand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import Tensor

from seqrec.batches import Batch, Sequences
from seqrec.errors import SeqrecError
from seqrec.evaluation.evaluate import EvaluationResult, evaluate
from seqrec.evaluation.ranking import apply_rules, target_ranks
from seqrec.losses import ItemLoss
from seqrec.models import MODELS, build_model
from seqrec.models.folder import TrainedModel, load_model, save_model
from seqrec.models.mqsa_ted import MQSATED
from seqrec.models.parts.face import SequentialModel
from seqrec.parameters.sections import EvaluationOptions
from seqrec.protocol import ranking_rules
from seqrec.training import TrainingData, train
from tests.counted import split_off
from tests.trainings import settings, trained_on


class Settings:
    """What evaluation reads of a model's configuration."""

    def __init__(self, protocol: str) -> None:
        self.max_len, self.protocol = 4, protocol


class FixedScores(SequentialModel):
    """Scores every item by the same list, whatever the history."""

    def __init__(self, scores: list[float], protocol: str = "standard") -> None:
        super().__init__()
        self.config = Settings(protocol)
        self.register_buffer("scores", torch.tensor([0.0, *scores])[:, None])

    scores: Tensor

    def encode(self, histories: Tensor, users: Tensor | None = None) -> Tensor:
        return torch.ones(len(histories), 1)

    def item_vectors(self) -> Tensor:
        return self.scores

    def loss(self, batch: Batch, item_loss: ItemLoss | None = None) -> dict[str, Tensor]:
        return {"loss": self.scores.sum()}

    @property
    def embedding_dropout(self) -> float:
        return 0.0

    @property
    def hides_padding(self) -> bool:
        return True


def table(users: list[list[int]]) -> pa.Table:
    """Leave-one-out sequences as the pipeline writes them."""
    rows = [
        (user, position, item, "train" if position < len(items) - 2 else split)
        for user, items in enumerate(users, 1)
        for position, item in enumerate(items)
        for split in ["valid" if position == len(items) - 2 else "test"]
    ]
    columns = list(zip(*rows, strict=True))
    return pa.table(
        {
            "user_index": pa.array(columns[0], pa.int32()),
            "position": pa.array(columns[1], pa.int32()),
            "item_index": pa.array(columns[2], pa.int32()),
            "timestamp": pa.array(columns[1], pa.int64()),
            "split": list(columns[3]),
        }
    )


LOG = table([[1, 2, 3, 4], [2, 1, 5, 6]])


def trained(model: SequentialModel, sequences: pa.Table = LOG, num_items: int = 6) -> TrainedModel:
    return TrainedModel(
        model=model,
        items=pa.table({"item_index": list(range(1, num_items + 1))}),
        model_name="bsarec",
        options={},
        protocol=model.config.protocol,
        dataset="by-hand",
        num_items=num_items,
        num_users=10,
        data_fingerprint=Sequences.from_table(sequences, num_items).fingerprint(),
        seed=1,
        best_epoch=1,
        monitor="NDCG@20",
        best_value=0.5,
    )


def evaluated(model: SequentialModel, **options: Any) -> EvaluationResult:
    return evaluate(
        trained(model), LOG, options=EvaluationOptions.model_validate(options), device="cpu"
    )


def test_metrics_by_hand() -> None:
    """Item 1 scores best, 6 worst. Test: user 1 has seen 1 2 3, target 4 is first of 4 5 6;
    user 2 has seen 2 1 5, target 6 is last of 3 4 6."""
    result = evaluated(FixedScores([6, 5, 4, 3, 2, 1]), cutoffs=[1, 2, 3])
    test = result.metrics["splits"]["test"]
    ranks = result.ranks.filter(pa.compute.equal(result.ranks["split"], "test"))
    assert ranks["rank"].to_pylist() == [1, 3]
    assert ranks["candidates"].to_pylist() == [3, 3]
    assert ranks["item_index"].to_pylist() == [4, 6]
    assert test["metrics"]["HR@1"]["value"] == 0.5
    assert test["metrics"]["MRR@3"]["value"] == pytest.approx((1 + 1 / 3) / 2)
    # training holds 1, 2, 2, 1: the targets 4 and 6 are cold
    assert test["cold_targets"] == 2
    assert test["repeat_targets"] == 0
    # lists at 2: user 1 sees 4 5, user 2 sees 3 4: three of six items, none ever trained on
    assert test["coverage@2"] == 0.5
    assert test["mean_popularity@2"] == 0
    # list of user 1 in validation (history 1 2) at 1: item 3; of user 2: item 3
    assert result.metrics["splits"]["valid"]["coverage@1"] == pytest.approx(1 / 6)


def test_a_constant_model_is_no_better_than_chance() -> None:
    """Three candidates each: the expected rank is 2."""
    assert evaluated(FixedScores([1.0] * 6)).ranks["rank"].to_pylist()[-2:] == [2, 2]


def test_seen_items_can_be_kept() -> None:
    kept = evaluated(FixedScores([6, 5, 4, 3, 2, 1]), seen_items="keep")
    assert kept.ranks["rank"].to_pylist()[-2:] == [4, 6]
    assert kept.ranks["candidates"].to_pylist()[-2:] == [6, 6]


def test_a_model_of_another_run_is_refused() -> None:
    model = trained(FixedScores([1.0] * 6))
    model.check_run(protocol="standard", seed=1)
    with pytest.raises(SeqrecError, match=r"trained with protocol=standard, not authors"):
        model.check_run(protocol="authors", seed=1)
    with pytest.raises(SeqrecError, match=r"trained with seed=1, not 7"):
        model.check_run(protocol="standard", seed=7)


def test_targets_in_their_own_history_are_counted() -> None:
    log = table([[1, 2, 1, 1], [2, 1, 5, 6], [3, 3, 4, 4]])
    model = trained(FixedScores([1.0] * 6), log)
    splits = evaluate(model, log, options=EvaluationOptions(), device="cpu").metrics["splits"]
    assert splits["valid"]["repeat_targets"] == 1
    assert splits["test"]["repeat_targets"] == 2


def test_sampled_metrics_are_marked_and_need_enough_items() -> None:
    model = FixedScores([6, 5, 4, 3, 2, 1])
    sampled = evaluated(model, sampled_negatives=2).metrics["splits"]["test"]["sampled"]
    assert sampled["negatives"] == 2
    assert "sampled" in sampled["note"]
    assert sampled["metrics"]["HR@1"]["value"] == 0.5
    with pytest.raises(SeqrecError, match="no user has more than 3 unseen items"):
        evaluated(model, sampled_negatives=99)


def test_scores_that_are_no_numbers_stop_the_evaluation() -> None:
    with pytest.raises(SeqrecError, match="diverged"):
        evaluated(FixedScores([float("nan")] * 6))


def test_a_model_of_other_data_is_refused() -> None:
    other = table([[1, 2, 3, 4], [2, 1, 6, 5]])
    with pytest.raises(SeqrecError, match=r"trained on other data .*by-hand"):
        evaluate(trained(FixedScores([1.0] * 6)), other, options=EvaluationOptions(), device="cpu")


@pytest.mark.parametrize(("refit", "pipeline"), [(False, "training"), (True, "refit")])
def test_a_model_of_other_data_names_the_pipeline_that_makes_it(refit: bool, pipeline: str) -> None:
    model = replace(trained(FixedScores([1.0] * 6)), refit=refit)
    other = Sequences.from_table(table([[1, 2, 3, 4], [2, 1, 6, 5]]), 6)
    with pytest.raises(SeqrecError) as caught:
        model.check_data(other)
    assert str(caught.value).endswith(
        f"; run `kedro run --pipeline {pipeline}` for them first, with the same --params"
    )


def test_a_model_folder_stands_on_its_own(tmp_path: Path) -> None:
    """Train, save, load: the same ranks, and the user's own item ids beside them."""
    items = pa.table(
        {
            "item_index": pa.array(range(1, 7), pa.int32()),
            "item_id": [f"item-{i}" for i in range(1, 7)],
        }
    )
    told = settings(max_len=4, dim=8, c=3, num_blocks=2)
    result = train(TrainingData.from_arrow("by-hand", LOG, items), told, 3)
    save_model(tmp_path, result.trained)
    loaded = load_model(tmp_path)
    options = EvaluationOptions(cutoffs=(1, 2))
    before = evaluate(result.trained, LOG, options=options, device="cpu")
    after = evaluate(loaded, LOG, options=options, device="cpu")
    assert before.ranks.equals(after.ranks)
    assert before.metrics == after.metrics
    learned = LOG.filter(pa.compute.equal(LOG["split"], "train"))["item_index"].to_pylist()
    counts = [learned.count(i) for i in range(1, 7)]
    assert loaded.items.equals(items.append_column("interactions", pa.array(counts)))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json",
        "items.parquet",
        "model.safetensors",
    ]


def test_a_broken_model_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SeqrecError, match=r"no model\.safetensors in the model folder"):
        load_model(tmp_path)
    for name in ("model.safetensors", "config.json", "items.parquet"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(SeqrecError, match="broken") as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_model_of_a_newer_version_is_one_line(tmp_path: Path) -> None:
    save_model(tmp_path, trained_on(split_off([1, 2, 3], [2, 3, 1], num_items=3), "markov").trained)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"format": 99}))
    with pytest.raises(SeqrecError, match=r"newer version of seqrec \(format 99.*upgrade seqrec"):
        load_model(tmp_path)


def test_a_folder_of_several_models_asks_for_one(tmp_path: Path) -> None:
    model = trained_on(split_off([1, 2, 3], [2, 3, 1], num_items=3), "popularity").trained
    save_model(tmp_path / "42", model)
    assert load_model(tmp_path).model_name == "popularity"
    save_model(tmp_path / "43", model)
    with pytest.raises(SeqrecError, match=r"several models; name one: .*/42"):
        load_model(tmp_path)
    with pytest.raises(SeqrecError, match=r"no model folder .*absent"):
        load_model(tmp_path / "absent")


def test_one_item_cannot_be_ranked() -> None:
    with pytest.raises(SeqrecError, match="at least 2"):
        TrainingData.from_arrow(
            "one", table([[1, 1, 1, 1]]), pa.table({"item_index": [1], "item_id": ["a"]})
        )


@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("name", MODELS)
def test_every_target_gets_the_rank_of_its_own_history(name: str, protocol: str) -> None:
    """Histories are ranked in batches of like length and like width: beside one at a time."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    users = [(random.permutation(20)[:n] + 1).tolist() for n in random.integers(3, 12, 25)]
    log = table(users)
    options = {"max_len": 6, "dim": 8} | ({"c": 3} if name == "bsarec" else {})
    model = build_model(name, options, protocol, num_items=20).eval()
    torch.nn.init.normal_(model.item_vectors())
    section = EvaluationOptions(batch_size=4, cutoffs=(1, 5))
    found = evaluate(trained(model, log, 20), log, options=section, device="cpu")
    ranks = found.ranks.filter(pa.compute.equal(found.ranks["split"], "test"))
    assert ranks["user_index"].to_pylist() == list(range(1, 26))
    assert ranks["item_index"].to_pylist() == [user[-1] for user in users]
    rules = ranking_rules(protocol, authors=model.authors_ranking)
    for user, rank in zip(users, ranks["rank"].to_pylist(), strict=True):
        *history, target = user
        padded = torch.tensor([[0] * 6 + history])[:, -6:]
        with torch.no_grad():
            scores = model.encode(padded) @ model.item_vectors().T
        seen = history[-7:] if rules.seen_in_window else history  # six for training, one behind
        pairs = (torch.zeros(len(seen), dtype=torch.long), torch.tensor(seen))
        ruled = apply_rules(scores, pairs, rules)
        assert rank == target_ranks(ruled, torch.tensor([target])).item()


def test_the_report_says_what_becomes_of_seen_items() -> None:
    def said(model: SequentialModel, **options: Any) -> str:
        return str(evaluated(model, **options).metrics["seen_items"])

    assert said(FixedScores([1.0] * 6)) == "exclude"
    assert said(FixedScores([1.0] * 6), seen_items="keep") == "keep"
    model = FixedScores([1.0] * 6, protocol="authors")
    assert said(model) == "score 0"
    model.authors_ranking = MQSATED.authors_ranking  # type: ignore[misc]
    assert said(model) == "exclude, last 4"


def test_ranks_do_not_depend_on_the_batch_size() -> None:
    torch.manual_seed(0)
    users = [np.random.default_rng(i).permutation(30)[:8].tolist() for i in range(40)]
    log = table([[item + 1 for item in user] for user in users])
    model = FixedScores(torch.randn(30).tolist())
    results = [
        evaluate(
            trained(model, log, 30), log, options=EvaluationOptions(batch_size=size), device="cpu"
        )
        for size in (1, 7, 256)
    ]
    assert all(result.ranks.equals(results[0].ranks) for result in results)
    assert all(result.metrics == results[0].metrics for result in results)
