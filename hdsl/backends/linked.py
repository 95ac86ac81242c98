"""Linear predictors kept: with `negbinomial(mu, phi)`, `log(mu) = eta` becomes `log_mu = eta`.

A model-to-model step before lowering. A definition that is a link's inverse of something, and that
a distribution takes by a parameter with a stable linked form, is split in two: the linear predictor
`log(mu)` and `mu` itself, which goes where nothing else needs it.
"""

from collections.abc import Iterator
from dataclasses import replace

from hdsl.expr import Expr, Value, names
from hdsl.families import FAMILIES
from hdsl.families.links import LINKS
from hdsl.families.wrapper import WRAPPERS
from hdsl.ir.model import Definition, Distribution, Model, Node, Outcome, Parameter
from hdsl.ir.uses import expressions
from hdsl.ir.wrapped import every, parameter_of


def split_linked(model: Model) -> Model:
    """The model with every linear predictor that a distribution can take as it is on its own."""
    links = dict(_linked(model))
    if not links:
        return model
    nodes: list[Node] = []
    for node in model.nodes:
        match node:
            case Definition(name=name) if name in links:
                nodes += _split(node, links[name])
            case Parameter() | Outcome():
                nodes.append(replace(node, distribution=_taken(node.distribution, links)))
            case _:
                nodes.append(node)
    used = {name for node in nodes for _, expr in expressions(node) for name in names(expr)}
    kept = tuple(
        node
        for node in nodes
        if not (
            isinstance(node, Definition)
            and node.name in links
            and not (node.recorded or node.name in used)
        )
    )
    return replace(model, nodes=kept)


def linear_predictor(name: str, link: str) -> str:
    """The name of a definition's value on the link scale."""
    return f"{link}({name})"


def _linked(model: Model) -> Iterator[tuple[str, str]]:
    """Definitions that a distribution takes on a link scale, with the link."""
    for node in model.nodes:
        if not isinstance(node, Parameter | Outcome):
            continue
        for distribution, argument, value in _arguments(node.distribution):
            definition = model.by_name.get(value.name) if isinstance(value, Value) else None
            if not isinstance(definition, Definition):
                continue
            own, written = parameter_of(distribution, argument)
            for link in () if written is not None else own.links:
                stable = _is_stable(distribution, f"{link}_{argument}")
                if stable and LINKS[link].inverted(definition.expr) is not None:
                    yield definition.name, link


def _arguments(distribution: Distribution) -> Iterator[tuple[Distribution, str, Expr]]:
    for each in every(distribution):
        for argument, value in each.arguments:
            yield each, argument, value


def _is_stable(distribution: Distribution, form: str) -> bool:
    """Whether a distribution is written by way of a linked form."""
    family = FAMILIES.get(distribution.family)
    forms = (*family.numpyro, *family.pymc) if family is not None else ()
    return distribution.family in WRAPPERS or any(form in names for names in forms)


def _split(node: Definition, link: str) -> tuple[Definition, Definition]:
    inner = LINKS[link].inverted(node.expr)
    assert inner is not None
    name = linear_predictor(node.name, link)
    linear = replace(node, name=name, expr=inner, recorded=False, reported=False)
    return linear, replace(node, expr=LINKS[link].invert(Value(name)))


def _taken(distribution: Distribution, links: dict[str, str]) -> Distribution:
    """The distribution with each argument that was split by its linked form."""
    arguments: list[tuple[str, Expr]] = []
    for argument, value in distribution.arguments:
        link = links.get(value.name) if isinstance(value, Value) else None
        own = parameter_of(distribution, argument)[0]
        if isinstance(value, Value) and link is not None and link in own.links:
            arguments.append(
                (f"{link}_{argument}", Value(linear_predictor(value.name, link), span=value.span))
            )
        else:
            arguments.append((argument, value))
    inner = tuple(_taken(each, links) for each in distribution.inner)
    return replace(distribution, arguments=tuple(arguments), inner=inner)
