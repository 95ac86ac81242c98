"""The names of what an imputed column consists of."""

_COMPLETED, _MISSING = "completed(", "missing("


def completed(name: str) -> str:
    """The quantity that stands wherever the model uses the column: known and missing values."""
    return f"{_COMPLETED}{name})"


def missing(name: str) -> str:
    """The parameter that holds the missing values."""
    return f"{_MISSING}{name})"


def known(name: str) -> str:
    """The column behind a completed one; any other name as it is.

    >>> known("completed(age)"), known("age")
    ('age', 'age')
    """
    return name[len(_COMPLETED) : -1] if name.startswith(_COMPLETED) else name


def column(name: str) -> str:
    """The column whose missing values a parameter holds; any other name as it is."""
    return name[len(_MISSING) : -1] if name.startswith(_MISSING) else name


def missing_level(name: str, level: str) -> str:
    """The axis of the missing values: the rows (or groups) of a column where it is missing.

    >>> missing_level("age", "row")
    'age_row'
    """
    return f"{name}_{level}"
