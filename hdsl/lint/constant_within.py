"""H606: a slope that varies by group, on a predictor that does not vary within any."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hdsl.check.spelling import quoted
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import ROW, Constant, Expr
from hdsl.ir.levels import is_coarser
from hdsl.ir.model import Coefficient, Model, Parameter, Part
from hdsl.ir.text import text_of
from hdsl.lint.reading import data_domain, located, parts, warning

if TYPE_CHECKING:
    from hdsl.data.bind import Binding


def check(model: Model, binding: "Binding | None") -> Iterator[Diagnostic]:
    """A warning for each such slope, whether the declarations or the data show it."""
    for coefficient, part in parts(model):
        for use in located(model, coefficient.name):
            if use.multiplier is None:
                continue
            whole = text_of(use.multiplier)
            if _is_coarser(model, use.multiplier, part.level):
                yield _warning(coefficient, part, whole)
                break
            if binding is None:
                continue
            idle = _idle(model, part)
            found = _never_varying(binding, use.multiplier, part.level)
            columns = [label for label, varies in found if not varies and label not in idle]
            if columns:
                yield _warning(coefficient, part, columns[0] if len(found) > 1 else whole, columns)
                break


def _warning(
    coefficient: Coefficient, part: Part, predictor: str, columns: Sequence[str] = ()
) -> Diagnostic:
    """The advice about one predictor, or about the first of some columns of a block."""
    others = f" (and so {'is' if len(columns) == 2 else 'are'} {quoted(columns[1:])})"
    help = (
        f"make it one slope, `{coefficient.name} ~ 1`, or a predictor of the "
        f"intercept: `~ {part.level} | {predictor}`"
    )
    if coefficient.axes:
        member = predictor if predictor.isidentifier() else f'"{predictor}"'
        name = coefficient.scale_name
        sd = part.sd.replace(name, f"{name}[{member}]", 1)
        help = f"let it not vary, `{sd} = 0`, or take it out of the block"
    return warning(
        "H606",
        f"`{predictor}` is the same throughout each `{part.level}`"
        f"{others if columns[1:] else ''}, and its slope varies by it",
        coefficient.span,
        f"a slope on `{predictor}` for every `{part.level}`",
        notes=(
            f"no group shows how its rows respond to `{predictor}`, so that groups' slopes "
            "cannot be told from groups' intercepts",
        ),
        help=help,
    )


def _is_coarser(model: Model, expr: Expr, level: str) -> bool:
    domain = tuple(n for n in data_domain(model, expr) if not model.levels[n].kind.is_axis)
    return bool(domain) and is_coarser(model, domain, (level,))


def _idle(model: Model, part: Part) -> frozenset[str]:
    """The columns of a block whose slopes do not vary: their sd is set to 0."""
    node = model.by_name.get(part.sd)
    pinned = node.pinned if isinstance(node, Parameter) else ()
    return frozenset(labels[-1] for labels, value in pinned if value == Constant(0.0))


def _never_varying(binding: "Binding", expr: Expr, level: str) -> list[tuple[str, bool]]:
    """Whether some group holds two different values, for each column of a block by its label.

    Nothing where no group has two rows to show it. A number among the columns is an intercept.
    """
    from hdsl.data.blocks import columns_of
    from hdsl.data.evaluate import NotDataError

    groups = binding.dataset.groups.get(level)
    if groups is None or not groups.size or int(groups.counts.max()) < 2:
        return []
    try:
        column = binding.dataset.evaluator.at(expr, (ROW,))
    except NotDataError:
        return []
    outside = groups.codes < 0
    same = (column.values == column.values[groups.first][groups.codes]) | column.missing
    if column.values.ndim == 1:
        return [(text_of(expr), not bool((same | outside).all()))]
    labels = binding.dataset.groups[column.domain[-1]].labels
    varies = [not bool((each | outside).all()) for each in same.T]
    written = [
        one.known.size > 0 and bool((one.known == one.known[0]).all()) for one in columns_of(column)
    ]
    return [(n, v or w) for n, v, w in zip(labels, varies, written, strict=True)]
