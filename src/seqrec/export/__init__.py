"""Trained models for use without seqrec, as ONNX graphs."""

import os

# From 1.29 on onnxruntime tells its maker what models it runs, unless it finds this when it is
# imported. No usage data leaves the machine.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
