"""Backends: a model as a readable Python file for NumPyro or PyMC.

``emit`` lowers the model to a neutral Program (``lower``), which a printer per backend spells.
"""

from hdsl.backends.emit import BACKENDS, emit
from hdsl.backends.generated import Generated

__all__ = ["BACKENDS", "Generated", "emit"]
