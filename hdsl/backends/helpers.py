"""Functions that a generated file defines for its `prepare`, each only where it is called.

They are source text: the generated file stands alone. ``complete`` gives what a set of them needs.
"""

from collections.abc import Iterable

from hdsl.backends.block_helpers import BLOCK_HELPERS
from hdsl.backends.helper import Helper

COLUMN = '''\
def column(table, name):
    """A column of a table."""
    if name not in table:
        raise ValueError(f"the data have no column {name!r}")
    return np.asarray(table[name])
'''

NUMBERS = '''\
def numbers(table, name, missing=False):
    """A column as numbers; empty cells, where they may be, become nan."""
    values = column(table, name)
    try:
        values = values.astype(float)
    except (TypeError, ValueError):
        raise ValueError(f"column {name!r} holds text where numbers are needed") from None
    if not missing:
        known(name, values)
    return values
'''

FLAGS = '''\
def flags(table, name, missing=False):
    """A column of 0 and 1, or of false and true, as numbers."""
    meaning = {"0": 0.0, "false": 0.0, "1": 1.0, "true": 1.0}
    texts = [text.lower() for text in labels(table, name, missing)]
    wrong = sorted(set(texts) - set(meaning) - {""})
    if wrong:
        raise ValueError(f"column {name!r} is not 0 and 1, nor false and true: {wrong[:5]}")
    return np.array([meaning.get(text, np.nan) for text in texts])
'''

LABELS = '''\
def labels(table, name, missing=False):
    """A column as text; a whole number loses its `.0`."""
    values = column(table, name)
    if values.dtype.kind in "iu":
        return values.astype(str)
    if values.dtype.kind == "M":
        values = np.datetime_as_string(values, unit="auto")
    whole = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values.tolist()]
    texts = [
        "" if not isinstance(v, str) and str(v) in ("None", "nan", "NaT", "<NA>") else str(v)
        for v in whole
    ]
    if not missing:
        known(name, np.array(texts))
    return np.array(texts)
'''

KNOWN = '''\
def known(name, values):
    """Raises an error where values are missing."""
    empty = np.flatnonzero(values == "" if values.dtype.kind == "U" else np.isnan(values)) + 1
    if empty.size:
        raise ValueError(f"{name!r} is missing in {empty.size} rows: {empty[:5].tolist()}")
'''

OBSERVED = '''\
def observed(name, values):
    """Raises an error where an outcome is missing."""
    empty = np.flatnonzero(np.isnan(values)) + 1
    if empty.size:
        raise ValueError(
            f"the outcome {name!r} is missing in {empty.size} rows: {empty[:5].tolist()}; "
            "compile the model with --data, and they are left out and predicted"
        )
'''

NATURAL = '''\
def natural(label):
    """A sort key that puts numbers in their order: `2` before `10`."""
    parts = re.split(r"(^-?\\d+(?:\\.\\d+)?|\\d+)", label)
    return [float(part) if i % 2 else part for i, part in enumerate(parts)]
'''

GROUPS = '''\
def groups(level, names, learned):
    """The labels of a level's groups, new ones last, and the number of each row's group."""
    known = learned.get(level, [])
    learned[level] = [*known, *sorted(set(names.tolist()) - set(known), key=natural)]
    number = {label: i for i, label in enumerate(learned[level])}
    return learned[level], np.array([number[label] for label in names.tolist()])
'''

IN_ORDER = '''\
def in_order(level, names, learned):
    """Puts the groups of an ordered level in order: numbers and dates by size, else as found."""
    known = learned.get(level, [])
    found = list(dict.fromkeys([*known, *names.tolist()]))[len(known) :]
    counted = all(re.match(r"-?\\d", label) for label in found)
    learned[level] = [*known, *(sorted(found, key=natural) if counted else found)]
    return names
'''

NESTED = '''\
def nested(level, names, learned, *parents):
    """Labels of groups inside others: their own where unique, else `parent:child`."""
    inside = np.array([":".join(path) for path in zip(*parents, names)])
    own, counts = np.unique(names[np.unique(inside, return_index=True)[1]], return_counts=True)
    repeated = np.setdiff1d(own[counts > 1], learned.get(level, []))
    alone = learned.setdefault(f"{level} by label alone", not repeated.size)
    return np.where(np.isin(names, repeated), inside, names) if alone else inside
'''

CROSSED = '''\
def crossed(*names):
    """Labels of the combinations of levels, `a:b`."""
    return np.array([":".join(combination) for combination in zip(*names)])
'''

