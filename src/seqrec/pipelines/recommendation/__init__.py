from seqrec.pipelines.recommendation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
