"""What changed in meaning between two models, as sentences with a place on both sides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hdsl.ir.compare.facts import DEFAULT, Fact, Facts, Key, where
from hdsl.ir.model import Model

type Place = tuple[int, str]
"""A line of a file, from 1, and its text."""


@dataclass(frozen=True)
class Change:
    """One thing that changed; ``before`` and ``after`` are where it stands, None where nowhere."""

    kind: str
    says: str
    before: Place | None
    after: Place | None


@dataclass(frozen=True)
class Difference:
    """All changes of meaning; ``notes`` are differences that leave the meaning as it is."""

    changes: tuple[Change, ...]
    notes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether both models mean the same."""
        return not self.changes

    def as_json(self) -> dict[str, Any]:
        """The difference as plain values."""
        return {
            "same": self.same,
            "changes": [_plain(change) for change in self.changes],
            "notes": [_plain(note) for note in self.notes],
        }


def _plain(change: Change) -> dict[str, Any]:
    def place(at: Place | None) -> dict[str, Any] | None:
        return None if at is None else {"line": at[0], "text": at[1]}

    return {
        "kind": change.kind,
        "says": change.says,
        "before": place(change.before),
        "after": place(change.after),
    }


NOTES = ("sampling", "title")


def difference(before: Model, after: Model, renamed: Mapping[str, str] | None = None) -> Difference:
    """What changed from one model to another.

    ``renamed`` leads from names of ``before`` to those that the user gave in ``after``, which
    bears the old ones here.
    """
    ours, theirs = Facts(before), Facts(after)
    apart = {
        key
        for key in {**ours.table, **theirs.table}
        if _value(ours.table, key) != _value(theirs.table, key)
    }
    found = [_renaming(ours, theirs, old, new) for old, new in (renamed or {}).items()]
    for key in {**ours.table, **theirs.table}:
        if key in apart and not _follows(ours.table, theirs.table, key, apart):
            found.append(_change(ours, theirs, key))
    found = [*_defaults_together(found), *_titles(before, after)]
    changes = tuple(change for change in found if change.kind not in NOTES)
    notes = tuple(change for change in found if change.kind in NOTES)
    return Difference(changes, notes)


def _value(table: Mapping[Key, Fact], key: Key) -> str | None:
    return table[key].value if key in table else None


def _follows(
    ours: Mapping[Key, Fact], theirs: Mapping[Key, Fact], key: Key, apart: set[Key]
) -> bool:
    """Whether a difference follows from another that is told."""
    if key[0] == "sampling" and not (key in ours and key in theirs):
        return True
    facts = [table[key] for table in (ours, theirs) if key in table]
    return any(reason in apart for fact in facts for reason in fact.because) or any(
        _follows(ours, theirs, reason, apart)
        for fact in facts
        for reason in fact.because
        if reason in ours or reason in theirs
    )


def _change(ours: Facts, theirs: Facts, key: Key) -> Change:
    old, new = ours.table.get(key), theirs.table.get(key)
    before = None if old is None else where(old, ours.model)
    after = None if new is None else where(new, theirs.model)
    fact = new or old
    assert fact is not None
    if old is not None and new is not None and DEFAULT in old.shown and DEFAULT in new.shown:
        return Change("default", f"`{fact.subject}`", before, after)
    return Change(fact.kind, _words(old, new), before, after)


def _defaults_together(found: list[Change]) -> list[Change]:
    """The changes with all default priors that follow from others in one, which stands last."""
    defaults = [change for change in found if change.kind == "default"]
    if not defaults:
        return found
    *head, last = (change.says for change in defaults)
    names = f"{', '.join(head)} and {last}" if head else last
    plural = "s" * bool(head)
    says = f"the default prior{plural} of {names}, scaled by what changed"
    others = [change for change in found if change.kind != "default"]
    return [*others, Change("default", says, None, None)]


def _words(old: Fact | None, new: Fact | None) -> str:
    """The sentence of a fact that came, went or changed."""
    if old is not None and new is not None:
        return _changed(old, new)
    fact = new or old
    assert fact is not None
    came, name, shown = new is not None, fact.subject, fact.shown
    match fact.kind:
        case "varies":
            return f"`{name}` {'now varies' if came else 'no longer varies'} by `{shown}`"
        case "predictor":
            now = "is regressed on" if came else "is no longer regressed on"
            return f"`{name}` {now} `{shown}`"
        case "mean":
            return f"the mean of `{name}` {'is estimated' if came else 'is fixed at 0'}"
        case "joint":
            now = "now vary jointly, correlated" if came else "are no longer correlated"
            return f"{name} {now} within `{shown}`"
        case "member":
            return f"`{name}` is set to {shown}" if came else f"`{name}` is no longer set"
        case "outcome":
            return f"`{name}` is an outcome: {shown}" if came else f"`{name}` is no longer modelled"
        case "prior":
            return f"the prior of `{name}` {'is now' if came else 'was'} {shown}"
        case "role":
            return f"`{name}` is new: it {shown}" if came else f"`{name}` is gone"
        case "argument":
            argument, _, outcome = name.partition(" ")
            now = "has now the argument" if came else "has no longer the argument"
            return f"`{outcome}` {now} `{argument}`" + (f" = {shown}" if came else "")
        case kind:
            return (
                f"the {kind} `{name}` is new: {shown}" if came else f"the {kind} `{name}` is gone"
            )


def _changed(old: Fact, new: Fact) -> str:
    match new.kind:
        case "prior":
            return f"the prior of `{new.subject}` was {old.shown}, and is {new.shown}"
        case "outcome":
            return f"the distribution of `{new.subject}` was {old.shown}, and is {new.shown}"
        case "argument":
            name, _, outcome = new.subject.partition(" ")
            return f"the `{name}` of `{outcome}` was {old.shown}, and is {new.shown}"
        case "role":
            verb, _, rest = old.shown.partition(" ")
            past = {"varies": "varied", "is": "was"}[verb]
            return f"`{new.subject}` {past} {rest}, and now {new.shown}"
        case "sampling":
            level = f" by {new.shown}" if new.shown else ""
            centred = "centred" if new.value == "True" else "non-centred"
            return f"{new.subject}{level} is sampled {centred} now: the same distribution"
        case _:
            return f"`{new.subject}` was {old.shown}, and is {new.shown}"


def _renaming(ours: Facts, theirs: Facts, old: str, new: str) -> Change:
    def place(facts: Facts) -> Place | None:
        kinds = ("name", "data", "level", "outcome", "prior")
        found = (facts.table.get((kind, old)) for kind in kinds)
        fact = next((fact for fact in found if fact is not None), None)
        return None if fact is None else where(fact, facts.model)

    return Change("renamed", f"`{old}` is called `{new}` now", place(ours), place(theirs))


def _titles(before: Model, after: Model) -> Iterator[Change]:
    if before.title != after.title:
        yield Change("title", f"the title was {before.title}, and is {after.title}", None, None)
