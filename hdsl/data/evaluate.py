"""Expressions of data, evaluated with NumPy as the generated ``prepare`` does.

Each function is computed by the very spelling that the generated code uses. What is missing is
tracked apart from what cannot be computed: the log of a missing price is missing, the log of a
price of 0 is a mistake.
"""

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from types import CodeType

import numpy as np

from hdsl.check.domains import grouped
from hdsl.data.blocks import columns_of, contracted, side_by_side, stack
from hdsl.data.column import Column, Mask
from hdsl.data.levels import Groups
from hdsl.expr import (
    ROW,
    Aggregate,
    Apply,
    Block,
    Constant,
    Contraction,
    Domain,
    Expr,
    Label,
    Member,
    Summary,
    Value,
)
from hdsl.families.code import Code
from hdsl.families.functions import FUNCTIONS, Library, function_of
from hdsl.ir.levels import above
from hdsl.ir.model import Model
from hdsl.ir.uses import values

_SUMMARIES = ("mean", "sd", "min", "max")
_LEARNING = ("standardize", "center")
_SPACE = {"np": np, "math": math, "NormalDist": NormalDist}


class NotDataError(Exception):
    """Raised where an expression is not made of data alone, or its data are not there."""


@dataclass(frozen=True)
class Evaluator:
    """Evaluates expressions over the columns and groups of one data set."""

    model: Model
    groups: Mapping[str, Groups]
    columns: Mapping[str, Column]

    def at(self, expr: Expr, domain: Domain) -> Column:
        """The values of an expression over a domain.

        Raises ``NotDataError`` where it uses anything but data.
        """
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._spread(self._at(expr, domain), domain)

    def domain_of(self, expr: Expr) -> Domain:
        """The finest level over which the data of an expression vary; the rows where they cross."""
        found = [level for name in values(expr) for level in self._column(name).domain]
        return self.finest(grouped(self.model.levels, tuple(found)))

    def finest(self, levels: Iterable[str]) -> Domain:
        """The one level among some that lies in all others, else the rows; () for no levels."""
        distinct = tuple(dict.fromkeys(levels))
        if not distinct:
            return ()
        for level in distinct:
            if set(distinct) - {level} <= above(self.model, level):
                return (level,)
        return (ROW,)

    def gathered(self, column: Column, domain: Domain) -> Column:
        """A column carried to a finer domain, or to a coarser one within which it is constant."""
        levels = grouped(self.model.levels, column.domain)
        if levels in (domain, ()):
            return column
        if len(levels) != 1 or len(domain) != 1:
            raise NotDataError
        [source], [target] = levels, domain
        if not {source, target} <= self.groups.keys():
            raise NotDataError
        index = self.index(source, target)
        if not self.groups[source].size:
            raise NotDataError
        absent = (index < 0).reshape(-1, *[1] * (column.missing.ndim - 1))
        axes = column.domain[1:]
        return Column((*domain, *axes), column.values[index], absent | column.missing[index])

    def index(self, source: str, target: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """For each group of the target level, its group (or its first row) at the source level."""
        if target == ROW:
            return self.groups[source].codes
        if source == ROW or target in above(self.model, source):
            rows = self.groups[target].first
            return rows if source == ROW else self.groups[source].codes[rows]
        return self.groups[source].codes[self.groups[target].first]

    def _column(self, name: str) -> Column:
        if name not in self.columns:
            raise NotDataError
        return self.columns[name]

    def _spread(self, column: Column, domain: Domain) -> Column:
        """A constant written out over a domain."""
        if column.domain or not domain:
            return column
        shape = (self.groups[domain[0]].size,)
        missing = np.full(shape, column.missing)
        return Column(domain, np.full(shape, column.numbers), missing)

    def _at(self, expr: Expr, domain: Domain) -> Column:
        match expr:
            case Constant(value=value):
                return _scalar(value)
            case Value(name=name):
                return self.gathered(self._column(name), domain)
            case Label(text=text):
                return Column((), np.array(text, dtype=object), np.array(False))
            case Summary(function=function, argument=argument, domain=over):
                return self._summary(function, argument, over or self.domain_of(argument))
            case Apply(function="missing"):
                return _scalar(np.nan, missing=True)
            case Apply(function=function, arguments=(argument,)) if function in _LEARNING:
                return self._learned(function, argument, domain)
            case Apply(function=function, arguments=arguments):
                return self._applied(function, [self._at(a, domain) for a in arguments])
            case Block():
                return stack(self, expr, domain)[1]
            case Contraction(axis=axis, argument=argument):
                return contracted(self._at(argument, domain), axis)
            case Member(of=of, level=axis, label=label):
                return self._member(self._at(of, domain), axis, label)
            case Aggregate():
                return self.gathered(self._group_mean(expr), domain)

    def _member(self, column: Column, axis: str, label: str) -> Column:
        """One column of a block."""
        if column.domain[-1:] != (axis,) or label not in self.groups[axis].labels:
            raise NotDataError
        place = self.groups[axis].labels.index(label)
        values, missing = column.values[..., place], column.missing[..., place]
        return Column(column.domain[:-1], values, missing)

    def _group_mean(self, mean: Aggregate) -> Column:
        """The mean of data in each group of a level, of what is known of them."""
        if mean.function != "groupmean":
            raise NotDataError
        argument, (level,) = mean.argument, mean.to
        (own,) = self.domain_of(argument) or (ROW,)
        column, groups = self.at(argument, (own,)), self.index(level, own)
        known = ~column.missing & (groups >= 0)
        size = self.groups[level].size
        counts = np.bincount(groups[known], minlength=size)
        sums = np.bincount(groups[known], column.numbers[known], minlength=size)
        means = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)
        return Column((level,), means, counts == 0)

    def _summary(self, function: str, argument: Expr, domain: Domain) -> Column:
        column = self.at(argument, domain)
        axes = column.domain[len(domain) :]
        if axes:
            each = [self._summarised(function, one) for one in columns_of(column)]
            found = np.array([one.numbers for one in each], dtype=float)
            return Column(axes, found, np.isnan(found))
        return self._summarised(function, column)

    def _summarised(self, function: str, column: Column) -> Column:
        known = column.known
        known = known[np.isfinite(known)]
        if function not in _SUMMARIES:
            raise NotDataError
        if len(known) < (2 if function == "sd" else 1):
            return _scalar(np.nan, missing=True)
        match function:
            case "mean":
                return _scalar(float(known.mean()))
            case "sd":
                return _scalar(float(known.std(ddof=1)))
            case "min":
                return _scalar(float(known.min()))
            case _:
                return _scalar(float(known.max()))

    def _learned(self, function: str, argument: Expr, domain: Domain) -> Column:
        """The argument centred, and divided by its sd; each group of its own level once."""
        own = self.domain_of(argument)
        if self.finest([*own, *domain]) != domain:
            own = domain
        column = self.at(argument, domain)
        mean = self._summary("mean", argument, own).numbers  # one per column of a block
        scaled = column.numbers - mean
        if function == "standardize":
            scaled = scaled / self._summary("sd", argument, own).numbers
        return Column(column.domain, scaled, column.missing)

    def _applied(self, function: str, arguments: list[Column]) -> Column:
        arguments, domain = side_by_side(arguments, self.model.levels)
        missing = np.asarray(_any_missing(function, arguments))
        if any(a.values.dtype == object for a in arguments):
            left, right = arguments
            equal = np.asarray(left.values == right.values)
            return Column(domain, (equal == (function == "==")).astype(float), missing)
        if function not in FUNCTIONS:
            raise NotDataError
        space = {f"x{i}": a.numbers for i, a in enumerate(arguments)}
        found = eval(_compiled(function, len(arguments)), _SPACE, space)
        return Column(domain, np.asarray(found, dtype=float), missing)


def _scalar(value: float, missing: bool = False) -> Column:
    return Column((), np.array(value), np.array(missing))


def _any_missing(function: str, arguments: list[Column]) -> Mask:
    if function == "where":
        condition, yes, no = arguments
        chosen = np.where(condition.numbers != 0, yes.missing, no.missing)
        return np.asarray(condition.missing | chosen)
    found = np.array(False)
    for argument in arguments:
        found = found | argument.missing
    return found


@cache
def _compiled(function: str, count: int) -> CodeType:
    """The NumPy spelling of a function, as the families table has it, of ``x0``, ``x1`` …"""
    slots = [f"x{i}" for i in range(count)]
    row = function_of(Apply(function, tuple(map(Value, slots))))
    code = row.written(Library.NUMPY, *map(Code, slots))
    return compile(code.text, f"<{function}>", "eval")
