"""What can be wrong with new rows, in the words of what they are to be compared with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from hdsl.check.spelling import nearest
from hdsl.data.dataset import Dataset, counted_places
from hdsl.data.levels import natural
from hdsl.data.locate import Sources, absent_data, absent_level, strange_tables
from hdsl.data.problem import SHOWN, finding, listing, numbered, quoted
from hdsl.data.training import Training
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import ROW, Apply, Value, walk
from hdsl.ir.closed import closed_levels
from hdsl.ir.model import Correlation, Data, LevelKind, Model, Parameter
from hdsl.ir.uses import expressions, outcome_data, predictor_data

EXPANDED = ("onehot", "dummies")
"""The functions that make a column of every label of a factor."""


def check_new_columns(
    sources: Sources, training: Training, with_outcomes: bool
) -> Iterator[Diagnostic]:
    """Everything that must be there and is not, each column once."""
    yield from strange_tables(sources)
    seen: set[str] = set()
    for level in sources.model.levels.values():
        column = sources.level_column(level)
        held = level.kind is not LevelKind.COLUMN or column in (*sources.rows.columns, *seen)
        if not held and sources.carrier(level) is None:
            seen.add(column)
            yield absent_level(sources, level, column)
    needed = predictor_data(sources.model)
    if with_outcomes:
        needed |= outcome_data(sources.model)
    for node in sources.model.nodes:
        if not isinstance(node, Data) or node.name not in needed or node.column is None:
            continue
        here = node.column in sources.rows.columns or sources.in_tables(node) is not None
        here = here or node.impute
        if not here and node.column not in seen and not _is_known(node, training):
            seen.add(node.column)
            yield absent_data(sources, node)


def _is_known(node: Data, training: Training) -> bool:
    level = training.levels.get(node.domain[0]) if len(node.domain) == 1 else None
    return level is not None and (node.name in level.data or node.name == node.domain[0])


def check_moved(dataset: Dataset, training: Training) -> Iterator[Diagnostic]:
    """The known groups that lie in another group of a parent than in training."""
    for level, known in training.levels.items():
        for parent, labels in known.parents.items():
            if not {level, parent} <= dataset.groups.keys():
                continue
            if dataset.model.levels[level].kind is LevelKind.CROSS:
                continue
            groups, above = dataset.groups[level], dataset.groups[parent]
            was = dict(zip(known.labels, labels, strict=True))
            now = [above.labels[i] for i in above.codes[groups.first]]
            moved = [
                f"{level} {quoted(own)}: {quoted(was[own])} in training, {quoted(here)} here"
                for own, here in zip(groups.labels, now, strict=True)
                if own in was and was[own] != here
            ]
            if moved:
                yield finding(
                    "H951",
                    f"{counted_places((level,), len(moved))} "
                    f"{'lies' if len(moved) == 1 else 'lie'} in another `{parent}` than in "
                    "training",
                    dataset.model.levels[level].span,
                    f"it is nested in `{parent}`",
                    notes=_lines(moved),
                    help="correct the rows; a new group needs a label of its own",
                )


def check_types(
    dataset: Dataset, training: Training, new: Mapping[str, Sequence[str]]
) -> Iterator[Diagnostic]:
    """The levels of which no group is known and whose labels look otherwise than in training."""
    for level, labels in new.items():
        known = training.levels[level].labels
        kind = dataset.model.levels[level].kind
        if kind is not LevelKind.COLUMN or not labels or len(labels) < dataset.groups[level].size:
            continue
        ours, theirs = _kind(labels), _kind(known)
        if ours != theirs:
            yield finding(
                "H952",
                f"the labels of `{level}` are {ours} here and were {theirs} in training",
                dataset.model.levels[level].span,
                "none of them is known",
                notes=[
                    f"here {listing(map(quoted, labels))}",
                    f"in training {listing(map(quoted, known))}",
                ],
                help="give the rows the column that training had, with the same coding",
            )


def _kind(labels: Sequence[str]) -> str:
    def is_number(label: str) -> bool:
        return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", label) is not None

    if all(is_number(label) for label in labels):
        return "whole numbers" if all("." not in label for label in labels) else "numbers"
    return "words" if not any(is_number(label) for label in labels) else "words and numbers"


def check_order(
    model: Model, training: Training, new: Mapping[str, Sequence[str]]
) -> Iterator[Diagnostic]:
    """The new groups that lie before the end of what runs along their level, or that cannot be
    added to what hangs together as a whole.
    """
    for node in model.nodes:
        if isinstance(node, Correlation | Parameter):
            yield from _closed(node, closed_levels(node), new)
        along = node.distribution.along if isinstance(node, Parameter) else None
        if along is None or along not in training.levels or not model.levels[along].ordered:
            continue
        known = training.levels[along].labels
        last = known[-1]
        early = [label for label in new.get(along, ()) if natural(label) < natural(last)]
        if early:
            yield finding(
                "H956",
                f"{counted_places((along,), len(early))} that training did not have "
                f"{'lies' if len(early) == 1 else 'lie'} before its end",
                node.span,
                f"`{node.name}` goes on from {quoted(last)}",
                notes=[f"{along} {listing(map(quoted, early))}"],
                help=f"fit again with a row for every `{along}`, the outcome left empty",
            )


def _closed(
    node: Parameter | Correlation, levels: Sequence[str], new: Mapping[str, Sequence[str]]
) -> Iterator[Diagnostic]:
    """New groups of levels all of whose groups hang together: they sum to zero or to one, increase,
    or are correlated, so that a new one would move all the others.
    """
    for level in levels:
        labels = new.get(level, ())
        if labels:
            yield finding(
                "H956",
                f"{counted_places((level,), len(labels))} that training did not have cannot join "
                f"`{node.name}`, which holds those that it had together",
                node.span,
                f"its groups are all of `{level}`",
                notes=[f"{level} {listing(map(quoted, labels))}"],
                help="fit again with these groups",
            )


def check_factors(
    dataset: Dataset, training: Training, new: Mapping[str, Sequence[str]]
) -> Iterator[Diagnostic]:
    """The labels of factors that became columns or coefficients, and that training did not have."""
    for name, labels in _strange_labels(dataset, training, new).items():
        known = training.factors.get(name) or training.levels[name].labels
        near = nearest(labels[0], known)
        yield finding(
            "H955",
            f"`{name}` has {numbered(len(labels), 'label')} that training did not have",
            (dataset.model.by_name.get(name) or dataset.model.levels[name]).span,
            f"each of its {len(known):,} labels has a coefficient or a column",
            notes=[
                f"new: {listing(map(quoted, labels))}",
                f"known: {listing(map(quoted, known))}",
            ],
            help=f"did you mean {quoted(near)}?" if near else None,
        )


def _strange_labels(
    dataset: Dataset, training: Training, new: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Labels that nothing is known of, by factor."""
    found: dict[str, list[str]] = {}
    for name in _expanded(dataset.model):
        column, known = dataset.columns.get(name), training.factors.get(name)
        if column is not None and known is not None:
            values = column.values[~column.missing].tolist()
            found[name] = [v for v in dict.fromkeys(values) if v not in set(known)]
    for node in dataset.model.nodes:
        if isinstance(node, Parameter) and node.baseline:
            found |= {level: list(new[level]) for level in node.domain if level in new}
    return {name: labels for name, labels in found.items() if labels}


