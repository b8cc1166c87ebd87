"""The most memory a process takes that does one thing only: ``python -m benchmarks.memory``.

The peak of a process never falls, so each measurement is a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Literal

import torch

from benchmarks import ROOT
from benchmarks.asking import reason
from benchmarks.case import Case, Contender, prepare
from seqrec.errors import SeqrecError
from seqrec.machine import memory

Part = Literal["training", "evaluation"]
Form = Literal["real", "plain"]
MIB = 2**20


def peak_memory(case: Case, form: Form, part: Part, steps: int) -> dict[str, float]:
    """Return ``main`` and, on a GPU, ``gpu``: the most MiB while training or evaluating.

    Args:
        case: what is measured.
        form: the project's own or the plain form.
        part: training steps only, or one validation only.
        steps: how many training steps.

    Raises:
        SeqrecError: the process failed.
    """
    command = [sys.executable, "-m", "benchmarks.memory", case.to_json(), form, part, str(steps)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if finished.returncode:
        why = reason(finished.returncode, finished.stderr)
        raise SeqrecError(f"memory of the {form} form, {part}: {why}")
    peaks: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return peaks


def contender(case: Case, form: Form) -> Contender:
    """Read the data and build the form; each imports only what it needs."""
    if form == "plain":
        from benchmarks.plain.training import plain

        return plain(case)
    from benchmarks.real import real

    return real(case)


def highest_resident() -> float:
    """Return the most MiB this process ever had in main memory."""
    return memory.highest_resident() / MIB


def main(case: Case, form: Form, part: Part, steps: int) -> None:
    """Do one part of the work and print its peak."""
    prepare(case)
    before = highest_resident()
    form_of_model = contender(case, form)
    if part == "evaluation":
        form_of_model.validate("valid")
    else:
        for _ in range(steps):
            form_of_model.step(form_of_model.batch())
    peaks = {"imports": before, "main": highest_resident()}
    if case.where.type == "cuda":
        peaks["gpu"] = torch.cuda.max_memory_allocated() / MIB
    print(json.dumps(peaks))


if __name__ == "__main__":
    _, text, form, part, steps = sys.argv
    main(Case.from_json(text), form, part, int(steps))  # type: ignore[arg-type]
