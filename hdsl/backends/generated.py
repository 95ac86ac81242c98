"""What ``emit`` gives: a Python file as text, and what a caller must know to run it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hdsl.expr import Domain


@dataclass(frozen=True)
class Generated:
    """A generated file.

    ``lines`` pairs its lines with those of the model. ``keys`` leads from the name of data to its
    key in `data`, ``observed`` from an outcome to the key of what is observed of it, ``seen`` to
    that of the rows where it is, ``row_index`` from a level to that of each row's group, ``sites``
    from an outcome to its site. The results do not keep ``auxiliary`` sites; ``dims`` are those of
    the others. ``site_domains`` are the levels and axes of every sampled site that is no outcome,
    auxiliary or not; axes of its values beyond them are those of one draw of its distribution.
    ``by_row`` are the keys of `data` whose first axis is that of the rows. A site over the members
    of a parameter that are not set to constants has an axis of its own: ``free`` leads from that
    to the levels it is made of, each with the key of the members' numbers. ``imputed`` leads from
    the axis of an imputed column's missing values to the column, its level, and that key.
    ``collapsed``: the file has `condense`, `collapsed` and `recover` besides, to sample by; of an
    outcome that is ``condensed`` no row is read any more when they do.
    """

    text: str
    backend: str
    lines: tuple[tuple[int, int], ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    row_index: Mapping[str, str] = field(default_factory=dict)
    observed: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)
    auxiliary: tuple[str, ...] = ()
    dims: Mapping[str, Domain] = field(default_factory=dict)
    site_domains: Mapping[str, Domain] = field(default_factory=dict)
    by_row: tuple[str, ...] = ()
    free: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    imputed: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    collapsed: bool = False
    condensed: bool = False
