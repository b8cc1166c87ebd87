"""A signal ends the program, whatever the main thread is busy with."""

import signal
import subprocess
import sys
import time

import pytest

BUSY = """
import hashlib, sys
from seqrec.machine import stopping
stopping.GRACE = {grace}
with stopping.stopping_on_signals():
    print("busy", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 10**9)  # minutes in C, deaf to signals
"""
LISTENING = """
import time
from seqrec.machine import stopping
stopping.GRACE = 3.0
with stopping.stopping_on_signals():
    try:
        print("busy", flush=True)
        time.sleep(60)
    except KeyboardInterrupt as interrupt:
        time.sleep(1)  # putting things in order may take longer than that
        print(type(interrupt).__name__, flush=True)
"""


def begun(code: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "busy\n"
    time.sleep(0.5)  # into what comes next
    return process


@pytest.mark.parametrize(
    ("number", "name", "code"), [(signal.SIGTERM, "SIGTERM", 143), (signal.SIGINT, "Ctrl-C", 130)]
)
def test_a_deaf_main_thread_is_ended(number: signal.Signals, name: str, code: int) -> None:
    process = begun(BUSY.format(grace=0.5))
    began = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == code
    assert said == (
        f"error: stopped by {name}; whole files stayed, and the same command goes on from there\n"
    )
    assert 0.4 < time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGTERM, "Terminated"), (signal.SIGINT, "KeyboardInterrupt")]
)
def test_one_that_hears_puts_things_in_order(number: signal.Signals, raised: str) -> None:
    process = begun(LISTENING)
    process.send_signal(number)
    out, said = process.communicate(timeout=20)
    assert (out, said, process.returncode) == (f"{raised}\n", "", 128 + number)


def test_a_long_query_ends() -> None:
    code = """
import ibis
from seqrec.cli import errors_in_one_line
from seqrec.machine import stopping
stopping.GRACE = 1.0
engine = ibis.duckdb.connect()
with errors_in_one_line(), stopping.stopping_on_signals():
    print("busy", flush=True)
    engine.raw_sql("SELECT sum(sqrt(a.range * b.range)) FROM range(10000000) a, range(100000) b")
"""
    process = begun(code)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 143
    (line,) = said.splitlines()
    assert line.startswith("error: stopped by SIGTERM")
