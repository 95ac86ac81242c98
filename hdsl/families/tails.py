"""Log probabilities of the tails: the functions that distribution functions are written with.

What both libraries lack, or have without its gradient or not far out in a tail, is integrated: by
the same Gauss-Legendre rule in both, in logarithms, so that neither tail underflows and every
derivative is that of the sum. Known as functions to the rows of the families table only: none is
a word of the language.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LOG1MEXP = '''\
def log1mexp(x):
    """log(1 - exp(x)) of a negative x, accurate near 0 and far from it."""
    near = x > -0.7
    small = jnp.log(-jnp.expm1(jnp.where(near, jnp.minimum(x, -1e-300), -1.0)))
    return jnp.where(near, small, jnp.log1p(-jnp.exp(jnp.where(near, -1.0, x))))
'''

LOG_MASS = f'''\
def log_mass(tails, lower, upper, step):
    """Log probability from `lower` to `upper`, by the tail that holds less; None is no bound.

    `tails(x)` gives the log probabilities of a value at or below x, and above x.
    """
    if upper is None:
        return tails(lower - step)[1]
    if lower is None:
        return tails(upper)[0]
    (below_lower, above_lower), (below_upper, above_upper) = tails(lower - step), tails(upper)
    is_right = above_lower < below_upper
    larger = jnp.where(is_right, above_lower, below_upper)
    smaller = jnp.where(is_right, above_upper, below_lower)
    return larger + log1mexp(smaller - larger)


{LOG1MEXP}'''

TRUNCATED_TAILS = f'''\
def truncated_tails(x, tails, lower, upper, step):
    """Log probabilities of a truncated distribution: at or below x, and above x."""
    mass = log_mass(tails, lower, upper, step)
    if lower is not None:
        x = jnp.maximum(x, lower - step)
    if upper is not None:
        x = jnp.minimum(x, upper)
    below, above = log_mass(tails, lower, x, step), log_mass(tails, x + step, upper, step)
    return below - mass, above - mass


{LOG_MASS}'''

ZERO_TAILS = '''\
def zero_tails(x, tails, logits):
    """Log probabilities with an extra share of zeros: at or below x, and above x."""
    x, logits = jnp.asarray(x), 1.0 * jnp.asarray(logits)
    log_share, log_rest = -jax.nn.softplus(-logits), -jax.nn.softplus(logits)
    below, above = tails(x)
    return (
        jnp.logaddexp(log_rest + below, jnp.where(x >= 0, log_share, -1e300)),
        jnp.logaddexp(log_rest + above, jnp.where(x >= 0, -1e300, log_share)),
    )
'''

MIXTURE_TAILS = '''\
def mixture_tails(x, weights, tails):
    """Log probabilities of a mixture: at or below x, and above x."""
    below, above = -1e300, -1e300
    for weight, own in zip(weights, tails):
        own_below, own_above = own(x)
        below = jnp.logaddexp(below, jnp.log(weight) + own_below)
        above = jnp.logaddexp(above, jnp.log(weight) + own_above)
    return below, above
'''

_AREA = '''\
def log_area_below(t, f, slope, mode, sd, *parameters):
    """Log of the integral of exp(f(u, *parameters)) over u below t; f is concave.

    Gauss-Legendre on each side of the mode, out to where f has fallen by 40, the points denser near
    the mode by u = sinh: good to about 1e-8, in the far tails too. `slope` is f's derivative, `sd`
    the width of its peak.
    """
    points, weights = np.polynomial.legendre.leggauss(40)
    step = jnp.minimum(1.0, sd)
    top = jnp.minimum(t, mode)
    reach = [step * far for far in (1.0, 4.0, 16.0, 64.0)]
    left, right = reach[-1] + 1e9, reach[-1] + 1e9
    for far in reach:
        left = jnp.minimum(left, far + 40.0 / slope(top - far, *parameters))
        right = jnp.minimum(right, far - 40.0 / slope(mode + far, *parameters))
    right = jnp.minimum(right, jnp.where(t > mode, t - mode, 1.0))
    pieces = []
    for start, sign, width in ((top, -1.0, left), (mode, 1.0, right)):
        stretch = jnp.arcsinh(width / step)
        angle = stretch[..., None] * (0.5 * (points + 1.0))
        u = start[..., None] + sign * step[..., None] * jnp.sinh(angle)
        scale = jnp.log(step * stretch)[..., None] + jnp.log(jnp.cosh(angle))
        pieces.append(f(u, *(p[..., None] for p in parameters)) + scale + np.log(0.5 * weights))
    pieces[1] = jnp.where((t > mode)[..., None], pieces[1], -np.inf)
    return jax.scipy.special.logsumexp(jnp.concatenate(pieces, axis=-1), axis=-1)
'''

_BETA = '''\
def log_beta_cdf(a, b, logit):
    """Log of the regularized incomplete beta function I_x(a, b), x by its log odds.

    1 where a is 0, 0 where b is 0. The integral is over the log odds, where it is log-concave.
    """
    a, b, logit = jnp.broadcast_arrays(a, b, logit)
    p, q = jnp.where(a > 0.0, a, 1.0), jnp.where(b > 0.0, b, 1.0)
    area = log_area_below(
        jnp.clip(logit, -700.0, 700.0),
        lambda u, p, q: -p * jax.nn.softplus(-u) - q * jax.nn.softplus(u),
        lambda u, p, q: p * jax.nn.sigmoid(-u) - q * jax.nn.sigmoid(u),
        jnp.log(p) - jnp.log(q),
        jnp.sqrt(1.0 / p + 1.0 / q),
        p,
        q,
    )
    gammaln = jax.scipy.special.gammaln
    log_beta = gammaln(p) + gammaln(q) - gammaln(p + q)
    inside = jnp.minimum(area - log_beta, 0.0)
    return jnp.where(b > 0.0, jnp.where(a > 0.0, inside, 0.0), -np.inf)
'''

_GAMMA = '''\
def log_gamma_cdf(a, x):
    """Log of the regularized lower incomplete gamma function P(a, x); 1 where a is 0.

    The integral is over log x, where it is log-concave.
    """
    a, x = jnp.broadcast_arrays(a, x)
    p = jnp.where(a > 0.0, a, 1.0)
    area = log_area_below(
        jnp.log(jnp.maximum(x, 1e-300)),
        lambda u, p: p * u - jnp.exp(jnp.minimum(u, 300.0)),
        lambda u, p: p - jnp.exp(jnp.minimum(u, 300.0)),
        jnp.log(p),
        1.0 / jnp.sqrt(p),
        p,
    )
    inside = jnp.minimum(area - jax.scipy.special.gammaln(p), 0.0)
    return jnp.where(a > 0.0, inside, 0.0)


def log_gamma_survival(a, x):
    """Log of the regularized upper incomplete gamma function Q(a, x); 0 where a is 0."""
    a, x = jnp.broadcast_arrays(a, x)
    p = jnp.where(a > 0.0, a, 1.0)
    area = log_area_below(
        -jnp.log(jnp.maximum(x, 1e-300)),
        lambda u, p: -p * u - jnp.exp(jnp.minimum(-u, 300.0)),
        lambda u, p: jnp.exp(jnp.minimum(-u, 300.0)) - p,
        -jnp.log(p),
        1.0 / jnp.sqrt(p),
        p,
    )
    inside = jnp.minimum(area - jax.scipy.special.gammaln(p), 0.0)
    return jnp.where(a > 0.0, inside, -np.inf)
'''

_T = '''\
def log_t_cdf(nu, t):
    """Log of Student's t distribution function, by the incomplete beta function."""
    odds = jnp.log(nu) - jnp.log(jnp.maximum(t**2, 1e-300))
    half = log_beta_cdf(0.5 * nu, 0.5, odds) - np.log(2.0)
    return jnp.where(t < 0.0, half, jnp.log1p(-jnp.exp(half)))
