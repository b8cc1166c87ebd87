"""The text of an error, read from the code that builds it, with names where values will stand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pages.sources import Function, Source, assigned

DEPTH = 4
"""How often a name is followed to where its text comes from."""
WORDS = {
    **dict.fromkeys(("error", "strerror", "cause", "cause_of", "fault", "one_line"), "REASON"),
    **dict.fromkeys(("problem", "wrong", "orig"), "REASON"),
    **dict.fromkeys(("len", "sum", "max", "count", "null_count", "done", "trials"), "NUMBER"),
    **dict.fromkeys(("first_number", "num_items", "num_users", "size"), "NUMBER"),
    **dict.fromkeys(("args", "parts", "__name__"), "NAME"),
    **dict.fromkeys(("by_last", "near"), "NEAREST"),
    **dict.fromkeys(("in_words", "with_negatives"), "LOSSES"),
    **dict.fromkeys(("cwd", "gettempdir"), "PATH"),
    **{"texts": "TEXT", "used": "PATTERN", "told": "VALUES", "others": "FILES"},
    **{"id": "CELL", "size_text": "SIZE", "made_by": "PIPELINE", "plain": "RUNNER"},
    **{"first_lines": "LINE", "pattern": "FILES", "theirs": "NAME"},
    **dict.fromkeys(("target", "outputs", "storage", "nearest"), "PATH"),
}
"""What a value is called whose name in the code says less."""
LOOKED_THROUGH = ("type", "str", "tuple", "sorted", "map", "next", "iter", "min", "repr")
HAS_WORDS = re.compile(r"[a-z]{2}|^\d|^[A-Z_]+_TOKEN$|@")


@dataclass(frozen=True)
class Reader:
    """Reads the expressions of a function of a module."""

    source: Source
    function: Function | None
    depth: int = DEPTH

    def text(self, node: ast.AST | None) -> str:
        """Return what an expression says, values as words in capitals."""
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.Constant(value=int(number)):
                return f"{number:,}"
            case ast.JoinedStr(values=parts):
                return "".join(map(self.text, parts))
            case ast.FormattedValue(value=value, format_spec=ast.JoinedStr() as form):
                return self._found(value) or _number(form) or self._value(value)
            case ast.FormattedValue(value=value):
                return self._value(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.text(left) + self.text(right)
            case ast.Dict(values=[first, *_]):
                return self.text(first)
            case ast.Call(func=ast.Name(id="str"), args=[inner]):
                return self.text(inner)
            case ast.Call(func=ast.Name(id="unknown_name")):
                return self.unknown_name(node)
        return self._value(node)

    def unknown_name(self, call: ast.Call) -> str:
        """Return the line of ``errors.unknown_name``."""
        kind, name, _, *place = [*call.args, *(each.value for each in call.keywords)]
        where = f" {self.text(place[0])}" if place else ""
        return f"unknown {self.text(kind)} '{self.text(name)}'{where}; did you mean 'NEAREST'?"

    def _value(self, node: ast.AST | None) -> str:
        """Return the words that a value stands for, if the code has them, else a name for it."""
        match node:
            case ast.IfExp(body=body, orelse=other):
                return self._choice(body, other)
            case ast.BoolOp(values=[first, *_]):
                return self.text(first)
        found = self._found(node)
        return found if found is not None else _placeholder(node)

    def _choice(self, body: ast.expr, other: ast.expr) -> str:
        """Return the first of two texts; one without words that may be missing is left out."""
        texts = self.text(body), self.text(other)
        if "" in texts and not any(map(HAS_WORDS.search, texts)):
            return ""
        return texts[0] or texts[1]

    def _found(self, node: ast.AST | None) -> str | None:
        """Return the text that a name or a call leads to; None where it leads to no words."""
        texts: Iterable[str] = []
        match node if self.depth else None:
            case ast.Name(id=name):
                texts = self._of_name(name)
            case ast.Call(func=ast.Attribute(value=ast.Dict() as table, attr="get")):
                texts = [self.text(table)]
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) as call:
                texts = [*self._joined(call), *self._returned(name)]
            case ast.Subscript(value=ast.Name(id=name)):
                texts = self._of_name(name)
        return next((text for text in texts if not text or HAS_WORDS.search(text)), None)

    def _inner(self, source: Source, function: Function | None) -> Reader:
        return Reader(source, function, self.depth - 1)

    def _of_name(self, name: str) -> list[str]:
        if name in _arguments(self.function):
            return []
        values = [value for key, value in assigned(self.function) if key == name]
        if values:
            inner = self._inner(self.source, self.function)
            return [inner.text(values[0])] if len(values) == 1 else []
        home = self.source.home(name)
        value = home.constants.get(name) if home else None
        if isinstance(value, ast.Constant):
            return [str(value.value)]
        return [self._inner(home, None).text(value)] if home and value else []

    def _joined(self, call: ast.Call) -> Iterable[str]:
        """Return the texts of a constant that ``join`` puts together."""
        match call:
            case ast.Call(func=ast.Attribute(value=between, attr="join"), args=[ast.Name(id=name)]):
                home = self.source.home(name)
                value = home.constants.get(name) if home else None
                if isinstance(value, ast.Tuple | ast.List):
                    return [self.text(between).join(map(self.text, value.elts))]
        return []

    def _returned(self, name: str) -> Iterable[str]:
        """Return the texts that a function of the package returns."""
        home = self.source.home(name)
        function = home.functions.get(name) if home else None
        if home is None or function is None:
            return []
        reader = self._inner(home, function)
        returns = [node for node in ast.walk(function) if isinstance(node, ast.Return)]
        returns.sort(key=lambda node: node.lineno)
        return [reader.text(node.value) for node in returns]


def _number(form: ast.JoinedStr) -> str:
    """Return what a value is called that is written as a number."""
    (spec,) = (part.value for part in form.values if isinstance(part, ast.Constant))
    return "SHARE" if "%" in str(spec) else "NUMBER" if "," in str(spec) else ""


def _arguments(function: Function | None) -> list[str]:
    if function is None:
        return []
    arguments = function.args
    return [each.arg for each in (*arguments.args, *arguments.kwonlyargs)]


def _placeholder(node: ast.AST | None) -> str:
    """Return a name in capitals for a value: COLUMN, PATH."""
    name = _last_name(node)
    short = name.strip("_")
    return WORDS.get(name) or WORDS.get(short) or re.sub(r"_(name|text)$", "", short).upper()


def _last_name(node: ast.AST | None) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=ast.Attribute(attr="join"), args=[inner, *_]):
            return _last_name(inner)
        case ast.Call(func=ast.Name(id=name), args=[*_, inner]) if name in LOOKED_THROUGH:
            return _last_name(inner)
        case ast.Call(func=function):
            return _last_name(function)
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
        case ast.Subscript(value=value):
            return _last_name(value)
        case ast.BinOp(op=ast.Div()):
            return "path"
        case ast.BinOp():
            return "number"
    return "value"
