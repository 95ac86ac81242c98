"""Fits: the generated file imported and run, its draws as labelled results in a folder.

Importing it starts no sampler: JAX, NumPyro, PyMC, xarray and ArviZ wait for the first fit.
"""

from hdsl.fit.fitting import fit
from hdsl.fit.run import Run, load
from hdsl.fit.verify import Comparison, verify

__all__ = ["Comparison", "Run", "fit", "load", "verify"]
