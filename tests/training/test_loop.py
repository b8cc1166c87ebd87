"""The loop: it learns, stops, keeps the best, and is the same twice."""

from pathlib import Path
from typing import Literal

import pytest
import torch

from seqrec.errors import SeqrecError
from seqrec.losses.distillation import Distillation
from seqrec.models import build_model
from seqrec.models.parts.face import SequentialModel
from seqrec.parameters.sections import TrainingOptions
from seqrec.training import Checkpointing, Fitted, fit
from seqrec.training.loop import epoch_seed
from tests.logs import circle_distillation, circles

CPU = torch.device("cpu")


OPTIONS: dict[str, dict[str, object]] = {
    "bsarec": {"c": 3, "hidden_dropout": 0.2, "attention_dropout": 0.2},
    "mqsa_ted": {"num_blocks": 2, "dropout": 0.2},
}


def small_model(protocol: str = "standard", name: str = "bsarec") -> SequentialModel:
    torch.manual_seed(1)
    return build_model(name, {"max_len": 8, "dim": 16, **OPTIONS[name]}, protocol, num_items=20)


def run(
    epochs: int,
    checkpointing: Checkpointing | None = None,
    model: SequentialModel | None = None,
    ted: Distillation | None = None,
    **options: object,
) -> Fitted[SequentialModel]:
    return fit(
        small_model() if model is None else model,
        circles(60, 12, 20),
        options=TrainingOptions.model_validate(
            {"max_epochs": epochs, "batch_size": 64, "learning_rate": 5e-3, **options}
        ),
        seed=5,
        device=CPU,
        distillation=ted,
        checkpointing=checkpointing,
    )


def weights(fitted: Fitted[SequentialModel]) -> list[torch.Tensor]:
    return list(fitted.model.state_dict().values())


def test_a_certain_next_item_is_learned() -> None:
    fitted = run(15)
    assert fitted.best_value > 0.9
    assert fitted.history[-1]["loss"] < 0.5 * fitted.history[0]["loss"]


def test_two_runs_are_equal_to_the_last_bit() -> None:
    first, second = run(3), run(3)
    assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


def test_another_seed_is_another_run() -> None:
    assert epoch_seed(1, 2) != epoch_seed(2, 1)
    assert len({epoch_seed(seed, epoch) for seed in range(50) for epoch in range(50)}) == 2500


def test_training_stops_when_nothing_improves() -> None:
    """A vanishing learning rate: the first epoch stays the best, three more are granted."""
    fitted = run(50, learning_rate=1e-12, patience=3)
    assert fitted.best_epoch == 1
    assert len(fitted.history) == 4


def test_the_best_weights_are_kept(tmp_path: Path) -> None:
    """The weights returned give the best epoch's value, not the last one's."""
    from seqrec.batches import evaluation_examples
    from seqrec.evaluation.metrics import metric_of
    from seqrec.evaluation.ranker import Ranker

    fitted = run(6, learning_rate=0.05)
    data = circles(60, 12, 20)
    valid = evaluation_examples(data, "valid", 8, "standard")
    ranker = Ranker(data, valid, fitted.model, CPU)
    values = [row["NDCG@20"] for row in fitted.history]
    assert fitted.best_value == max(values)
    assert metric_of("NDCG@20", ranker.ranks(fitted.model)) == fitted.best_value


def test_without_patience_training_goes_to_the_end() -> None:
    """As MQSA-TED's own code does: it stays with the first epoch, and goes on for twelve."""
    model = small_model(name="mqsa_ted")
    fitted = run(13, model=model, learning_rate=1e-12, patience=None)
    assert fitted.best_epoch == 1
    assert len(fitted.history) == 13


def test_bsarec_learns_with_the_distillation() -> None:
    """The loss falls, and ends nearer to the graph than where the distillation weighs nothing."""
    with_it, beside_it = (run(5, ted=circle_distillation(20, weight)) for weight in (1.0, 0.0))
    first, last = with_it.history[0], with_it.history[-1]
    assert last["loss"] < 0.9 * first["loss"]
    assert last["distillation"] < beside_it.history[-1]["distillation"] - 0.05
    assert with_it.best_value > 0.9
    assert "distillation" not in run(1).history[0]


@pytest.mark.parametrize("protocol", ["standard", "authors"])
def test_mqsa_ted_learns_a_certain_next_item(protocol: str) -> None:
    """Sixty users make one batch an epoch. Under authors the seen items of the window count."""
    model, ted = small_model(protocol, "mqsa_ted"), circle_distillation(20, 0.1)
    fitted = run(40, model=model, ted=ted, patience=None, learning_rate=0.01)
    assert fitted.best_value > 0.9
    assert fitted.history[-1]["items"] < 0.5 * fitted.history[0]["items"]
    assert {"loss", "items", "l2", "distillation"} < set(fitted.history[0])