'''


@dataclass(frozen=True)
class TailFunction:
    """One function of the distribution functions: ``source`` defines it, in JAX's words."""

    name: str
    source: str
    doc: str

    def definition(self, is_pytensor: bool) -> str:
        """The definitions that a generated file must hold, the function itself and what it calls.

        >>> TAIL_FUNCTIONS["log1mexp"].definition(is_pytensor=True).splitlines()[2]
        '    near = x > -0.7'
        """
        return in_pytensor(self.source) if is_pytensor else self.source


_PYTENSOR = (
    ("jax.scipy.special.", "pt."),
    ("jax.nn.", "pt."),
    ("jnp.where", "pt.switch"),
    ("jnp.asarray", "pt.as_tensor"),
    ("jnp.", "pt."),
)


def in_pytensor(source: str) -> str:
    """A source in JAX's words in PyTensor's.

    >>> in_pytensor("jnp.where(x > 0, jnp.log(x), 0)")
    'pt.switch(x > 0, pt.log(x), 0)'
    """
    for word, other in _PYTENSOR:
        source = source.replace(word, other)
    return source


_BY_AREA = "\n\n".join((_AREA, _BETA))

TAIL_FUNCTIONS: Mapping[str, TailFunction] = {
    row.name: row
    for row in (
        TailFunction("log1mexp", LOG1MEXP, "`log(1 - exp(x))` of a negative x."),
        TailFunction("log_beta_cdf", _BY_AREA, "Log of the incomplete beta function."),
        TailFunction(
            "log_gamma_cdf",
            "\n\n".join((_AREA, _GAMMA)),
            "Log of the lower incomplete gamma function.",
        ),
        TailFunction(
            "log_gamma_survival",
            "\n\n".join((_AREA, _GAMMA)),
            "Log of the upper incomplete gamma function.",
        ),
        TailFunction("log_t_cdf", "\n\n".join((_BY_AREA, _T)), "Log of the t distribution's cdf."),
    )
}
"""The functions that ``log_cdf`` and ``log_survival`` of a family use besides the language's."""
