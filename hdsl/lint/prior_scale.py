"""H607: a prior that is orders of magnitude away from what the data can show."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hdsl.check.predictor import Predictors, Use
from hdsl.check.spelling import quoted
from hdsl.data.problem import number
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import Expr, substitute
from hdsl.families import FAMILIES, Role
from hdsl.ir.levels import label_axis
from hdsl.ir.model import Model, Outcome, Parameter
from hdsl.lint.reading import Spread, located, parts, spread, warning
from hdsl.source import Span

if TYPE_CHECKING:
    from hdsl.data.bind import Binding

_FAR = 100.0


def check(model: Model, binding: "Binding") -> Iterator[Diagnostic]:
    """A warning for each prior of the user's own that the data make look out of scale.

    Parameters that a statement gives one prior come in one warning.
    """
    found: dict[tuple[Span, str], list[_Misfit]] = {}
    for misfit in _misfits(model, binding):
        found.setdefault((misfit.node.distribution.span, misfit.how), []).append(misfit)
    for misfits in found.values():
        yield _warning(misfits)


def _misfits(model: Model, binding: "Binding") -> Iterator["_Misfit"]:
    for node in model.nodes:
        if not isinstance(node, Parameter) or node.rule is not None or node.transform is not None:
            continue
        prior = _moments(binding, node)
        yardstick = _yardstick(model, binding, node)
        if prior is None or yardstick is None:
            continue
        reach = abs(prior.mean) + 2 * prior.sd
        if reach > _FAR * yardstick.reach:
            yield _Misfit(node, yardstick, reach, "wide", reach / yardstick.reach)
        elif reach * _FAR < yardstick.sd:
            yield _Misfit(node, yardstick, reach, "narrow", yardstick.sd / reach)


class _Yardstick(Spread):
    """How large a parameter is expected to be; ``mean`` moves an intercept away from zero."""

    @property
    def reach(self) -> float:
        return abs(self.mean) + 2 * self.sd


def _moments(binding: "Binding", node: Parameter) -> Spread | None:
    """Mean and sd of a prior whose arguments are numbers; None where it has none or they vary."""
    from hdsl.data.evaluate import NotDataError

    family = FAMILIES.get(node.distribution.family)
    given = dict(node.distribution.arguments)
    if family is None or family.mean is None or family.variance is None:
        return None

    def value(expr: Expr) -> float:
        return float(binding.dataset.evaluator.at(substitute(expr, given), ()).numbers)

    try:
        mean, variance = value(family.mean), value(family.variance)
    except NotDataError:
        return None
    return Spread(mean, variance**0.5) if 0 < variance < float("inf") else None


def _yardstick(model: Model, binding: "Binding", node: Parameter) -> _Yardstick | None:
    """The size on which a parameter's effect would be as large as the outcome's own scatter."""
    for coefficient, part in parts(model):
        if node.name == part.sd and coefficient.transform is None:
            return next(
                (_of_use(binding, use, False) for use in located(model, coefficient.name)), None
            )
    for use in Predictors(model.outcomes, model.by_name.get).uses(node.name) or ():
        if use.direct and use.link is None and use.parameter.role is Role.SCALE:
            return _of_outcome(binding, use)
    found = located(model, node.name)
    return _of_use(binding, found[0], True) if found else None


def _of_outcome(binding: "Binding", use: Use) -> _Yardstick | None:
    column = binding.dataset.columns.get(use.user.name)
    if column is None or not isinstance(use.user, Outcome):
        return None
    if use.user.transform is not None:
        return None
    if label_axis(binding.dataset.model, use.user.name) is not None:
        return _Yardstick(0.0, 1.0)  # a label has no scale: that of the link counts
    if column.known.size < 2:
        return None
    return _Yardstick(float(column.known.mean()), float(column.known.std(ddof=1)))


def _of_use(binding: "Binding", use: Use, is_location: bool) -> _Yardstick | None:
    """The yardstick of a coefficient: the outcome's scatter over that of what it multiplies."""
    outcome = _of_outcome(binding, use)
    if outcome is None:
        return None
    scale = outcome.sd if use.link is None else 1.0
    centre = outcome.mean if use.link is None and is_location else 0.0
    if use.multiplier is None:
        for other in use.others:  # the intercept is a value where they are zero
            size = spread(binding, other)
            if size is not None and size.sd:
                scale += scale * abs(size.mean) / size.sd
        return _Yardstick(centre, scale)
    size = spread(binding, use.multiplier)
    if size is None or not size.sd:
        return None
    return _Yardstick(0.0, scale / size.sd)


@dataclass(frozen=True)
class _Misfit:
    """A prior and how many times too wide or too narrow it is."""

    node: Parameter
    yardstick: _Yardstick
    reach: float
    how: str
    times: float


_SAYS = {
    "wide": "it expects effects that no outcome of this size can show: the sampler wanders, and "
    "predictions from the prior are absurd",
    "narrow": "it allows next to nothing: the data are overruled, or fight the prior",
}


def _warning(misfits: list[_Misfit]) -> Diagnostic:
    worst = max(misfits, key=lambda misfit: misfit.times)
    names = quoted(misfit.node.name for misfit in misfits)
    times = _rounded(worst.times, 1)
    return warning(
        "H607",
        f"the prior of {names} is about {times} times too {worst.how} for these data",
        worst.node.distribution.span,
        f"reaches to about {_rounded(worst.reach)}, where the data suggest "
        f"{_rounded(worst.yardstick.sd)}",
        notes=(_SAYS[worst.how],),
        help=f"in the units of your columns something like `{_suggested(worst)}`, or leave the "
        "prior out and take the default",
    )


def _suggested(misfit: _Misfit) -> str:
    """A statement with a prior of a plausible size."""
    node, scale = misfit.node, _rounded(misfit.yardstick.sd)
    index = f"[{', '.join(node.domain)}]" if node.domain else ""
    positive = node.support.lower == 0
    prior = (
        f"halfnormal({scale})"
        if positive
        else f"normal({_rounded(misfit.yardstick.mean)}, {scale})"
    )
    return f"{node.name}{index} ~ {prior}"


def _rounded(value: float, digits: int = 2) -> str:
    """A number to a few digits, without an exponent where it is not huge.

    >>> _rounded(2134.0), _rounded(0.004712)
    ('2100', '0.0047')
    """
    return number(float(f"{value:.{digits}g}"))
