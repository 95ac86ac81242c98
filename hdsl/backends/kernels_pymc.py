"""The kernels that PyTensor spells otherwise than JAX: see ``kernels``.

A draw is of a site of standard normal noise, whose name it is given.
"""

OF_RESIDUALS = '''\
def of_residuals(table, residual, group, squares, count, constant, mean, sigma):
    """The log density of each group's rows as a function of b, what is added to the coefficients.

    It is level + slope'b - b'curve b / 2, for residual ~ normal(table @ (mean + b), sigma): level
    (groups,), slope (columns, groups), curve (columns, columns, groups).
    """
    residual = residual - (table * mean).sum(axis=1)
    size = len(count)
    squared = sums_of_groups(residual**2, group, size)
    level = constant - count * pt.log(sigma) - squared / sigma**2 / 2
    slope = sums_of_groups(table.T * residual, group, size) / sigma**2
    return level, slope, squares / sigma**2
'''

POPULATION = '''\
def eliminate_population(density, places, sd):
    """Integrates what all groups share out: `sd` z at `places`, z ~ normal(0, 1).

    The same as for the effects of groups, of one group: the log density that is left, and the
    Cholesky factor of the precision of z with the middle that it draws z from.
    """
    level, slope, curve = (part.sum(axis=-1) for part in density)
    precision = pt.eye(len(places)) + sd[:, None] * curve[places][:, places] * sd
    root = pt.linalg.cholesky(precision)
    middle = pt.linalg.solve_triangular(root, sd * slope[places], lower=True)
    level = level + (middle**2).sum() / 2 - pt.log(pt.diagonal(root)).sum()
    return level, (root, middle)
'''

OVER_GROUPS = '''\
def over_groups(density, group, size):
    """The functions of the groups inside each coarser one added up."""
    return [sums_of_groups(part, group, size) for part in density]
'''

SUMS_OF_GROUPS = '''\
def sums_of_groups(values, group, size):
    """The values (..., members) of the members of each group added up: (..., groups)."""
    values = values.T
    empty = pt.zeros((size, *values.type.shape[1:]))
    return pt.inc_subtensor(empty[group], values).T
'''

DRAWN = '''\
def drawn(effects, above, noise):
    """Standard normal effects of each group, (effects, groups), given the data and `above`.

    `above` (columns, groups) is what coarser effects add to the coefficients: with root' z =
    middle - half above + noise, z has the mean and the precision that `eliminate` found.
    """
    roots, halves, middles = effects
    right = pt.stack([m - (h * above).sum(axis=0) for m, h in zip(middles, halves)])
    right = right + pm.Normal(noise, shape=right.type.shape)
    found = []
    for i in reversed(range(len(roots))):
        rest = right[i]
        for j, later in enumerate(reversed(found), start=i + 1):
            rest = rest - roots[j][i] * later
        found.append(rest / roots[i][i])
    return pt.stack(found[::-1])
'''

DRAWN_POPULATION = '''\
def drawn_population(effects, noise):
    """Standard normal effects of the population, given the data: root' z = middle + noise."""
    root, right = effects
    right = right + pm.Normal(noise, shape=right.type.shape)
    return pt.linalg.solve_triangular(root.T, right, lower=False)
'''

ADDED = '''\
def added(above, places, factor, effects):
    """`above` (columns, groups) with factor @ effects added at `places`."""
    moves = (factor[:, :, None] * effects[None]).sum(axis=1)
    above = pt.broadcast_to(above, (above.type.shape[0], moves.type.shape[1]))
    return pt.inc_subtensor(above[places], moves)
'''

BY_GROUP = '''\
def by_group(rows, size):
    """A matrix of numbers, or of arrays with one for each group: (rows, columns, groups)."""
    columns = [[pt.broadcast_to(pt.as_tensor(x), (size,)) for x in row] for row in rows]
    return pt.stack([pt.stack(row) for row in columns])
'''

PARTED = '''\
def parted(loadings, factor, totals, noise):
    """Standard normal effects of each group, (effects, groups), given what they add up to.

    With S = loadings @ factor and S z = totals, a free draw z is moved onto the totals, by
    S' (S S')^-1 (totals - S z): Matheron's rule, exact for normal variables (Journel and
    Huijbregts, Mining Geostatistics, 1978, VII.A.1).
    """
    side = (loadings[:, :, None] * factor[None, :, :, None]).sum(axis=1)
    size = totals.type.shape[0]
    free = pm.Normal(noise, shape=side.type.shape[1:])
    gap = totals - (side * free[None]).sum(axis=1)
    root = cholesky((side[:, None] * side[None]).sum(axis=2), size)
    found = []
    for i in range(size):
        rest = gap[i]
        for j, earlier in enumerate(found):
            rest = rest - root[i, j] * earlier
        found.append(rest / root[i, i])
    for i in reversed(range(size)):
        rest = found[i]
        for j in range(i + 1, size):
            rest = rest - root[j, i] * found[j]
        found[i] = rest / root[i, i]
    return free + (side * pt.stack(found)[:, None]).sum(axis=0)
'''

DRAWS = (DRAWN, DRAWN_POPULATION, ADDED, BY_GROUP, PARTED)
