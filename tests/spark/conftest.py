"""A Spark of its own executors on this machine, for all tests of a worker."""

import os
from collections.abc import Iterator

import pytest

MASTER = "local-cluster[2,1,1024]"
# What is small is soon done without the second of Java's compilers and without plans made anew
# after every stage; two partitions are as many as there are executors. A pipeline's stages are more
# than the 100 whose compiled code is kept, and the next data set has the same.
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.cache.maxEntries": "5000",
    "spark.sql.shuffle.partitions": "2",
    "spark.executor.extraJavaOptions": QUICK,
}


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """Let sessions start with executors of their own."""
    pytest.importorskip("pyspark", reason="needs the extra [spark]")
    options = [f"--conf '{key}={value}'" for key, value in SETTINGS.items()]
    submit = f"--master {MASTER} --driver-java-options '{QUICK}' {' '.join(options)} pyspark-shell"
    environment = {"PYSPARK_SUBMIT_ARGS": submit, "SPARK_LOCAL_IP": "127.0.0.1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        os.environ.pop("SPARK_REMOTE", None)
        yield
