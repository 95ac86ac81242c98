"""H608: a predictor far from zero, whose slope varies together with an intercept."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hdsl.data.problem import number
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import Expr
from hdsl.ir.model import Coefficient, Model
from hdsl.ir.text import text_of
from hdsl.lint.reading import Spread, located, spreads, warning

if TYPE_CHECKING:
    from hdsl.data.bind import Binding

_FAR = 3.0  # sds between the predictor's mean and zero


def check(model: Model, binding: "Binding") -> Iterator[Diagnostic]:
    """A warning for each predictor whose zero lies far outside of the data."""
    seen: set[str] = set()
    for coefficient in model.coefficients:
        for use in located(model, coefficient.name):
            if use.multiplier is None or not _beside_intercept(model, coefficient):
                continue
            for predictor, found in spreads(binding, use.multiplier):
                if found.sd and abs(found.mean) > _FAR * found.sd and predictor not in seen:
                    seen.add(predictor)
                    yield _uncentred(coefficient, use.multiplier, predictor, found)


def _uncentred(coefficient: Coefficient, whole: Expr, predictor: str, found: Spread) -> Diagnostic:
    centred = _centred(predictor)
    in_block = text_of(whole) != predictor
    return warning(
        "H608",
        f"`{predictor}` lies far from zero: its mean is {number(found.mean)}, "
        f"its sd {number(found.sd)}",
        coefficient.span,
        f"`{coefficient.name}` multiplies it and varies beside an intercept",
        notes=(
            f"the intercepts are values at `{predictor}` = 0, far outside of the data, and "
            "are tied to the slopes: chains move slowly, and intercepts mean little",
        ),
        help=f"centre it: `{centred} = center({predictor})` in the block, or `center` all of it"
        if in_block
        else f"centre it: `data {centred} = center({predictor})`, and use `{centred}` in its place",
    )


def _beside_intercept(model: Model, slope: Coefficient) -> bool:
    """Whether an intercept varies over a level over which the slope varies too."""
    levels = {part.level for part in slope.parts}
    return any(
        use.multiplier is None
        for other in model.coefficients
        if other is not slope and levels & {part.level for part in other.parts}
        for use in located(model, other.name)
    )


def _centred(predictor: str) -> str:
    return f"{predictor}_c" if predictor.isidentifier() else "centred"
