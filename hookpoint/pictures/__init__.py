"""Small named plot functions for the notebooks. Each gives back a matplotlib figure.

End a cell with the call to see it. They take tensors, arrays or lists, and import matplotlib when they are called.
"""

from .charts import bars, curve
from .grids import attention_pattern, heatmap
from .points import scatter

__all__ = ["attention_pattern", "bars", "curve", "heatmap", "scatter"]
