"""The model as an aligned list, level by level: the text view and the words behind a picture."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from hdsl.expr import Domain
from hdsl.ir.blocks import slope_term_of
from hdsl.ir.facts import Facts
from hdsl.ir.model import (
    Coefficient,
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
from hdsl.ir.uses import imputed_parts
from hdsl.render.blocks import shown
from hdsl.render.picture import Plate
from hdsl.render.plates import framed, plate_key, plates, titled
from hdsl.render.population import joint_groups, population

_WIDEST = 34  # names longer than this do not push the others' columns to the right


@dataclass(frozen=True)
class _Entry:
    domain: Domain
    mark: str  # ○ latent, ● observed, □ data, ◇ definition
    name: str
    text: str  # with its `~`, `=` or `:`
    note: str = ""


def model_text(model: Model, facts: Facts | None = None) -> str:
    """Every quantity under the level where it lives, coarse levels first, populations first."""
    populations = [name for group in joint_groups(model) for name in population(model, group)]
    places = {name: place for place, name in enumerate(populations)}
    entries = sorted(_entries(model), key=lambda e: places.get(e.name, len(places)))
    entries = [
        replace(e, name=titled(model, e.name, e.domain), domain=framed(model, e.domain))
        for e in entries
    ]
    frames = plates(model, (e.domain for e in entries), facts)
    sections = [_section("for all", [e for e in entries if not e.domain], 0)]
    for frame, depth in _in_tree_order(frames):
        mine = [e for e in entries if plate_key(e.domain) == frame.key]
        heading = f"per {frame.title}" + (f" ({frame.note})" if frame.note else "")
        sections.append(_section(heading, mine, depth))
    title = [_one_line(model.title)] if model.title is not None else []
    text = "\n\n".join([*title, *(s for s in sections if s)])
    return f"{text}\n\n{_legend(entries)}\n"


def _section(heading: str, entries: list[_Entry], depth: int) -> str:
    if not entries:
        return ""
    width = max((len(e.name) for e in entries if len(e.name) <= _WIDEST), default=0)
    indent = "  " * depth
    lines = [indent + _one_line(heading)]
    for e in entries:
        note = f"   # {e.note}" if e.note else ""
        lines.append(_one_line(f"{indent}  {e.mark} {e.name:<{width}} {e.text}{note}".rstrip()))
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


def _legend(entries: list[_Entry]) -> str:
    words = {"○": "latent", "◇": "definition", "□": "data", "●": "observed outcome"}
    present = {e.mark for e in entries}
    return "   ".join(f"{mark} {word}" for mark, word in words.items() if mark in present)


def _in_tree_order(frames: tuple[Plate, ...]) -> Iterator[tuple[Plate, int]]:
    def below(parent: str | None, depth: int) -> Iterator[tuple[Plate, int]]:
        for frame in frames:
            if frame.parent == parent:
                yield frame, depth
                yield from below(frame.key, depth + 1)

    yield from below(None, 0)


def _entries(model: Model) -> Iterator[_Entry]:
    totals = {c.name: c for c in model.coefficients if c.parts and not c.crossed}
    inner = {f"{c.scale_name}[{part.level}]" for c in totals.values() for part in c.parts}
    told = {c.scale_name for c in totals.values()} | inner | imputed_parts(model)
    for node in model.nodes:
        if node.name in totals:
            yield from _coefficient(model, totals[node.name])
        elif node.name not in told:
            yield from _node(model, node, crossed=_crossed(model))


def _crossed(model: Model) -> frozenset[str]:
    """The deviations that no total stands for: those of crossed coefficients."""
    return frozenset(p.deviation for c in model.coefficients if c.crossed for p in c.parts)


def _coefficient(model: Model, coefficient: Coefficient) -> Iterator[_Entry]:
    centre = coefficient.mean
    for part in coefficient.parts:
        last = part is coefficient.parts[-1]
        inner = f"{coefficient.scale_name}[{part.level}]"
        slopes = [text_of(slope_term_of(model, *slope)) for slope in part.slopes]
        mean = " + ".join([*([centre] if centre else []), *slopes]) or "0"
        linked = last and coefficient.transform is not None
        left = f"{coefficient.scale_name} " if linked else ""
        domain = (part.level, *coefficient.axes)
        text = f"{left}~ normal({mean}, {part.sd})"
        yield _Entry(domain, "○", coefficient.name if last else inner, text)
        centre = inner


def _node(model: Model, node: Node, crossed: frozenset[str]) -> Iterator[_Entry]:
    match node:
        case Data(observed=True) | Data(impute=True):
            pass  # it is told as an outcome
        case Data():
            derived = node.name if node.expr is None else shown(node.expr)
            text = f": {node.type.value}" if derived == node.name else f"= {derived}"
            yield _Entry(node.domain, "□", node.name, text)
        case Parameter():
            yield _parameter(node)
        case Definition(expr=expr):
            yield _Entry(node.domain, "◇", node.name, f"= {text_of(expr)}")
        case Deviations(shares=shares):
            for s in shares:
                if s.deviation in crossed:
                    domain = (node.level, *s.axes)
                    yield _Entry(domain, "○", s.deviation, f"~ normal(0, {s.sd})")
        case Correlation(concentration=concentration, rule=rule):
            text = f"~ lkj({text_of(concentration)})"
            yield _Entry(node.domain, "○", node.name, text, _rule(rule))
        case Outcome():
            yield from _outcome(model, node)
        case _:
            assert_never(node)


def _outcome(model: Model, node: Outcome) -> Iterator[_Entry]:
    data = model.by_name[node.name]
    text = f"~ {text_of_distribution(node.distribution)}"
    if node.transform is not None:
        text = f"{text_of_target(node.name, node.transform)} {text}"
    derived = data.expr if isinstance(data, Data) else None
    note = "" if derived is None else f"{node.name} = {text_of(derived)}"
    yield _Entry(node.domain, "●", node.name, text, note)


def _parameter(node: Parameter) -> _Entry:
    text = f"~ {text_of_distribution(node.distribution)}"
    if node.transform is not None:
        text = f"{text_of_target(node.name, node.transform)} {text}"
    pinned = "".join(
        f', {node.name}["{'", "'.join(at)}"] = {text_of(value)}' for at, value in node.pinned
    )
    note = ", ".join(
        (*(("increasing",) if node.increasing else ()), *filter(None, (_rule(node.rule),)))
    )
    return _Entry(node.domain, "○", node.name, text + pinned, note)


def _rule(rule: str | None) -> str:
    return "" if rule is None else "default"
