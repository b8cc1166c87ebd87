"""``--params``: keys and values between commas, values in YAML, as Kedro takes them.

Beyond that a comma in quotes belongs to its value, a pattern of dates may begin with ``%`` as it is
(a directive in YAML), what is compared with the text of a log stays as it was typed (YAML reads
1.10 as 1.1, 007 as 7 and no as false), and a value that is no YAML is one line.
"""

import re
from collections.abc import Callable
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from seqrec.errors import SeqrecError

PART = re.compile(r"""(?:"(?:\\.|[^"])*"|'[^']*'|[^,"']|["'])+""")
"""What lies between commas; a comma in quotes is none."""
BY_ITSELF = re.compile(r"[%@`]")
"""What no value of YAML may begin with."""
COMPARED = re.compile(r"raw\.(where\..+|missing)")
"""Keys whose values are compared with the text of a log."""
Split = Callable[[Any, Any, Any], Any]


def quoted_values(text: str) -> list[str]:
    """Return the pairs of a text, each as key=value with its value as YAML."""
    pairs = [part.strip() for part in PART.findall(text)]
    return [_with_plain_value(pair) for pair in pairs if pair]


def _with_plain_value(pair: str) -> str:
    key, equals, value = pair.partition("=")
    value = value.strip()
    as_it_is = COMPARED.fullmatch(key.strip()) and _is_read_otherwise(value)
    return f"{key}{equals}{yaml_text(value)}" if as_it_is or BY_ITSELF.match(value) else pair


def _is_read_otherwise(value: str) -> bool:
    """Return whether YAML takes a plain word for something that is written otherwise."""
    try:
        read = OmegaConf.from_dotlist([f"value={value}"]).value
    except (yaml.YAMLError, OmegaConfBaseException):
        return False  # the line that says so comes when it is taken
    if isinstance(read, bool):
        return str(read).lower() != value.lower()
    return isinstance(read, int | float) and str(read) != value


def yaml_text(value: str) -> str:
    """Return a text as YAML in single quotes."""
    return "'" + value.replace("'", "''") + "'"


def typed_params(split: Split) -> Split:
    """Return Kedro's function for ``--params`` with what is said above.

    Args:
        split: Kedro's own, for one pair after the other.
    """

    def take(context: Any, parameter: Any, value: Any) -> Any:
        if not isinstance(value, str) or not value.strip(", "):
            return split(context, parameter, value)
        taken: list[Any] = []
        for pair in quoted_values(value):
            if "," in pair and "=" in pair.partition(",")[0]:
                taken.append(_one_pair(pair))
                continue
            try:
                taken.append(split(context, parameter, pair))
            except (yaml.YAMLError, OmegaConfBaseException):
                raise _no_yaml(pair) from None
        return OmegaConf.to_container(OmegaConf.merge(*map(OmegaConf.create, taken)))

    return take


def _one_pair(pair: str) -> Any:
    """Return a pair whose value holds a comma, which Kedro would split."""
    try:
        return OmegaConf.to_container(OmegaConf.from_dotlist([pair]))
    except (yaml.YAMLError, OmegaConfBaseException):
        raise _no_yaml(pair) from None


def _no_yaml(pair: str) -> SeqrecError:
    key, _, value = pair.partition("=")
    return SeqrecError(f"--params {key}: {value} is no value of YAML; write {key}='…' in quotes")