def _expanded(model: Model) -> list[str]:
    """The factors that have a column for every label."""
    return [
        part.arguments[0].name
        for node in model.nodes
        for _, expr in expressions(node)
        for part in walk(expr)
        if isinstance(part, Apply) and part.function in EXPANDED
        if isinstance(part.arguments[0], Value)
    ]


def check_present(dataset: Dataset, with_outcomes: bool) -> Iterator[Diagnostic]:
    """The predictors that are missing in some rows."""
    needed = predictor_data(dataset.model)
    free = frozenset[str]() if not with_outcomes else outcome_data(dataset.model)
    for data, column in dataset.base_columns():
        may_miss = data.name in free or data.name not in needed or data.impute
        if data.domain != (ROW,) or may_miss or not column.missing.any():
            continue
        count = int(column.missing.sum())
        yield finding(
            "H954",
            f"`{data.name}` is missing in {counted_places(column.domain, count)}"
            f" of {len(column.missing):,}",
            data.span,
            "a predictor must be known everywhere",
            notes=[dataset.where(column.domain, column.missing)],
            help="give these rows a value, or leave them out",
        )


def check_new_data(
    dataset: Dataset, training: Training, new: Mapping[str, Sequence[str]]
) -> Iterator[Diagnostic]:
    """The group-level predictors that are not known of groups in the rows."""
    needed = predictor_data(dataset.model)
    for node in dataset.model.nodes:
        if not isinstance(node, Data) or node.expr is not None or node.name not in needed:
            continue
        if node.impute or node.domain == (ROW,) or len(node.domain) != 1:
            continue
        level, column = node.domain[0], dataset.columns.get(node.name)
        if level not in dataset.groups or column is None or not column.missing.any():
            continue
        gone = [dataset.groups[level].labels[i] for i in np.flatnonzero(column.missing)]
        fresh = set(new.get(level, ()))
        kind = "new " if all(label in fresh for label in gone) else ""
        yield finding(
            "H953",
            f"`{node.name}` is not known of {numbered(len(gone), f'{kind}group')} of `{level}`",
            node.span,
            f"it is one value per `{level}`",
            notes=[f"{level} {listing(map(quoted, gone))}"],
            help=f"give the rows a column `{node.column}`, or the level a table: "
            f"`--table {level}=FILE`",
        )


def _lines(texts: Sequence[str]) -> list[str]:
    rest = len(texts) - SHOWN
    more = [f"and {rest:,} more"] if rest > 0 else []
    return ["\n".join([*texts[:SHOWN], *more])]
