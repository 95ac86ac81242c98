"""The algebra of Gaussian effects that a generated file defines, each function where it is called.

They are source text, the same for both libraries but for the names of their modules: ``{np}`` is
the array module, ``{sum}`` how values are added up by group, ``{noise}`` a standard normal draw.
Arrays of matrices have the groups last, so that every step runs along contiguous memory.
"""

from hdsl.backends.helper import Helper
from hdsl.families.functions import Library

REDUCED_ROWS = '''\
def reduced_rows(columns, outcome, group, size, scale=1.0):
    """The rows of each group, rotated until no more are left than there are columns.

    Where X = Q R, every sum of squares stays: |y - X b|^2 = |Q'y - R b|^2 + rest (the QR
    decomposition: Golub and Van Loan, Matrix Computations, 5.3); no digits are lost as in X'X.
    Gives R (rows, columns, groups), Q'y (rows, groups), the rest, the number of rows and the
    log density's constant (groups,); `scale` divides the rows.
    """
    table = np.column_stack([*(np.broadcast_to(c, outcome.shape) for c in columns), outcome])
    scale = np.broadcast_to(scale, outcome.shape)
    count = np.bincount(group, minlength=size)
    order = np.argsort(group, kind="stable")
    table = (table / scale[:, None])[order]
    width = table.shape[1]
    triangle = np.zeros((size, width, width))
    height = 2 ** np.ceil(np.log2(np.maximum(count, 1))).astype(int)
    first = np.cumsum(count) - count
    for rows in np.unique(height[count > 0]):  # groups of about one size at once
        some = np.flatnonzero((height == rows) & (count > 0))
        known = np.arange(rows) < count[some][:, None]
        place = np.where(known, first[some][:, None] + np.arange(rows), 0)
        found = np.linalg.qr(np.where(known[:, :, None], table[place], 0), mode="r")
        triangle[some, : found.shape[1]] = found
    kept = min(width - 1, int(height.max(initial=1)))
    constant = -np.bincount(group, np.log(scale), size) - count * np.log(2 * np.pi) / 2
    return (
        np.ascontiguousarray(np.moveaxis(triangle[:, :kept, :-1], 0, -1)),
        np.ascontiguousarray(triangle[:, :kept, -1].T),
        triangle[:, -1, -1] ** 2,
        count.astype(float),
        constant,
    )
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

OF_ROWS = '''\
def of_rows(rows, outcome, rest, count, constant, mean, sigma):
    """The log density of each group's rows as a function of b, what is added to the coefficients.

    It is level + slope'b - b'curve b / 2, for outcome ~ normal(rows @ (mean + b), sigma): level
    (groups,), slope (columns, groups), curve (columns, columns, groups).
    """
    rows = rows / sigma
    residual = outcome / sigma - (rows * mean[:, None]).sum(axis=1)
    squares = rest / sigma**2 + (residual**2).sum(axis=0)
    level = constant - count * {np}.log(sigma) - squares / 2
    slope = (rows * residual[:, None]).sum(axis=0)
    curve = (rows[:, :, None] * rows[:, None]).sum(axis=0)
    return level, slope, curve
'''

OF_RESIDUALS = '''\
def of_residuals(table, residual, group, squares, count, constant, mean, sigma):
    """The log density of each group's rows as a function of b, what is added to the coefficients.

    It is level + slope'b - b'curve b / 2, for residual ~ normal(table @ (mean + b), sigma): level
    (groups,), slope (columns, groups), curve (columns, columns, groups).
    """
    residual = residual - (table * mean).sum(axis=1)
    size = count.shape[0]
    squared = {sum_residual}
    level = constant - count * {np}.log(sigma) - squared / sigma**2 / 2
    slope = {sum_slope}.T / sigma**2
    return level, slope, squares / sigma**2
'''

ELIMINATE = '''\
def eliminate(density, places, factor):
    """Integrates normal effects out: b gains factor @ z at `places`, z ~ normal(0, 1) by group.

    Completing the square in z leaves a function of the same form and a normal distribution of z
    whose precision 1 + factor'curve factor is as small as z is long (the Woodbury identity:
    Rasmussen and Williams, Gaussian Processes for Machine Learning, A.9 and A.10).
    """
    level, slope, curve = density
    size = len(places)
    side = (curve[:, places, None] * factor[:, :, None]).sum(axis=1)
    inner = (factor[:, :, None, None] * side[places][:, None]).sum(axis=0)
    root = cholesky({np}.eye(size)[:, :, None] + inner, size)
    half = solved(root, {np}.moveaxis(side, 0, 1), size)
    middle = solved(root, (factor[:, :, None] * slope[places][:, None]).sum(axis=0), size)
    diagonal = {np}.stack([root[i, i] for i in range(size)])
    level = level + (middle**2).sum(axis=0) / 2 - {np}.log(diagonal).sum(axis=0)
    slope = slope - (half * middle[:, None]).sum(axis=0)
    curve = curve - (half[:, :, None] * half[:, None]).sum(axis=0)
    return (level, slope, curve), (root, half, middle)
