"""The model view: quantities in plates, who is used by whom."""

from collections.abc import Iterator
from dataclasses import replace

from hdsl.expr import Domain
from hdsl.ir.facts import Facts
from hdsl.ir.imputed import column, known
from hdsl.ir.model import (
    Correlation,
    Data,
    Definition,
    Deviations,
    Model,
    Node,
    Outcome,
    Parameter,
)
from hdsl.ir.text import text_of, text_of_distribution, text_of_target
from hdsl.ir.uses import expressions, imputed_parts, values
from hdsl.render.blocks import shown
from hdsl.render.compact import compact
from hdsl.render.model_text import model_text
from hdsl.render.picture import Arrow, Box, Kind, Line, Picture, Table, wrap
from hdsl.render.plates import framed, plate_key, plates, titled
from hdsl.render.population import draw_group, joint_groups, prior_line

_LABEL = 32


def model_picture(model: Model, facts: Facts | None = None) -> Picture:
    """The picture of a model: plates, boxes and arrows, in the model's own order."""
    boxes: list[tuple[Box | Table, Domain]] = []
    homes: dict[str, str] = {}
    uses: dict[str, tuple[str, ...]] = {}
    joint: list[Arrow] = []
    for group in joint_groups(model):
        drawn = draw_group(model, group)
        boxes += drawn.boxes
        homes |= drawn.homes
        uses |= drawn.uses
        joint += drawn.joint
    homes |= {part: column(known(part)) for part in imputed_parts(model)}
    hidden = _hidden(model)
    for node in model.nodes:
        if _stands_alone(node, homes) and node.name not in hidden:
            boxes.append((_box(model, node), node.domain))
            homes[node.name] = node.name
            uses[node.name] = _uses(model, node)
    boxes = [(_titled(model, box, domain), framed(model, domain)) for box, domain in boxes]
    whole = Picture(
        title=model.title,
        description=model_text(model, facts),
        boxes=tuple(replace(box, plate=plate_key(domain)) for box, domain in boxes),
        arrows=(*_arrows(uses, homes), *joint),
        plates=plates(model, (domain for _, domain in boxes), facts),
    )
    return compact(whole)


def _titled(model: Model, box: Box | Table, domain: Domain) -> Box | Table:
    if isinstance(box, Table):
        return box
    return replace(box, title=titled(model, box.title, domain))


def _stands_alone(node: Node, homes: dict[str, str]) -> bool:
    """Whether a node has a box of its own: no part of a coefficient nor an outcome's data."""
    match node:
        case Deviations() | Correlation():
            return False
        case Data(observed=observed, impute=impute):
            return not (observed or impute)
        case Parameter() | Definition():
            return node.name not in homes
        case Outcome():
            return True


def _hidden(model: Model) -> frozenset[str]:
    """What would only repeat another box, as nothing else uses it.

    That is data in other data's expressions alone, and inner totals of crossed coefficients.
    """
    used = {
        name
        for node in model.nodes
        if not isinstance(node, Data)
        for _, expr in expressions(node)
        for name in values(expr)
    }
    parts = [(c, part) for c in model.coefficients for part in c.parts]
    used |= {name for _, part in parts for _, w in part.slopes for name in values(w)}
    data = {n.name for n in model.nodes if isinstance(n, Data) and not n.observed}
    inner = {f"{c.scale_name}[{part.level}]" for c, part in parts if c.crossed}
    return frozenset((data | inner) - used)


def _uses(model: Model, node: Node) -> tuple[str, ...]:
    own = [name for _, expr in expressions(node) for name in values(expr)]
    if isinstance(node, Outcome):
        own += [name for _, expr in expressions(model.by_name[node.name]) for name in values(expr)]
    return tuple(own)


def _arrows(uses: dict[str, tuple[str, ...]], homes: dict[str, str]) -> Iterator[Arrow]:
    for target, names in uses.items():
        sources = dict.fromkeys(homes[name] for name in names if name in homes)
        yield from (Arrow(source, target) for source in sources if source != target)


def _box(model: Model, node: Node) -> Box:
    match node:
        case Data():
            return Box(node.name, Kind.DATA, node.name, _derived(node))
        case Parameter():
            return Box(node.name, Kind.LATENT, node.name, _parameter(node))
        case Definition(expr=expr):
            return Box(node.name, Kind.DEFINITION, node.name, _wrapped(f"= {text_of(expr)}"))
        case Outcome(distribution=distribution, transform=transform):
            data = model.by_name[node.name]
            text = text_of_distribution(distribution)
            if transform is not None:
                text = f"{text_of_target(node.name, transform)} ~ {text}"
            derived = _derived(data) if isinstance(data, Data) else ()
            return Box(node.name, Kind.OUTCOME, node.name, (*_wrapped(text), *derived))
        case Deviations() | Correlation():
            raise AssertionError("parts of coefficients are drawn by their group")


def _derived(node: Data) -> tuple[Line, ...]:
    """How derived data are derived, unless their very name says so."""
    if node.expr is None or text_of(node.expr) == node.name:
        return ()
    return _wrapped(f"= {shown(node.expr)}")


def _parameter(node: Parameter) -> tuple[Line, ...]:
    text = text_of_distribution(node.distribution)
    pinned = tuple(
        Line(f"[{', '.join(map(_quoted, labels))}] = {text_of(value)}")
        for labels, value in node.pinned
    )
    if node.rule is not None:
        return (prior_line(text, default=True, width=_LABEL), *pinned)
    if node.transform is not None:
        text = f"{text_of_target(node.name, node.transform)} ~ {text}"
    return (*_wrapped(text), *pinned)


def _quoted(label: str) -> str:
    return f'"{label}"'


def _wrapped(text: str) -> tuple[Line, ...]:
    return tuple(Line(line) for line in wrap(text, _LABEL))
