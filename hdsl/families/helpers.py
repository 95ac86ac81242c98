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
    options |= {"logp": skew_normal_logp, "random": skew_normal_draw}
    if name is None:
        return pm.CustomDist.dist(mu, sigma, alpha, **options)
    return pm.CustomDist(name, mu, sigma, alpha, **options)
'''
)

NUMPYRO_WITH_BASELINE = '''\
def with_baseline(logits):
    """The log odds of all labels: those of the baseline, 0, stand first."""
    return jnp.concatenate([jnp.zeros_like(logits[..., :1]), logits], axis=-1)
'''

PYMC_WITH_BASELINE = '''\
def with_baseline(logits):
    """The log odds of all labels: those of the baseline, 0, stand first."""
    return pt.concatenate([pt.zeros_like(logits[..., 0])[..., None], logits], axis=-1)
'''

NUMPYRO_ORDERED_LOGISTIC = '''\
class OrderedLogistic(dist.Distribution):
    """Labels in order, from 0: P(x <= k) = expit(cut[k] - eta), accurate in both tails."""

    support = dist.constraints.nonnegative_integer
    pytree_data_fields = ("eta", "cut")

    def __init__(self, eta, cut, *, validate_args=None):
        self.eta, self.cut = eta, cut
        super().__init__(batch_shape=jnp.shape(eta), validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        shape = (*sample_shape, *self.batch_shape)
        latent = self.eta + jax.random.logistic(key, shape)
        return jnp.sum(latent[..., None] > self.cut, axis=-1)

    def log_prob(self, value):
        ends = jnp.concatenate([jnp.array([-jnp.inf]), self.cut, jnp.array([jnp.inf])])
        lower, upper = ends[value] - self.eta, ends[value + 1] - self.eta
        inside = jnp.log1p(-jnp.exp(lower - upper))
        return jax.nn.log_sigmoid(upper) + jax.nn.log_sigmoid(-lower) + inside
'''

PYMC_ORDERED_LOGISTIC = '''\
def ordered_logistic_logp(value, eta, cut):
    """Log probability of the ordered logistic distribution, accurate in both tails."""
    place, highest = pt.cast(value, "int64")[..., None], cut.shape[-1] - 1
    lower = pt.take_along_axis(cut, pt.maximum(place - 1, 0), axis=-1)[..., 0]
    upper = pt.take_along_axis(cut, pt.minimum(place, highest), axis=-1)[..., 0]
    first, last = pt.eq(value, 0), pt.gt(value, highest)
    above = pt.switch(first, 0.0, -pt.softplus(lower - eta))
    below = pt.switch(last, 0.0, -pt.softplus(eta - upper))
    width = pt.switch(pt.or_(first, last), 1.0, upper - lower)
    return above + below + pt.switch(pt.or_(first, last), 0.0, pt.log1p(-pt.exp(-width)))


def ordered_logistic_draw(eta, cut, rng=None, size=None):
    """Draws of the ordered logistic distribution."""
    latent = eta + rng.logistic(size=np.shape(eta) if size is None else size)
    return np.sum(latent[..., None] > cut, axis=-1)


def OrderedLogistic(name, eta, cut, **options):
    """Labels in order, from 0: P(x <= k) = expit(cut[k] - eta)."""
    functions = {"logp": ordered_logistic_logp, "random": ordered_logistic_draw}
    return pm.CustomDist(
        name, eta, cut, signature="(),(k)->()", dtype="int64", **functions, **options
    )
'''
