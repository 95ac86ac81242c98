"""Whether the data keep what their types promise, and are there where the model needs them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hdsl.check.spelling import nearest
from hdsl.data.column import Column, Mask
from hdsl.data.dataset import Dataset, counted_places
from hdsl.data.problem import finding, listing, quoted
from hdsl.data.table import Numbers
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import Expr, names
from hdsl.ir.model import Data, DataType
from hdsl.ir.uses import expressions, learned_from, values


@dataclass(frozen=True)
class _Promise:
    """What a type says of every value."""

    says: str
    kept: Callable[[Numbers], Mask]
    help: str


_PROMISES: Mapping[DataType, _Promise] = {
    DataType.REAL: _Promise(
        "a finite number", np.isfinite, "what is missing is an empty cell or NA"
    ),
    DataType.POSITIVE: _Promise(
        "above 0", lambda x: np.isfinite(x) & (x > 0), "declare it `real` if 0 and below are legal"
    ),
    DataType.PROPORTION: _Promise(
        "between 0 and 1", lambda x: (x >= 0) & (x <= 1), "divide percentages by 100"
    ),
    DataType.COUNT: _Promise(
        "0, 1, 2, …",
        lambda x: np.isfinite(x) & (x >= 0) & (x == np.floor(x)),
        "declare it `real` or `positive` if it is measured and not counted",
    ),
    DataType.BINARY: _Promise(
        "0 or 1, or true or false",
        lambda x: (x == 0) | (x == 1),
        "derive it from what the column holds: `data yes = (answer == 2)`",
    ),
}


def promise_broken(data: Data, column: Column) -> Mask:
    """Where a column of numbers is not what its declared type says."""
    promise = None if data.expr is not None else _PROMISES.get(data.type)
    if promise is None:
        return np.zeros(column.missing.shape, dtype=bool)
    return np.asarray(~column.missing & ~promise.kept(column.numbers))


def check_promises(dataset: Dataset) -> Iterator[Diagnostic]:
    """The values that a declared type does not allow."""
    for data, column in dataset.base_columns():
        promise = _PROMISES.get(data.type)
        if promise is not None:
            broken = ~column.missing & ~promise.kept(column.numbers)
            yield from _broken(dataset, data, column, broken, promise.says, promise.help)
        elif data.members:
            known = np.array(
                [value in data.members for value in column.values.tolist()], dtype=bool
            )
            broken = ~column.missing & ~known
            says = f"one of {listing(map(quoted, data.members))}"
            strange = column.values[broken]
            near = nearest(str(strange[0]), data.members) if len(strange) else None
            help = f"did you mean {quoted(near)}?" if near else "add the label to the members"
            yield from _broken(dataset, data, column, broken, says, help)


def _broken(
    dataset: Dataset, data: Data, column: Column, broken: Mask, says: str, help: str
) -> Iterator[Diagnostic]:
    if broken.any():
        count = int(broken.sum())
        yield finding(
            "H913",
            f"`{data.name}` is declared `{data.type.value}`, and is not in "
            f"{counted_places(column.domain, count)}",
            data.span,
            f"`{data.type.value}` promises {says}",
            notes=[dataset.show(column, broken)],
            help=help,
        )


def check_missing(dataset: Dataset) -> Iterator[Diagnostic]:
    """The predictors that are missing somewhere; each column of the data once."""
    reported: set[str] = set()
    for name in _used(dataset):
        data = dataset.model.by_name[name]
        column = dataset.columns.get(name)
        if not isinstance(data, Data) or data.observed or data.impute or column is None:
            continue
        bases = [base for base in _bases(dataset, data) if _lacks(dataset, base, column)]
        for blamed in bases or ([data] if column.missing.any() else []):
            if blamed.name not in reported and not blamed.observed:
                reported.add(blamed.name)
                yield _missing(dataset, blamed, dataset.columns[blamed.name])


def _used(dataset: Dataset) -> tuple[str, ...]:
    """The data that the model itself uses, by value or through a number learned from them."""
    found: dict[str, None] = {}
    for node in dataset.model.nodes:
        if not isinstance(node, Data):
            for _, expr in expressions(node):
                found |= dict.fromkeys((*values(expr), *learned_from(expr)))
    return tuple(n for n in found if isinstance(dataset.model.by_name.get(n), Data))


def _bases(dataset: Dataset, data: Data) -> list[Data]:
    """The columns that data are made of, in the end; themselves where they are a column."""
    if data.expr is None:
        return [data]
    return list({base.name: base for base in _below(dataset, data.expr)}.values())


def _below(dataset: Dataset, expr: Expr) -> Iterator[Data]:
    for name in names(expr):
        data = dataset.model.by_name.get(name)
        if isinstance(data, Data):
            yield from _bases(dataset, data)


def _lacks(dataset: Dataset, base: Data, column: Column) -> bool:
    """Whether a column is missing where what is made of it is missing too."""
    ours = dataset.columns.get(base.name)
    if ours is None or not column.missing.any() or not ours.missing.any():
        return False
    if ours.domain == column.domain:
        return bool((ours.missing & column.missing).any())
    return True


def _missing(dataset: Dataset, data: Data, column: Column) -> Diagnostic:
    count = int(column.missing.sum())
    if data.expr is None:
        suffix = "" if "row" in data.domain else f" per {data.domain[0]}"
        declared = f"data {data.name} : {data.type.value}{suffix}"
        help = f"leave these rows out with `{declared} drop`"
        if "row" not in data.domain:
            help = "fill the gaps, or take these groups out of the data"
    else:
        help = "only an outcome may be missing; give these rows a value with `where`"
    return finding(
        "H914",
        f"`{data.name}` is missing in {counted_places(column.domain, count)}"
        f" of {len(column.missing):,}",
        data.span,
        "a predictor must be known everywhere",
        notes=[dataset.where(column.domain, column.missing)],
        help=help,
    )
