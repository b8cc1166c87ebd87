"""The house: which rooms there are, which may use which, and what stands at the root.

Read from the source: imports inside functions count, those for type checkers alone do not.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
PACKAGE = SOURCE / "seqrec"

KEDROS_OWN = {"__init__", "__main__", "cli", "pipeline_registry", "settings"}
GROUND = {"cell", "commands", "console", "errors", "files", "project", "protocol"}
FLOORS = (
    {"errors"},
    {"cell", "commands", "files", "protocol", "console", "machine"},
    {"losses"},
    {"batches"},
    {"evidence"},
    {"models"},
    {"parameters", "plotting"},
    {"readers", "evaluation"},
    {"preparation", "training", "interop", "recommendation"},
    {"tuning", "reporting", "export", "spark"},
    {"service"},
    {"notebook"},
    {"datasets", "project"},
    {"add_dataset", "pipelines"},
    {"hooks", "pipeline_registry"},
    {"settings", "cli"},
    {"estimates"},
    {"__main__"},
)
"""From the ground up. A room uses what lies below it, never what stands beside it."""
MAY_BE_CALLED_ALIKE = {
    # one idea in several rooms
    "__init__": "the face of a room",
    "nodes": "the functions of a pipeline",
    "pipeline": "the wiring of a pipeline",
    "command": "a command of the command line",
    "ingestion": "a raw log becomes a table: in this process, and by the tasks of Spark",
    "figures": "what is drawn of a room's tables",
    "settings": "what a training is told, and Kedro's own file, whose name is given",
    "sequences": "every user's interactions: made, and shown to a model",
    "sequence_lines": "the form in which sequences are published: read, and written",
    "titles": "the titles of items: read in their forms, and made one table",
    "mqsa_ted": "the model, and its authors' checkpoints",
}


def modules() -> dict[str, Path]:
    """Every module by its name below the package; a package is called as its folder."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room_of(module: str) -> str:
    return module.partition(".")[0]


@cache
def uses(module: str) -> frozenset[str]:
    """The modules of the package that a module imports; the folders it lies in do not count."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    return frozenset(
        name
        for node in statements(tree)
        for name in imported(node)
        if name in MODULES and not f"{module}.".startswith(f"{name}." if name else "")
    )


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but what only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from statements(child)


def imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (below(alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield below(node.module)
        yield from (below(f"{node.module}.{alias.name}") for alias in node.names)


def below(name: str) -> str:
    return name.removeprefix("seqrec").removeprefix(".") if name.startswith("seqrec") else "?"


def test_only_kedros_files_and_the_ground_stones_stand_at_the_root() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == KEDROS_OWN | GROUND


def test_every_room_has_a_floor() -> None:
    placed = Counter(room for floor in FLOORS for room in floor)
    assert set(placed) == {room_of(name) for name in MODULES if name}
    assert set(placed.values()) == {1}


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name))
def test_a_module_uses_what_lies_below_its_room(module: str) -> None:
    floor = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    own = room_of(module)
    wrong = {
        other
        for other in uses(module)
        if room_of(other) != own and floor[room_of(other)] >= floor[own]
    }
    assert wrong == set()


def test_no_circle_of_imports() -> None:
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path[path.index(module) :], module))
        if module not in done:
            for other in sorted(uses(module)):
                walk(other, (*path, module))
            done.add(module)

    for module in sorted(MODULES):
        if module:
            walk(module, ())


def test_one_name_is_one_idea() -> None:
    names = Counter(path.stem for path in MODULES.values())
    assert {name for name, number in names.items() if number > 1} <= MAY_BE_CALLED_ALIKE.keys()


def test_the_lower_floor_knows_no_kedro() -> None:
    upper = {"pipelines", "datasets", "hooks", "settings", "cli", "project", "pipeline_registry"}
    upper |= {"__main__"}
    knowing = set()
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            if any(module.partition(".")[0] == "kedro" for module in named):
                knowing.add(room_of(name))
    assert knowing <= upper
