"""What the service counts and times, in the form of Prometheus."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
REQUESTS = (1, 2, 4, 8, 16, 32, 64)


class Measures:
    """The figures of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.requests = Counter(
            "seqrec_requests", "Requests answered.", ["path", "status"], registry=registry
        )
        self.seconds = Histogram(
            *("seqrec_request_seconds", "From the request's head to the end of the answer."),
            ["path"],
            buckets=SECONDS,
            registry=registry,
        )
        self.together = Histogram(
            *("seqrec_batch_requests", "Requests answered as one batch."),
            buckets=REQUESTS,
            registry=registry,
        )
        self.unknown_items = Counter(
            *("seqrec_unknown_items", "Ids of histories that the model does not know."),
            registry=registry,
        )
        self.popular_lists = Counter(
            *("seqrec_popular_lists", "Lists of the most popular items, for want of a history."),
            registry=registry,
        )
        self.reloads = Counter(
            "seqrec_reloads",
            "Times the model folder was read again.",
            ["outcome"],
            registry=registry,
        )
        self.items = Gauge("seqrec_model_items", "Items the model knows.", registry=registry)

    def text(self) -> bytes:
        """Return all figures as text."""
        return generate_latest(self.registry)
