"""One package a pipeline: ``nodes`` call the lower floor, ``pipeline`` wires them."""
