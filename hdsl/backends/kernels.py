"""The algebra of Gaussian effects that a generated file defines, each function where it is called.

They are source text: for NumPy those of `condense`, the others for JAX and, where it is not the
module's name alone that differs, for PyTensor in ``kernels_pymc``. Arrays of matrices have the
groups last, so that every step runs along contiguous memory.
"""

from collections.abc import Mapping

from hdsl.backends import kernels_pymc
from hdsl.backends.helper import Helper
from hdsl.families.functions import Library

SUMS = '''\
def sums_by_group(columns, outcome, group, size, scale=1.0):
    """All that a normal density of each group's rows needs to know of them.

    With r = outcome - columns @ reference, the least-squares coefficients of all rows, which
    keeps the sums free of large numbers that cancel (Golub and Van Loan, Matrix Computations,
    5.3): X'X (columns, columns, groups), X'r (columns, groups), r'r, the number of rows and the
    log density's constant (groups,), and the reference (columns,). `scale` divides the rows.
    """
    scale = np.broadcast_to(scale, outcome.shape)
    table = np.column_stack([np.broadcast_to(column, outcome.shape) for column in columns])
    table, outcome = table / scale[:, None], outcome / scale
    reference = np.linalg.lstsq(table, outcome, rcond=None)[0]
    residual = outcome - table @ reference
    width = table.shape[1]
    products = [
        [np.bincount(group, table[:, i] * table[:, j], size) for j in range(width)]
        for i in range(width)
    ]
    slopes = [np.bincount(group, table[:, i] * residual, size) for i in range(width)]
    count = np.bincount(group, minlength=size).astype(float)
    constant = -np.bincount(group, np.log(scale), size) - count * np.log(2 * np.pi) / 2
    squares = np.bincount(group, residual**2, size)
    return np.array(products), np.array(slopes), squares, count, constant, reference
'''

TABLE = '''\
def side_by_side(columns, outcome, scale=1.0):
    """The columns of a predictor as one table, divided by the scale of each row."""
    table = np.column_stack([np.broadcast_to(column, outcome.shape) for column in columns])
    return table / np.broadcast_to(scale, outcome.shape)[:, None]
'''

GRAMS = '''\
def squares(table, group, size, scale=1.0):
    """X'X of each group's rows (columns, columns, groups), their number, and the log density's
    constant (groups,).
    """
    products = table[:, :, None] * table[:, None, :]
    width = table.shape[1]
    sums = [np.bincount(group, each, size) for each in products.reshape(len(table), -1).T]
    count = np.bincount(group, minlength=size)
    scale = np.broadcast_to(scale, len(table))
    constant = -np.bincount(group, np.log(scale), size) - count * np.log(2 * np.pi) / 2
    return np.reshape(sums, (width, width, size)), count.astype(float), constant
'''

OF_SUMS = '''\
def of_sums(products, slopes, squares, count, constant, reference, mean, sigma):
    """The log density of each group's rows as a function of b, what is added to the coefficients.

    It is level + slope'b - b'curve b / 2, for outcome ~ normal(rows @ (mean + b), sigma): level
    (groups,), slope (columns, groups), curve (columns, columns, groups).
    """
    shift = mean - reference
    moved = (products * shift[:, None]).sum(axis=1)
    squares = squares + (shift[:, None] * (moved - 2 * slopes)).sum(axis=0)
    level = constant - count * jnp.log(sigma) - squares / (2 * sigma**2)
    return level, (slopes - moved) / sigma**2, products / sigma**2
'''

OF_RESIDUALS = '''\
def of_residuals(table, residual, group, squares, count, constant, mean, sigma):
    """The log density of each group's rows as a function of b, what is added to the coefficients.

    It is level + slope'b - b'curve b / 2, for residual ~ normal(table @ (mean + b), sigma): level
    (groups,), slope (columns, groups), curve (columns, columns, groups).
    """
    residual = residual - (table * mean).sum(axis=1)
    size = count.shape[0]
    squared = jax.ops.segment_sum(residual**2, group, size)
    level = constant - count * jnp.log(sigma) - squared / sigma**2 / 2
    slope = jax.ops.segment_sum(table * residual[:, None], group, size).T / sigma**2
    return level, slope, squares / sigma**2
'''

