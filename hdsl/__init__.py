"""HDSL: hierarchical models written like the notation of a paper, compiled to NumPyro or PyMC.

>>> import hdsl
>>> model = hdsl.parse("y ~ normal(alpha + beta * x, sigma); alpha, beta ~ region")
>>> sorted(model.levels)
['region', 'row']
"""

from typing import TYPE_CHECKING

from hdsl.diagnostics.diagnostic import Diagnostic, ModelError

if TYPE_CHECKING:
    from hdsl.api import Model, load, parse, read
    from hdsl.fit.run import Run

__all__ = ["Diagnostic", "Model", "ModelError", "Run", "load", "parse", "read"]


def __getattr__(name: str) -> object:
    """What is heavier than a diagnostic is imported when it is first asked for."""
    if name == "Run":
        from hdsl.fit.run import Run

        return Run
    if name in ("Model", "load", "parse", "read"):
        from hdsl import api

        return getattr(api, name)
    raise AttributeError(f"module 'hdsl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
