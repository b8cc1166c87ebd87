"""The package's modules as trees, in which names are looked up."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from pages.settings import ROOT

PACKAGE = ROOT / "src/seqrec"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A module: its name below the package, ``readers/parts/source``, and its tree."""

    name: str
    tree: ast.Module

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Functions and methods by their names."""
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, Function)}

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """What stands at the top of the module, by its name."""
        return dict(_assigned(self.tree.body))

    @cached_property
    def imports(self) -> dict[str, str]:
        """The modules of the package that names are imported from, inside functions too."""
        return {
            alias.asname or alias.name: (node.module or "").partition(".")[2].replace(".", "/")
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seqrec.")
            for alias in node.names
        }

    def home(self, name: str) -> Source | None:
        """Return the module of the package in which a name is made."""
        if name in self.constants or name in self.functions:
            return self
        return sources().get(self.imports.get(name, ""))


@cache
def sources() -> dict[str, Source]:
    """Return the modules by their names, in the order of these."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {name: Source(name, _tree(path)) for path in paths if (name := _name(path))}


def _name(path: Path) -> str:
    name = path.relative_to(PACKAGE).with_suffix("").as_posix()
    return name.removesuffix("__init__").removesuffix("/")


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def assigned(function: Function | None) -> list[tuple[str, ast.expr]]:
    """Return the names that a function gives values to, with these."""
    return [*_assigned(ast.walk(function))] if function else []


@cache
def used_in(function: Function) -> frozenset[str]:
    """Return the names that stand in a function."""
    nodes = [*ast.walk(function)]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return frozenset(names | {node.attr for node in nodes if isinstance(node, ast.Attribute)})


def _assigned(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = zip(names, values, strict=True)
                yield from ((key.id, value) for key, value in pairs if isinstance(key, ast.Name))
            case ast.For(
                target=ast.Tuple(elts=[_, ast.Name(id=name)]),
                iter=ast.Call(func=ast.Attribute(value=table, attr="items")),
            ):
                yield name, table


def with_functions(
    tree: ast.AST, inside: Function | None = None
) -> Iterator[tuple[ast.AST, Function | None]]:
    """Yield every node of a tree, in the order of its lines, with the function it stands in."""
    for node in ast.iter_child_nodes(tree):
        yield node, inside
        yield from with_functions(node, node if isinstance(node, Function) else inside)