@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("name", ["bsarec", "mqsa_ted"])
def test_interrupted_training_ends_as_if_it_had_not_been(
    tmp_path: Path, name: str, protocol: str
) -> None:
    """Two epochs, then a new process with fresh weights goes on to four: equal to four at once."""
    checkpointing = Checkpointing(tmp_path / "checkpoint.safetensors", "run")

    def epochs(count: int, kept: Checkpointing | None = None) -> Fitted[SequentialModel]:
        ted = circle_distillation(20, 0.1) if name == "mqsa_ted" else None
        return run(count, kept, model=small_model(protocol, name), ted=ted, batch_size=size)

    size = 16 if name == "mqsa_ted" else 128  # users, or prefixes
    whole = epochs(4)
    epochs(2, checkpointing)
    resumed = epochs(4, checkpointing)
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3, 4]
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))


def test_a_checkpoint_of_another_run_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    run(2, Checkpointing(path, "one"))
    assert len(run(3, Checkpointing(path, "two")).history) == 3
    whole = run(3)
    other = run(3, Checkpointing(path, "three"))
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(other), strict=True))


def test_a_broken_checkpoint_means_a_new_start(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(b"not a checkpoint")
    assert len(run(1, Checkpointing(path, "run")).history) == 1


def test_a_full_disk_leaves_the_last_checkpoint_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    run(1, Checkpointing(path, "run"))
    before = path.read_bytes()

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seqrec.training.checkpoint.save_file", no_space)
    with pytest.raises(SeqrecError, match="no space left") as caught:
        run(2, Checkpointing(path, "run"))
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_diverged_loss_says_so() -> None:
    with pytest.raises(SeqrecError, match="diverged"):
        run(3, learning_rate=1e30)


def test_bf16_trains_to_about_the_same_metric() -> None:
    assert run(15, precision="bf16").best_value == pytest.approx(run(15).best_value, abs=0.1)


@pytest.mark.parametrize("precision", ["bf16", "tf32"])
@pytest.mark.parametrize("name", ["bsarec", "mqsa_ted"])
def test_lower_precision_ranks_alike(name: str, precision: str) -> None:
    """After the same steps the validation metric agrees within a few of sixty targets."""
    device = CPU if precision == "bf16" else torch.device("cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        pytest.skip("tf32 is for CUDA devices, and there is none")
    values = []
    for choice in ("fp32", precision):
        torch.manual_seed(0)
        sizes = {"max_len": 6, "dim": 16} | ({"c": 3} if name == "bsarec" else {})
        options = TrainingOptions(
            max_epochs=25, precision=choice, learning_rate=1e-2, batch_size=16
        )
        model = build_model(name, sizes, "standard", num_items=12)
        data = circles(60, 7, 12)
        values.append(fit(model, data, options=options, seed=5, device=device).best_value)
    assert values[0] > 0.5
    assert values[1] == pytest.approx(values[0], abs=0.05)


@pytest.mark.parametrize("choice", ["exclude", "keep"])
def test_validation_ranks_by_the_rules_of_the_evaluation(
    choice: Literal["exclude", "keep"],
) -> None:
    """The circle comes round within a history: with seen items out, no target can be found."""
    from seqrec.parameters.sections import EvaluationOptions

    def value() -> float | None:
        return fit(
            small_model(),
            circles(60, 20, 10),
            options=TrainingOptions(max_epochs=1),
            evaluation=EvaluationOptions(seen_items=choice),
            seed=5,
            device=CPU,
        ).best_value

    if choice == "exclude":
        with pytest.raises(SeqrecError, match="all 60 validation targets stand in their user's"):
            value()
        return
    best = value()
    assert best is not None
    assert best > 0


def test_an_unknown_monitor_is_refused_before_training() -> None:
    with pytest.raises(SeqrecError, match="did you mean 'NDCG'"):
        run(1, monitor="NDGC@20")


def test_validation_every_so_many_epochs_and_after_the_last() -> None:
    """The same training; the best among those that were looked at."""
    whole, sparse = run(5, patience=None), run(5, patience=None, validate_every=2)
    looked = [row["epoch"] for row in sparse.history if row["NDCG@20"] >= 0]
    assert looked == [2, 4, 5]
    assert [row["loss"] for row in whole.history] == [row["loss"] for row in sparse.history]
    seen = {row["epoch"]: row["NDCG@20"] for row in whole.history if row["epoch"] in looked}
    assert sparse.best_value == max(seen.values())
    assert seen[sparse.best_epoch] == sparse.best_value
