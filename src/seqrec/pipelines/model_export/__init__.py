from seqrec.pipelines.model_export.pipeline import create_pipeline

__all__ = ["create_pipeline"]
