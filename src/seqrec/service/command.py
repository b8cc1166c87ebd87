"""``seqrec serve``: needs no project around it, and imports no Kedro."""

from __future__ import annotations

from pathlib import Path

import click

from seqrec.commands import fail
from seqrec.errors import SeqrecError


@click.command("serve", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(path_type=Path), metavar="MODEL_FOLDER")
@click.option("--host", default="127.0.0.1", show_default=True, help="Who may ask: this machine.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: a free one."
)
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option(
    "--graph/--no-graph",
    default=True,
    show_default=True,
    help="On a CPU, answer by the exported graph once it is made; torch answers until then.",
)
def serve(folder: Path, host: str, port: int, device: str, graph: bool) -> None:
    """Answer requests for lists over HTTP, with a page at its root.

    MODEL_FOLDER is one that training wrote, data/06_models/…/models/SEED. SIGHUP lets it be read
    again, without a request lost. Where the environment sets SEQREC_TOKEN, requests must bring it
    as Authorization: Bearer.
    """
    try:
        _check_packages()
        # torch comes with it: not for --help
        from seqrec.service.server import run_server

        run_server(folder, host, port, device, graph)
    except SeqrecError as error:
        fail(error)


def _check_packages() -> None:
    """Raise a SeqrecError where the extra is not installed."""
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise SeqrecError(
            f"seqrec serve needs {error.name}, which is not installed; pip install 'seqrec[serve]'"
        ) from None
