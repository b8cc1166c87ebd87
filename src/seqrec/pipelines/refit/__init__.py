from seqrec.pipelines.refit.pipeline import create_pipeline

__all__ = ["create_pipeline"]
