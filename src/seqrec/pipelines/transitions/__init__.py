from seqrec.pipelines.transitions.pipeline import create_pipeline

__all__ = ["create_pipeline"]
