"""What generated files define to put columns side by side: see ``helpers``."""

from hdsl.backends.helper import Helper

UNDER = '''\
def under(name, labels):
    """Labels under a name of their own: `name:label`."""
    return [f"{name}:{label}" for label in labels]
'''

ONEHOT = '''\
def onehot(name, values, learned, order=()):
    """A column of 0 and 1 for every label that the training data have, and their names."""
    key, present = f"onehot({name})", np.flatnonzero(values != "")
    found = set(values[present].tolist())
    if key not in learned:
        learned[key] = [label for label in order if label in found] or sorted(found, key=natural)
    place = {label: i for i, label in enumerate(learned[key])}
    unseen = sorted(found - set(place), key=natural)
    if unseen:
        raise ValueError(f"labels of {name!r} that the training data do not have: {unseen[:5]}")
    matrix = np.zeros((len(values), len(place)))
    matrix[present, [place[label] for label in values[present].tolist()]] = 1.0
    return matrix, [f"{name}:{label}" for label in place]
'''

DUMMIES = '''\
def dummies(name, values, baseline, learned, order=()):
    """A column of 0 and 1 for every label but the baseline (None: the first), and their names."""
    matrix, names = onehot(name, values, learned, order)
    left_out = names[0] if baseline is None else f"{name}:{baseline}"
    if left_out not in names:
        raise ValueError(f"no row has the baseline {baseline!r} of {name!r}")
    kept = [i for i, label in enumerate(names) if label != left_out]
    return matrix[:, kept], [names[i] for i in kept]
'''

SPLINE = '''\
def spline(name, x, df, learned):
    """A natural cubic spline in `df` columns, and their names.

    Knots at quantiles of the distinct values, straight beyond the outermost two (Hastie, Tibshirani
    and Friedman, The Elements of Statistical Learning, 2009, equation 5.4), turned so that in the
    training data the columns have mean 0 and sd 1 and are uncorrelated.
    """
    if name not in learned:
        distinct = np.unique(x)
        if len(distinct) <= df:
            raise ValueError(f"{name!r} needs more than {df} distinct values")
        learned[name] = {"knots": np.quantile(distinct, np.linspace(0, 1, df + 1)).tolist()}
    low, *_, high = learned[name]["knots"]
    at, knots = (x - low) / (high - low), (np.array(learned[name]["knots"]) - low) / (high - low)

    def beyond(knot):
        return (np.maximum(at - knot, 0) ** 3 - np.maximum(at - 1, 0) ** 3) / (1 - knot)

    basis = np.column_stack([at, *(beyond(knot) - beyond(knots[-2]) for knot in knots[: df - 1])])
    if "turn" not in learned[name]:
        centre = basis.mean(axis=0)
        upper = np.linalg.qr(basis - centre)[1]
        turn = np.linalg.inv(upper) * np.sign(np.diag(upper)) * np.sqrt(len(x) - 1)
        learned[name] |= {"centre": centre.tolist(), "turn": turn.tolist()}
    matrix = (basis - np.array(learned[name]["centre"])) @ np.array(learned[name]["turn"])
    return matrix, [f"{name}:{i + 1}" for i in range(df)]
'''

SPREAD = '''\
def spread(name, values, owners, learned, *by):
    """A column for every owner with its value in the same place, and their names.

    Rows are in one place where all labels of `by` agree.
    """
    key = f"spread({name})"
    if key not in learned:
        learned[key] = sorted(set(owners.tolist()), key=natural)
    column_of = {owner: i for i, owner in enumerate(learned[key])}
    unseen = sorted(set(owners.tolist()) - set(column_of), key=natural)
    if unseen:
        raise ValueError(f"labels that the training data do not have: {unseen[:5]}")
    number = {}
    place = [number.setdefault(p, len(number)) for p in zip(*(labels.tolist() for labels in by))]
    owner = [column_of[label] for label in owners.tolist()]
    matrix = np.full((len(number), len(column_of)), np.nan)
    matrix[place, owner] = values
    if (matrix[place, owner] != values).any():
        raise ValueError(f"{name!r} of one of {learned[key][:5]} has several values in one place")
    if np.isnan(matrix).any():
        raise ValueError(f"{name!r} of one of {learned[key][:5]} is not known in every place")
    return matrix[place], [f"{name}:{label}" for label in column_of]
'''

MATCHING = '''\
def matching(pattern, rows, learned):
    """The columns whose names match a pattern, side by side, and their names."""
    names = matched(pattern, learned, rows)
    return np.column_stack([numbers(rows, name) for name in names]), names
'''

MATCHING_PER_LEVEL = '''\
def matching_per_level(level, pattern, rows, tables, columns, groups, group_of_row, learned):
    """The columns whose names match a pattern, with one value per group, and their names."""
    names = matched(pattern, learned, tables.get(level, {}), rows)
    found = [
        per_level(level, name, numbers, rows, tables, columns, groups, group_of_row)
        for name in names
    ]
    return np.column_stack(found), names
'''

MATCHED = '''\
def matched(pattern, learned, *tables):
    """The names that match a pattern in the first table where some do, in natural order."""
    key = f"columns({pattern})"
    if key not in learned:
        found = [[name for name in table if fnmatchcase(name, pattern)] for table in tables]
        learned[key] = sorted(next((names for names in found if names), []), key=natural)
    if not learned[key]:
        raise ValueError(f"no column matches {pattern!r}")
    return learned[key]
'''

BLOCK_HELPERS = {
    "under": Helper(UNDER),
    "onehot": Helper(ONEHOT, ("natural",)),
    "dummies": Helper(DUMMIES, ("onehot",)),
    "spline": Helper(SPLINE),
    "spread": Helper(SPREAD, ("natural",)),
    "matching": Helper(MATCHING, ("matched", "numbers")),
    "matching_per_level": Helper(MATCHING_PER_LEVEL, ("matched", "per_level", "numbers")),
    "matched": Helper(MATCHED, ("natural",)),
}