GROUP_OF_EACH = '''\
def group_of_each(name, coarse, fine, learned):
    """For every group of a finer level, the number of its group of a coarser one."""
    known = learned.get(name, [])
    present, first = np.unique(fine, return_index=True)
    new = first[present >= len(known)]
    found = np.array([*known, *coarse[new].tolist()], dtype=int)
    learned[name] = found.tolist()
    strays = np.flatnonzero(found[fine] != coarse) + 1
    if strays.size:
        raise ValueError(f"{name} is not as in the training data in rows {strays[:5].tolist()}")
    return found
'''

PER_GROUP = '''\
def per_group(name, values, group_of_row, size):
    """The one value of each group, from the rows; nan for a group without rows."""
    present, first = np.unique(group_of_row, return_index=True)
    found = np.full(size, "" if values.dtype.kind == "U" else np.nan, dtype=values.dtype)
    found[present] = values[first]
    own = found[group_of_row]
    differs = own != values
    if values.dtype.kind == "f":
        differs &= ~(np.isnan(own) & np.isnan(values))
    varies = np.flatnonzero(differs) + 1
    if varies.size:
        raise ValueError(f"{name!r} varies inside a group: rows {varies[:5].tolist()}")
    return found
'''

FROM_TABLE = '''\
def from_table(level, values, table, columns, groups):
    """The value of each group, from the level's table; `columns` hold its label, own last."""
    paths = [labels(table, name) for name in columns if name in table]
    if not paths:
        raise ValueError(f"the table of {level!r} has no column {columns[-1]!r}")
    row = {}
    for depth in range(1, len(paths) + 1):
        for i, path in enumerate(zip(*paths[-depth:])):
            text = ":".join(path)
            row[text] = i if text not in row else None
    absent = [group for group in groups if row.get(group) is None]
    if absent:
        raise ValueError(f"the table of {level!r} has no one row for {absent[:5]}")
    return values[[row[group] for group in groups]]
'''

PER_LEVEL = '''\
def per_level(level, name, read, rows, tables, columns, groups, group_of_row, missing=False):
    """A column with one value per group: from the level's table if that has it, or the rows."""
    table = tables.get(level, {})
    if name not in table:
        return per_group(name, read(rows, name, missing), group_of_row, len(groups))
    values = from_table(level, read(table, name, missing=True), table, columns, groups)
    if not missing:
        known(name, values)
    return values
'''

LOOKED_UP = '''\
def looked_up(rows, name, tables, *keys):
    """A column of labels, from the rows or from the table of a level inside."""
    if name in rows:
        return labels(rows, name)
    for level, key in keys:
        if level in tables and name in tables[level]:
            found = dict(zip(labels(tables[level], key), labels(tables[level], name)))
            own = looked_up(rows, key, tables, *keys)
            absent = sorted(set(own) - set(found))
            if absent:
                raise ValueError(f"the table of {level!r} has no row for {absent[:5]}")
            return np.array([found[label] for label in own])
    raise ValueError(f"the data have no column {name!r}")
'''

POSITION = '''\
def position(groups, level, label):
    """The number of the group that has a label."""
    if label not in groups:
        raise ValueError(f"level {level!r} has no group {label!r}")
    return groups.index(label)
'''

LEARN = '''\
def learn(name, summary, values, learned):
    """A number that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = float(summary(values))
    return learned[name]
'''

LEARN_EACH = '''\
def learn_each(name, summary, matrix, learned):
    """A number per column that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = [float(summary(values)) for values in matrix.T]
    return np.array(learned[name])
'''

SD = '''\
def sd(values):
    """The standard deviation with divisor n - 1, of the values that are known."""
    return np.nanstd(values, ddof=1)
'''

WAVES = '''\
def waves(x, low, high, count, boundary):
    """Frequencies of sine waves on a domain around [low, high], and the waves at x."""
    half = 0.5 * boundary * (high - low)
    frequency = np.arange(1, count + 1) * np.pi / (2 * half)
    place = x - 0.5 * (low + high) + half
    return frequency, np.sin(np.multiply.outer(place, frequency)) / np.sqrt(half)
'''

GROUP_MEANS = '''\
def group_means(name, values, groups, group_of_each, learned):
    """The mean of each group: in the training data, or in its own rows where it is new."""
    known = ~np.isnan(values)
    counts = np.bincount(group_of_each[known], minlength=len(groups))
    sums = np.bincount(group_of_each[known], values[known], minlength=len(groups))
    means = np.divide(sums, counts, out=np.full(len(groups), np.nan), where=counts > 0)
    learned[name] = dict(zip(groups, means.tolist())) | learned.get(name, {})
    return np.array([learned[name][group] for group in groups])
'''

