from seqrec.pipelines.sequences.pipeline import create_pipeline

__all__ = ["create_pipeline"]