ELIMINATE = '''\
def eliminate(density, places, factor):
    """Integrates normal effects out: b gains factor @ z at `places`, z ~ normal(0, 1) by group.

    Completing the square in z leaves a function of the same form and a normal distribution of z
    whose precision 1 + factor'curve factor is as small as z is long (the Woodbury identity:
    Rasmussen and Williams, Gaussian Processes for Machine Learning, A.9 and A.10). Its Cholesky
    factor is made entry by entry, for all groups at once.
    """
    level, slope, curve = density
    known = range(len(places))
    roots, halves, middles = [], [], []
    for i in known:
        half = sum(curve[:, places[k]] * factor[k, i] for k in known)
        middle = sum(slope[places[k]] * factor[k, i] for k in known)
        inner = [sum(factor[k, j] * half[places[k]] for k in known) for j in range(i + 1)]
        row = []
        for j in range(i):
            row.append((inner[j] - sum(row[k] * roots[j][k] for k in range(j))) / roots[j][j])
        for j in range(i):
            half = half - row[j] * halves[j]
            middle = middle - row[j] * middles[j]
        row.append(jnp.sqrt(1 + inner[i] - sum(entry**2 for entry in row)))
        roots.append(row)
        halves.append(half / row[i])
        middles.append(middle / row[i])
    volume = math.prod(roots[i][i] for i in known)  # one logarithm costs as much as all the rest
    level = level + sum(middle**2 for middle in middles) / 2 - jnp.log(volume)
    for i in known:
        slope = slope - halves[i] * middles[i]
        curve = curve - halves[i][:, None] * halves[i][None]
    return (level, slope, curve), (roots, halves, middles)
'''

POPULATION = '''\
def eliminate_population(density, places, sd):
    """Integrates what all groups share out: `sd` z at `places`, z ~ normal(0, 1).

    The same as for the effects of groups, of one group: the log density that is left, and the
    Cholesky factor of the precision of z with the middle that it draws z from.
    """
    level, slope, curve = (part.sum(axis=-1) for part in density)
    precision = jnp.eye(len(places)) + sd[:, None] * curve[places][:, places] * sd
    root = jnp.linalg.cholesky(precision)
    middle = jax.scipy.linalg.solve_triangular(root, sd * slope[places], lower=True)
    level = level + (middle**2).sum() / 2 - jnp.log(jnp.diag(root)).sum()
    return level, (root, middle)
'''

OVER_GROUPS = '''\
def over_groups(density, group, size):
    """The functions of the groups inside each coarser one added up."""
    level, slope, curve = density
    width = slope.shape[0]
    parts = jnp.concatenate([level[None], slope, curve.reshape((width * width, -1))]).T
    sums = jax.ops.segment_sum(parts, group, size).T
    return sums[0], sums[1 : width + 1], sums[width + 1 :].reshape((width, width, size))
'''

DRAWN = '''\
def drawn(effects, above, key):
    """Standard normal effects of each group, (effects, groups), given the data and `above`.

    `above` (columns, groups) is what coarser effects add to the coefficients: with root' z =
    middle - half above + noise, z has the mean and the precision that `eliminate` found.
    """
    roots, halves, middles = effects
    right = jnp.stack([m - (h * above).sum(axis=0) for m, h in zip(middles, halves)])
    right = right + jax.random.normal(key, right.shape)
    found = []
    for i in reversed(range(len(roots))):
        rest = right[i]
        for j, later in enumerate(reversed(found), start=i + 1):
            rest = rest - roots[j][i] * later
        found.append(rest / roots[i][i])
    return jnp.stack(found[::-1])
'''

DRAWN_POPULATION = '''\
def drawn_population(effects, key):
    """Standard normal effects of the population, given the data: root' z = middle + noise."""
    root, right = effects
    right = right + jax.random.normal(key, right.shape)
    return jax.scipy.linalg.solve_triangular(root.T, right, lower=False)
'''

