"""Code that a generated file holds where a backend lacks a distribution or has it inaccurate."""

from hdsl.families.functions import LOG_NORMAL_CDF

NUMPYRO_SKEW_NORMAL = '''\
class SkewNormal(dist.Distribution):
    """Skew normal distribution: 2 / sigma * phi(z) * Phi(alpha * z), z = (x - mu) / sigma."""

    arg_constraints = {
        "mu": dist.constraints.real,
        "sigma": dist.constraints.positive,
        "alpha": dist.constraints.real,
    }
    support = dist.constraints.real

    def __init__(self, mu, sigma, alpha, *, validate_args=None):
        self.mu, self.sigma, self.alpha = jnp.broadcast_arrays(mu, sigma, alpha)
        super().__init__(batch_shape=jnp.shape(self.mu), validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        u, v = jax.random.normal(key, (2, *sample_shape, *self.batch_shape))
        z = (self.alpha * jnp.abs(u) + v) / jnp.sqrt(1.0 + self.alpha**2)
        return self.mu + self.sigma * z

    def log_prob(self, value):
        z = (value - self.mu) / self.sigma
        log_normal = -0.5 * z**2 - jnp.log(self.sigma) - 0.5 * jnp.log(0.5 * jnp.pi)
        return log_normal + jax.scipy.special.log_ndtr(self.alpha * z)
'''

NUMPYRO_GEOMETRIC = '''\
class TrialsToSuccess(dist.GeometricLogits):
    """Geometric distribution from 1: the number of the trial that is the first success."""

    support = dist.constraints.positive_integer

    def sample(self, key, sample_shape=()):
        return 1.0 + super().sample(key, sample_shape)

    def log_prob(self, value):
        return self.logits - value * jax.nn.softplus(self.logits)

    @property
    def mean(self):
        return 1.0 / self.probs
'''

NUMPYRO_BETABINOMIAL = '''\
class BetaBinomial(dist.BetaBinomial):
    """Beta-binomial distribution by gamma functions (jax's betaln is off in the sixth digit)."""

    def log_prob(self, value):
        n, a, b = self.total_count, self.concentration1, self.concentration0
        log_choose = -jnp.log(n + 1.0) - log_beta(value + 1.0, n - value + 1.0)
        return log_choose + log_beta(value + a, n - value + b) - log_beta(a, b)


def log_beta(a, b):
    """Log of the beta function."""
    gammaln = jax.scipy.special.gammaln
    return gammaln(a) + gammaln(b) - gammaln(a + b)
'''

PYMC_SKEW_NORMAL = (
    LOG_NORMAL_CDF
    + '''

def skew_normal_logp(value, mu, sigma, alpha):
    """Log density of the skew normal distribution, accurate in both tails."""
    z = (value - mu) / sigma
    log_normal = -0.5 * z**2 - pt.log(sigma) - 0.5 * np.log(0.5 * np.pi)
    return log_normal + log_normal_cdf(alpha * z)


def skew_normal_draw(mu, sigma, alpha, rng=None, size=None):
    """Draws of the skew normal distribution."""
    if size is None:
        size = np.broadcast_shapes(np.shape(mu), np.shape(sigma), np.shape(alpha))
    u, v = rng.normal(size=(2, *size))
    return mu + sigma * (alpha * np.abs(u) + v) / np.sqrt(1.0 + alpha**2)


def SkewNormal(name, mu, sigma, alpha, **options):
    """Skew normal distribution (PyMC's own loses its gradient in the tail)."""
    return pm.CustomDist(
        name, mu, sigma, alpha, logp=skew_normal_logp, random=skew_normal_draw, **options
    )
'''
)