'''

CHOLESKY = '''\
def cholesky(matrix, size):
    """Cholesky factors (size, size, groups) of small positive matrices, column by column."""
    columns = []
    for i in range(size):
        below = np.arange(size)[:, None] >= i
        column = {np}.where(below, matrix[:, i] / {np}.sqrt(matrix[i, i]), 0.0)
        matrix = matrix - column[:, None] * column[None]
        columns.append(column)
    return {np}.stack(columns, axis=1)
'''

SOLVED = '''\
def solved(root, right, size):
    """x such that root x = right, for lower triangular roots (size, size, groups)."""
    found = []
    for i in range(size):
        rest = right[i]
        for j, earlier in enumerate(found):
            rest = rest - root[i, j] * earlier
        found.append(rest / root[i, i])
    return {np}.stack(found)
'''

OVER_ALL = '''\
def over_all(density):
    """The functions of all groups added up, as that of one group."""
    return tuple(part.sum(axis=-1)[..., None] for part in density)
'''

OVER_GROUPS = '''\
def over_groups(density, group, size):
    """The functions of the groups inside each coarser one added up."""
    level, slope, curve = density
    width = slope.shape[0]
    parts = {np}.concatenate([level[None], slope, curve.reshape((width * width, -1))]).T
    sums = {sum_parts}.T
    return sums[0], sums[1 : width + 1], sums[width + 1 :].reshape((width, width, size))
'''

DRAWN = '''\
def drawn(effects, above, {source}):
    """Standard normal effects of each group, (effects, groups), given the data and `above`.

    `above` (columns, groups) is what coarser effects add to the coefficients: with root' z =
    middle - half above + noise, z has the mean and the precision that `eliminate` found.
    """
    root, half, middle = effects
    right = middle - (half * above[None]).sum(axis=1)
    right = right + {noise}
    found = []
    for i in reversed(range(len(right))):
        rest = right[i]
        for j, later in enumerate(reversed(found), start=i + 1):
            rest = rest - root[j, i] * later
        found.append(rest / root[i, i])
    return {draws}.stack(found[::-1])
'''

ADDED = '''\
def added(above, places, factor, effects):
    """`above` (columns, groups) with factor @ effects added at `places`."""
    moves = (factor[:, :, None] * effects[None]).sum(axis=1)
    return {add}
'''

BY_GROUP = '''\
def by_group(rows, size):
    """A matrix of numbers, or of arrays with one for each group: (rows, columns, groups)."""
    columns = [[{np}.broadcast_to({np}.asarray(x), (size,)) for x in row] for row in rows]
    return {np}.stack([{np}.stack(row) for row in columns])
'''

PARTED = '''\
def parted(loadings, factor, totals, {source}):
    """Standard normal effects of each group, (effects, groups), given what they add up to.

    With S = loadings @ factor and S z = totals, a free draw z is moved onto the totals, by
    S' (S S')^-1 (totals - S z): Matheron's rule, exact for normal variables (Journel and
    Huijbregts, Mining Geostatistics, 1978, VII.A.1).
    """
    side = (loadings[:, :, None] * factor[None, :, :, None]).sum(axis=1)
    right = side[0]
    free = {noise}
    gap = totals - (side * free[None]).sum(axis=1)
    root = {cholesky}((side[:, None] * side[None]).sum(axis=2), len(totals))
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
    return free + (side * {draws}.stack(found)[:, None]).sum(axis=0)
'''

_JAX = {
    "np": "jnp",
    "cholesky": "cholesky",
    "add": "jnp.broadcast_to(above, (len(above), moves.shape[1])).at[places].add(moves)",
    "draws": "jnp",
    "sum_residual": "jax.ops.segment_sum(residual**2, group, size)",
    "sum_slope": "jax.ops.segment_sum(table * residual[:, None], group, size)",
    "sum_parts": "jax.ops.segment_sum(parts, group, size)",
    "source": "key",
    "noise": "jax.random.normal(key, right.shape)",
}
_PYTENSOR = {
    "np": "pt",
    "cholesky": "cholesky_of_draws",
    "add": "above + np.eye(len(above))[:, places] @ moves",
    "draws": "np",
    "sum_residual": "pt.inc_subtensor(pt.zeros(size)[group], residual**2)",
    "sum_slope": "pt.inc_subtensor(pt.zeros((size, table.shape[1]))[group], "
    "table * residual[:, None])",
    "sum_parts": "pt.inc_subtensor(pt.zeros((size, parts.shape[1]))[group], parts)",
    "source": "rng",
    "noise": "rng.standard_normal(right.shape)",
}

_NEEDS = {
    "eliminate": ("cholesky", "solved"),
    "parted": ("cholesky",),
}


def kernels(library: Library) -> dict[str, Helper]:
    """All of them by name, as text for a library."""
    words = _PYTENSOR if library is Library.PYMC else _JAX
    sources = (
        *(REDUCED_ROWS, TABLE, GRAMS, OF_ROWS, OF_RESIDUALS, ELIMINATE, CHOLESKY, SOLVED),
        *(OVER_ALL, OVER_GROUPS, DRAWN, ADDED, BY_GROUP, PARTED),
    )
    found = {}
    for source in sources:
        for word, text in words.items():
            source = source.replace(f"{{{word}}}", text)
        name = source.removeprefix("def ").partition("(")[0]
        found[name] = Helper(source, _NEEDS.get(name, ()))
    return found