ADDED = '''\
def added(above, places, factor, effects):
    """`above` (columns, groups) with factor @ effects added at `places`."""
    moves = (factor[:, :, None] * effects[None]).sum(axis=1)
    return jnp.broadcast_to(above, (len(above), moves.shape[1])).at[places].add(moves)
'''

BY_GROUP = '''\
def by_group(rows, size):
    """A matrix of numbers, or of arrays with one for each group: (rows, columns, groups)."""
    columns = [[jnp.broadcast_to(jnp.asarray(x), (size,)) for x in row] for row in rows]
    return jnp.stack([jnp.stack(row) for row in columns])
'''

PARTED = '''\
def parted(loadings, factor, totals, key):
    """Standard normal effects of each group, (effects, groups), given what they add up to.

    With S = loadings @ factor and S z = totals, a free draw z is moved onto the totals, by
    S' (S S')^-1 (totals - S z): Matheron's rule, exact for normal variables (Journel and
    Huijbregts, Mining Geostatistics, 1978, VII.A.1).
    """
    side = (loadings[:, :, None] * factor[None, :, :, None]).sum(axis=1)
    right = side[0]
    free = jax.random.normal(key, right.shape)
    gap = totals - (side * free[None]).sum(axis=1)
    root = cholesky((side[:, None] * side[None]).sum(axis=2), len(totals))
    found = []
    for i in range(len(totals)):
        rest = gap[i]
        for j, earlier in enumerate(found):
            rest = rest - root[i, j] * earlier
        found.append(rest / root[i, i])
    for i in reversed(range(len(totals))):
        rest = found[i]
        for j in range(i + 1, len(totals)):
            rest = rest - root[j, i] * found[j]
        found[i] = rest / root[i, i]
    return free + (side * jnp.stack(found)[:, None]).sum(axis=0)
'''

CHOLESKY = '''\
def cholesky(matrix, size):
    """Cholesky factors (size, size, groups) of small positive matrices, column by column."""
    columns = []
    for i in range(size):
        below = np.arange(size)[:, None] >= i
        column = jnp.where(below, matrix[:, i] / jnp.sqrt(matrix[i, i]), 0.0)
        matrix = matrix - column[:, None] * column[None]
        columns.append(column)
    return jnp.stack(columns, axis=1)
'''

_NEEDS = {
    "parted": ("cholesky",),
    "of_residuals": ("sums_of_groups",),
    "over_groups": ("sums_of_groups",),
}


def _named(sources: tuple[str, ...]) -> dict[str, Helper]:
    names = [source.removeprefix("def ").partition("(")[0] for source in sources]
    calls = {n: tuple(c for c in _NEEDS.get(n, ()) if c in names) for n in names}
    return {n: Helper(s, calls[n]) for n, s in zip(names, sources, strict=True)}


def _for_pytensor(source: str) -> str:
    """A kernel whose functions PyTensor has by the same names."""
    return source.replace("jnp.", "pt.")


_CONDENSE = (SUMS, TABLE, GRAMS)
_DRAWS = (DRAWN, DRAWN_POPULATION, ADDED, BY_GROUP, PARTED)

KERNELS: Mapping[Library, Mapping[str, Helper]] = {
    Library.NUMPYRO: _named(
        (*_CONDENSE, OF_SUMS, OF_RESIDUALS, ELIMINATE, POPULATION, OVER_GROUPS, *_DRAWS, CHOLESKY)
    ),
    Library.PYMC: _named(
        (
            *(*_CONDENSE, _for_pytensor(OF_SUMS), kernels_pymc.OF_RESIDUALS),
            *(_for_pytensor(ELIMINATE), kernels_pymc.POPULATION, kernels_pymc.OVER_GROUPS),
            *(*kernels_pymc.DRAWS, _for_pytensor(CHOLESKY), kernels_pymc.SUMS_OF_GROUPS),
        )
    ),
}
"""All of them by library and name, in the order in which a file defines them."""
