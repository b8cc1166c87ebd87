"""The sentences under the fields of a class, which Python itself does not keep."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise

from pages.markdown import from_docstring


def field_sentences(kind: type) -> dict[str, str]:
    """Return what stands under each field of a class, those it inherits included."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if each.__module__.startswith("seqrec"):
            found |= dict(_sentences(each))
    return found


def _sentences(kind: type) -> Iterator[tuple[str, str]]:
    (parsed,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(parsed, ast.ClassDef)
    for field, below in pairwise(parsed.body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            yield field.target.id, from_docstring(str(below.value.value))
