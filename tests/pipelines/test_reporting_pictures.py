"""What the nodes of the papers' pictures refuse."""

import pandas as pd
import pyarrow as pa
import pytest

from seqrec.errors import SeqrecError
from seqrec.pipelines.reporting.figures import draw_sensitivity


def test_a_sensitivity_of_an_earlier_version_is_one_line() -> None:
    old = pa.Table.from_pandas(pd.DataFrame({"parameter": ["c"], "value": [3.0], "score": [0.1]}))
    with pytest.raises(
        SeqrecError, match=r"tiny/a/standard does not say .* run the pipeline"
    ) as error:
        draw_sensitivity({"tiny/a/standard": lambda: old})
    assert "\n" not in str(error.value)
