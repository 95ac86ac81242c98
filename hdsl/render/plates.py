"""Which frame lies in which: plates are nested where levels nest, and nowhere else.

A quantity over crossed levels gets a plate of its own, ``student × item``. It lies in neither of
the two, for a frame inside `student` would say that each item belongs to one student.
"""

from collections.abc import Iterable, Mapping

from hdsl.expr import ROW, Domain
from hdsl.ir.facts import Facts
from hdsl.ir.graph import groups, labels
from hdsl.ir.levels import above, direct_parents, is_coarser
from hdsl.ir.model import LevelKind, Model
from hdsl.render.picture import Plate

_FEW = 5


def plate_key(domain: Domain) -> str | None:
    """The key of the plate of a domain; None where nothing varies."""
    return " × ".join(domain) or None


def framed(model: Model, domain: Domain) -> Domain:
    """A domain without the axes of blocks: a vector along one stands in a frame as it is."""
    return tuple(name for name in domain if not _is_block(model, name))


def titled(model: Model, name: str, domain: Domain) -> str:
    """A quantity's name with the axes of blocks that it varies over: ``theta[X]``."""
    axes = [level for level in domain if _is_block(model, level) and level != name]
    if not axes:
        return name
    head, comma = (name[:-1], ", ") if name.endswith("]") else (name, "[")
    return f"{head}{comma}{', '.join(axes)}]"


def _is_block(model: Model, level: str) -> bool:
    return level in model.levels and model.levels[level].kind is LevelKind.BLOCK


def plates(model: Model, domains: Iterable[Domain], facts: Facts | None) -> tuple[Plate, ...]:
    """The plates of the domains that occur, coarse ones first, each in the one it lies in."""
    occurring = tuple(dict.fromkeys(domain for domain in domains if domain))
    parents = {d: parent(model, d, occurring) for d in occurring}
    ordered = sorted(occurring, key=lambda d: (_depth(d, parents), _place(model, d)))
    return tuple(
        Plate(
            plate_key(d) or "",
            title(model, d),
            note(model, d, parents[d], facts),
            plate_key(parents[d]),
        )
        for d in ordered
    )


def parent(model: Model, domain: Domain, occurring: Iterable[Domain]) -> Domain:
    """The finest domain that a domain truly lies in; () where there is none.

    It must be in line with every level above the domain: a frame inside one of two crossed
    levels would hide the other.
    """
    lines = {*domain, *(name for level in domain for name in above(model, level))}
    found: Domain = ()
    for other in occurring:
        # strictly: two spellings of one crossing lie in neither of each other
        holds = is_coarser(model, other, domain) and not is_coarser(model, domain, other)
        in_line = all(
            is_coarser(model, (name,), other) or is_coarser(model, other, (name,)) for name in lines
        )
        if holds and in_line and is_coarser(model, found, other):
            found = other
    return found


def title(model: Model, domain: Domain) -> str:
    """What a plate is called: its level, or the levels it crosses."""
    return " × ".join(level_title(model, level) for level in domain)


def note(model: Model, domain: Domain, inside: Domain, facts: Facts | None) -> str:
    """What is known of a plate's groups: how many, by name if few, and what they lie across."""
    notes = [
        text for text in (_count(model, domain, facts), _across(model, domain, inside)) if text
    ]
    return ", ".join(notes)


def level_title(model: Model, level: str) -> str:
    """A level's name; that of an interaction with spaces, as the formatter writes it."""
    known = model.levels.get(level)
    if known is None or known.kind is not LevelKind.CROSS:
        return level
    components = " : ".join(known.parents)
    return components if level.replace(" ", "") == components.replace(" ", "") else level


def count_text(level: str, number: int) -> str:
    """A number of groups in words.

    >>> count_text("row", 919), count_text("county", 1)
    ('919 rows', '1 group')
    """
    noun = "row" if level == ROW else "group"
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _count(model: Model, domain: Domain, facts: Facts | None) -> str:
    if len(domain) > 1:
        sizes = [groups(model, level, facts) for level in domain]
        known = [str(size) for size in sizes if size is not None]
        return " × ".join(known) if len(known) == len(sizes) else ""
    level = domain[0]
    if level not in model.levels:
        return ""
    names = labels(model, level, facts)
    if model.levels[level].kind.is_axis and names and len(names) <= _FEW:
        return ", ".join(names)
    number = groups(model, level, facts)
    return "" if number is None else count_text(level, number)


def _across(model: Model, domain: Domain, inside: Domain) -> str:
    if len(domain) > 1 or domain[0] not in model.levels:
        return ""
    across = direct_parents(model, domain[0])
    told = len(across) < 2 or set(across) <= set(inside) | {domain[0]}
    if told:
        return ""
    if model.levels[domain[0]].kind is LevelKind.CROSS:
        return "observed combinations"
    return "each in one " + " and one ".join(level_title(model, level) for level in across)


def _depth(domain: Domain, parents: Mapping[Domain, Domain]) -> int:
    return 1 + _depth(parents[domain], parents) if parents[domain] else 0


def _place(model: Model, domain: Domain) -> tuple[int, int]:
    """Crossings come behind all that they cross."""
    order = list(model.levels)
    places = [order.index(level) if level in order else len(order) for level in domain]
    return max(places), len(domain)
