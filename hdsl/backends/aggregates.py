"""`average` and `total` as terms: sums by group, with groups counted in `prepare`."""

from typing import TYPE_CHECKING

from hdsl.backends.inputs import Computed, Count, Index
from hdsl.backends.program import Call, Term, Variable
from hdsl.check.domains import reaching, union
from hdsl.expr import Aggregate, Domain, Expr, names
from hdsl.ir.model import Data, Model

if TYPE_CHECKING:
    from hdsl.backends.terms import Terms


def aggregate_term(expr: Aggregate, terms: "Terms") -> Term:
    """The term of an aggregate over its own domain."""
    if not terms.compares_labels and _is_data(expr, terms.model):
        return Variable(terms.variable(Computed(expr, expr.to)))
    joint = _joint(expr, terms)
    values = terms(expr.argument, joint)
    if expr.weight is None:
        if expr.function == "total":
            return _summed(values, joint, expr.to, terms)
        return _averaged(values, joint, expr.to, terms)
    weighted = Call("*", (terms(expr.weight, joint), values))
    numerator = _summed(weighted, joint, expr.to, terms)
    if expr.function == "total":
        return numerator
    return Call("/", (numerator, _whole_weight(expr, expr.weight, joint, terms)))


def _joint(expr: Aggregate, terms: "Terms") -> Domain:
    """The groups that are added up: those of the argument and of the weight."""
    found = [terms.domain(part) for part in (expr.argument, expr.weight) if part is not None]
    return union(terms.model.levels, found)


def _is_data(expr: Expr, model: Model) -> bool:
    return all(isinstance(model.by_name[name], Data) for name in names(expr))


def _whole_weight(expr: Aggregate, weight: Expr, joint: Domain, terms: "Terms") -> Term:
    """The sum of the weights in each group of the result."""
    if set(terms.domain(weight)) == set(joint):
        if not terms.compares_labels and _is_data(weight, terms.model):
            whole = Aggregate("total", weight, expr.to)
            return Variable(terms.variable(Computed(whole, expr.to)))
        return _summed(terms(weight, joint), joint, expr.to, terms)
    spread = Call("broadcast", (terms(weight, joint), terms.shape(joint)))
    return _summed(spread, joint, expr.to, terms)


def _summed(values: Term, joint: Domain, to: Domain, terms: "Terms") -> Term:
    """The sums of an array over ``joint`` in each group of ``to``."""
    if not to:
        return Call("sum", (values,))
    axis = _axis(joint, to, terms)
    values = _over_others("sum along", values, joint, axis)
    return values if joint[axis] == to[0] else _by_group(values, joint[axis], to[0], terms)


def _averaged(values: Term, joint: Domain, to: Domain, terms: "Terms") -> Term:
    """The means, each group counted once."""
    if not to:
        return Call("mean", (values,))
    axis = _axis(joint, to, terms)
    values = _over_others("mean along", values, joint, axis)
    if joint[axis] == to[0]:
        return values
    count = Variable(terms.variable(Count(to[0], joint[axis])))
    return Call("/", (_by_group(values, joint[axis], to[0], terms), count))


def _axis(joint: Domain, to: Domain, terms: "Terms") -> int:
    """The axis from which the level of the result is looked up."""
    (level,) = to
    return joint.index(reaching(terms.model.levels, joint, level)[0])


def _over_others(function: str, values: Term, joint: Domain, axis: int) -> Term:
    others = [str(i) for i in range(len(joint)) if i != axis]
    if not others:
        return values
    written = others[0] if len(others) == 1 else f"({', '.join(others)})"
    return Call(function, (values, Variable(written)))


def _by_group(values: Term, fine: str, coarse: str, terms: "Terms") -> Term:
    index = Variable(terms.variable(Index(coarse, fine)))
    return Call("sum by group", (values, index, Variable(terms.size(coarse))))
