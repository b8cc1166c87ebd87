"""Kedro datasets of our own, where kedro-datasets has none that is atomic."""
