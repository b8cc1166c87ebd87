"""The data pipelines on Apache Spark: the same readers over partitions, the same expressions."""
