"""Every error that a user can read, as the code has it: its line, and why it comes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from pages.markdown import capitalised, first_sentence, from_docstring
from pages.messages import HAS_WORDS, Reader
from pages.sources import Function, Source, sources, used_in, with_functions

MADE_OF_OTHERS = ("errors", "models/folder", "models/parts/score_rows", "evidence/pair_tables")
"""Modules whose errors, or whose ValueErrors, end as part of another line."""
OF_PARAMETERS = ("parameters", "models")
"""Rooms whose ValueErrors pydantic catches, for ``errors.explain`` to make a line of them."""
REFUSALS = {"WrongRequest": 0, "_refused": 1, "refuse": 2}
"""What refuses a request, and which of its arguments is the status; the next one is the line."""
DANGLING = re.compile(
    r"^(it|its|they|there|this|one|none|some|those|as|a null|several)\b|\b(none|them)$"
)
"""How a cause begins, or ends, that is none without what stands before it."""
ONLY_CHECKS = re.compile(r"(?:Raise|Refuse|Complain)(?: an? \w+)?(?::| where| if| for) (.*)")
"""The docstring of a function that only checks something."""


class Line(NamedTuple):
    """An error, where the code makes it."""

    module: str
    text: str
    cause: str
    """Empty where the code does not say more than the line itself."""


def lines() -> Iterator[Line]:
    """Yield the errors of the package, module by module."""
    for source in sources().values():
        for node, function in with_functions(source.tree):
            text = _text(node, Reader(source, function))
            if HAS_WORDS.search(text):
                cause = _cause(source, function)
                says_so = cause.lower() in text.lower()
                yield Line(source.name, _with_reasons(text), "" if says_so else cause)


def _with_reasons(text: str) -> str:
    """Call the line of another error a reason; after the word line it is the number of one."""
    return re.sub(r"(?<!line )\bLINE\b", "REASON", text)


def _text(node: ast.AST, reader: Reader) -> str:
    """Return the line that a user reads; nothing of what is no error or hands one on."""
    module = reader.source.name
    match node:
        case ast.Return(value=ast.JoinedStr() as line) if _explains(reader.function):
            return reader.text(line)
        case ast.Call(func=ast.Name(id="SeqrecError"), args=[line]) if module != "errors":
            return reader.text(line) if _says_something(line) else ""
        case ast.Call(func=ast.Name(id="unknown_name")) if module != "errors":
            return reader.unknown_name(node)
        case ast.Call(func=ast.Name(id="ValueError"), args=[line]) if _is_checked(module):
            return f"parameter NAME: {reader.text(line)}" if _says_something(line) else ""
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in REFUSALS:
            return _refusal(reader, arguments[REFUSALS[name] :])
    return ""


def _says_something(line: ast.expr) -> bool:
    """Tell whether a line has words of its own, rather than being that of another error."""
    match line:
        case ast.Call(func=ast.Name(id="str")) | ast.Call(func=ast.Attribute()):
            return False
    return True


def _explains(function: Function | None) -> bool:
    return function is not None and function.name == "explanation"


def _is_checked(module: str) -> bool:
    return module.partition("/")[0] in OF_PARAMETERS and module not in MADE_OF_OTHERS


def _refusal(reader: Reader, arguments: list[ast.expr]) -> str:
    match arguments:
        case [ast.Constant(value=int(status)), line, *_] if _says_something(line):
            text = reader.text(line)
            return f"{status}: {text}" if HAS_WORDS.search(text) else ""
    return ""


def _cause(source: Source, function: Function | None) -> str:
    """Return why, by the docstring of the function or of those that call it."""
    waiting, seen = [function], {function}
    for each in waiting:
        documented = ast.get_docstring(each) if each else None
        if cause := _raises(documented or "") or _only_check(documented or ""):
            return "" if DANGLING.search(cause) else capitalised(cause.rstrip("."))
        callers = [] if each is None else _callers(source, each.name)
        waiting += [caller for caller in callers if caller not in seen]
        seen |= set(callers)
    return ""


def _raises(documented: str) -> str:
    found = re.search(
        r"^Raises:\n\s+(?:SeqrecError|ValueError|WrongRequest): (.*?)(?=\n\s*\w+: |\n\n|\Z)",
        documented,
        re.S | re.M,
    )
    return from_docstring(found[1]) if found else ""


def _only_check(documented: str) -> str:
    found = ONLY_CHECKS.match(first_sentence(documented))
    return found[1] if found else ""


def _callers(source: Source, name: str) -> list[Function]:
    """Return the functions of a module that call another one of it."""
    return [each for each in source.functions.values() if name in used_in(each)]