WITH_LAG = '''\
def with_lag(rows, name, of, read, level, within, steps, learned):
    """The rows with a column more: another one so many steps earlier along a level, inside others.

    It is nan where there is no earlier value. New rows find those of the training data.
    """
    at = labels(rows, level).tolist()
    inside = zip(*(labels(rows, other).tolist() for other in within if other in rows))
    series = ["\\t".join(each) for each in inside] or [""] * len(at)
    values = read(rows, of, missing=True).tolist() if of in rows else [np.nan] * len(at)
    known = learned.get(name, {"order": [], "values": {}})
    found = [label for label in dict.fromkeys(at) if label not in set(known["order"])]
    counted = all(re.match(r"-?\\d", label) for label in found)
    order = [*known["order"], *(sorted(found, key=natural) if counted else found)]
    before = dict(zip(order[steps:], order))
    lines = {key: dict(line) for key, line in known["values"].items()}
    here = {}
    for key, label, value in zip(series, at, values):
        if np.isnan(value):
            continue
        if here.setdefault((key, label), value) != value:
            raise ValueError(f"{of!r} has several values at {level} {label!r} of one {within}")
        lines.setdefault(key, {})[label] = value
    learned.setdefault(name, {"order": order, "values": lines})
    found = [lines.get(key, {}).get(before.get(label), np.nan) for key, label in zip(series, at)]
    return {**rows, name: np.array(found)}
'''

KEPT_ROWS = '''\
def kept_rows(rows, names, needed):
    """The numbers (from 1) of the rows where the needed columns are known, and those rows."""
    kept = np.all([~np.isnan(numbers(rows, name, missing=True)) for name in needed], axis=0)
    numbered = np.flatnonzero(kept) + 1
    return numbered, {name: np.asarray(rows[name])[kept] for name in names if name in rows}
'''

CODED = '''\
def coded(name, values, learned, labels=None, first=None, known=False):
    """The place of each label among the outcome's labels, from 0; -1 where it is missing."""
    if values.dtype.kind == "f":
        values = np.array(["" if np.isnan(value) else f"{value:g}" for value in values])
    key = f"categories of {name}"
    if key not in learned:
        found = labels or sorted(set(values.tolist()) - {""}, key=natural)
        learned[key] = sorted(found, key=lambda label: label != first) if first else found
    place = {"": -1} | {label: i for i, label in enumerate(learned[key])}
    strange = sorted(set(values.tolist()) - set(place))
    if strange:
        raise ValueError(f"{name!r} has labels that are not among {learned[key]}: {strange[:5]}")
    codes = np.array([place[value] for value in values.tolist()])
    if known and (codes < 0).any():
        raise ValueError(
            f"the outcome {name!r} is missing in {(codes < 0).sum()} rows; "
            "compile the model with --data, and they are left out and predicted"
        )
    return codes
'''

BETWEEN = '''\
def between(labels):
    """What the cut points between labels are called: `low|mid`."""
    return [f"{label}|{labels[i + 1]}" for i, label in enumerate(labels[:-1])]
'''

OUTCOME = '''\
def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
'''

HELPERS = {
    "column": Helper(COLUMN),
    "known": Helper(KNOWN),
    "observed": Helper(OBSERVED),
    "numbers": Helper(NUMBERS, ("column", "known")),
    "labels": Helper(LABELS, ("column", "known")),
    "flags": Helper(FLAGS, ("labels",)),
    "natural": Helper(NATURAL),
    "groups": Helper(GROUPS, ("natural",)),
    "in_order": Helper(IN_ORDER, ("natural",)),
    "nested": Helper(NESTED),
    "crossed": Helper(CROSSED),
    "group_of_each": Helper(GROUP_OF_EACH),
    "per_group": Helper(PER_GROUP),
    "from_table": Helper(FROM_TABLE, ("labels",)),
    "per_level": Helper(PER_LEVEL, ("from_table", "per_group", "known")),
    "looked_up": Helper(LOOKED_UP, ("labels",)),
    "position": Helper(POSITION),
    **BLOCK_HELPERS,
    "learn": Helper(LEARN),
    "learn_each": Helper(LEARN_EACH),
    "sd": Helper(SD),
    "group_means": Helper(GROUP_MEANS),
    "waves": Helper(WAVES),
    "with_lag": Helper(WITH_LAG, ("labels", "natural")),
    "kept_rows": Helper(KEPT_ROWS, ("numbers",)),
    "coded": Helper(CODED, ("natural",)),
    "between": Helper(BETWEEN),
    "outcome": Helper(OUTCOME),
}


def complete(names: Iterable[str]) -> tuple[Helper, ...]:
    """The helpers of these names and all that they call, in the order of the table."""
    wanted, pending = set[str](), list(names)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += HELPERS[name].calls
    return tuple(helper for name, helper in HELPERS.items() if name in wanted)
