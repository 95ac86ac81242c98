"""What a generated model reads from the data, as values: each becomes one entry of `data`."""

from dataclasses import dataclass

from hdsl.backends.namer import Namer
from hdsl.expr import Aggregate, Domain, Expr, Summary
from hdsl.ir.levels import label_axis
from hdsl.ir.model import Data, LevelKind, Model, Transform
from hdsl.ir.text import text_of, text_of_target


@dataclass(frozen=True)
class Column:
    """Data of the model, declared or derived, by name."""

    name: str


@dataclass(frozen=True)
class Observed:
    """The values of an outcome that its distribution is evaluated at."""

    name: str


@dataclass(frozen=True)
class Seen:
    """The rows (or groups) where an outcome is known."""

    name: str


@dataclass(frozen=True)
class Learned:
    """A number that the training data teach."""

    summary: Summary


@dataclass(frozen=True)
class Computed:
    """An expression of data that only `prepare` can evaluate, such as a comparison of labels."""

    expr: Expr
    domain: Domain


@dataclass(frozen=True)
class Index:
    """For every group of the finer level, the number of its group of the coarser."""

    coarse: str
    fine: str


@dataclass(frozen=True)
class Count:
    """For every group of the coarser level, how many groups of the finer one it holds."""

    coarse: str
    fine: str


@dataclass(frozen=True)
class Chosen:
    """The number of the group that has a label."""

    level: str
    label: str


@dataclass(frozen=True)
class Waves:
    """Sine waves of data over a level, for a smooth function of them: their values (``basis``,
    groups × waves) or their frequencies (``frequency``, one per wave).
    """

    part: str
    argument: Expr
    level: str
    count: int
    boundary: float


@dataclass(frozen=True)
class GroupMean:
    """The mean of data in each group of a level, as the training data have it."""

    of: Aggregate


Input = GroupMean | Column | Observed | Seen | Learned | Computed | Index | Count | Chosen | Waves


def name_input(names: Namer, item: Input, model: Model) -> str:
    """The identifier of an input, in `prepare`, in `data` and in the model alike.

    What is observed of an outcome shares that of its column, unless the model transforms it.
    """
    if isinstance(item, Observed) and _is_plain(item.name, model):
        return name_input(names, Column(item.name), model)
    return names(item, _wish(item, model))


def _wish(item: Input, model: Model) -> str:
    match item:
        case Column(name=name):
            return name
        case Observed(name=name):
            if label_axis(model, name) is not None:
                return f"{name} code"
            data, transform = model.by_name.get(name), _transform(name, model)
            imputed = isinstance(data, Data) and data.impute and transform is None
            return f"{name} known" if imputed else text_of_target(name, transform)
        case Seen(name=name):
            return f"{name} seen"
        case Learned(summary=summary):
            return text_of(summary)
        case Computed(expr=expr):
            return text_of(expr)
        case Index(coarse=coarse, fine=fine):
            return f"{coarse}_of_{fine}"
        case Count(coarse=coarse, fine=fine):
            return f"n_{fine}_of_{coarse}"
        case Chosen(level=level, label=label):
            return f"{level}_{label}"
        case GroupMean(of=mean):
            return text_of(mean)
        case Waves(part=part, argument=argument):
            return f"{part} of {text_of(argument)}"


def _is_plain(outcome: str, model: Model) -> bool:
    """Whether an outcome is observed as its column stands."""
    data = model.by_name.get(outcome)
    apart = label_axis(model, outcome) is not None or (isinstance(data, Data) and data.impute)
    return _transform(outcome, model) is None and not apart


def _transform(outcome: str, model: Model) -> Transform | None:
    return next((o.transform for o in model.likelihoods if o.name == outcome), None)


def path_of(level: str, model: Model) -> list[str]:
    """The columns that name a group: those of its parents, then its own."""
    found = model.levels[level]
    if found.kind is LevelKind.CROSS:
        return [column for parent in found.parents for column in path_of(parent, model)]
    above = [
        c
        for p in found.parents
        if model.levels[p].kind in (LevelKind.COLUMN, LevelKind.CROSS)
        for c in path_of(p, model)
    ]
    return [*above, found.column or found.name]
