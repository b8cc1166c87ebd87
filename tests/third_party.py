"""What other projects' code does anew in every run, although all runs are of one process here."""

import importlib
import traceback
from functools import cache
from types import SimpleNamespace
from typing import Any

from omegaconf.grammar_parser import parse


def hasten() -> None:
    """Let OmegaConf parse a text once, and dynaconf not read the source of pytest's deep stack.

    Together they were a fifth of a run that trains for a moment.
    """
    parse_once = cache(parse)
    for name in ("omegaconf.base", "omegaconf._utils"):
        _replace(name, "parse", parse_once)
    for name in ("dynaconf.loaders.py_loader", "dynaconf.utils.files"):
        _replace(name, "inspect", SimpleNamespace(stack=_calling_files))


def _replace(module: str, name: str, value: Any) -> None:
    names = vars(importlib.import_module(module))
    assert name in names, f"{module}.{name} is no more: nothing is gained by this"
    names[name] = value


def _calling_files() -> traceback.StackSummary:
    """Return the stack as ``inspect.stack`` does, without lines of code."""
    return traceback.StackSummary.extract(traceback.walk_stack(None), lookup_lines=False)
