"""A Python that has the four packages that training needs, what these need, and nothing else."""

import re
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

FOUR = ("torch", "numpy", "pyarrow", "safetensors")


def bare_python(folder: Path) -> Path:
    """Make the environment in a folder, and return its interpreter."""
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(command, check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for name in with_dependencies(FOUR):
        package = distribution(name)
        for top in {file.parts[0] for file in package.files or () if file.parts[0] != ".."}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(package.locate_file(top))))
    return folder / "bin" / "python"


def with_dependencies(names: tuple[str, ...]) -> set[str]:
    """Return packages and all that they need, as far as it is installed."""
    installed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in installed:
            continue
        try:
            needed = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        installed.add(name)
        without_extras = [line for line in needed if "extra ==" not in line]
        waiting += [re.split(r"[^\w.-]", line)[0] for line in without_extras]
    return installed
