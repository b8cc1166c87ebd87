"""The first minutes on a GPU: what is checked and measured there, by ``benchmarks/on_gpu.sh``.

Each module that runs as a section leaves one JSON file, written anew after each of its results.
All of it runs on a CPU too, on a few made-up users, so that it is known to run at all.
"""
