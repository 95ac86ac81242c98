"""The parts of the functions beside a model that are no model: `condense`, `recover`'s draws."""

from hdsl.backends.expressions import write
from hdsl.backends.layout import WIDTH, lay_out_entry
from hdsl.backends.namer import quoted
from hdsl.backends.page import Page
from hdsl.backends.program import Assign, Call, Collapsed, Comment, Load, Return, Variable
from hdsl.backends.prune import used_by
from hdsl.families.functions import Library


def print_condense(collapsed: Collapsed, page: Page) -> None:
    """Add `condense`: the data reduced to what `collapsed` reads."""
    page.blank(2)
    page.verbatim("def condense(data):", '    """What `collapsed` reads of the prepared data."""')
    used = frozenset[str]().union(*map(used_by, collapsed.condense))
    for level, size in collapsed.sizes:
        if size in used:
            page.code(f'{size} = len(data["coords"][{quoted(level)}])', 4)
    for statement in collapsed.condense:
        match statement:
            case Load(target=target):
                page.code(f"{target} = data[{quoted(target)}]", 4)
            case Assign(target=target, value=value):
                page.code(f"{target} = {write(value, Library.NUMPY)}", 4)
            case Comment():
                page.comment(statement, 4)
            case _:
                raise AssertionError(statement)
    entries = [(quoted(name), f"data[{quoted(name)}]") for name in collapsed.kept]
    entries += [(quoted(name), name) for name in collapsed.made]
    entries.append(('"coords"', 'data["coords"]'))
    _print_dictionary(entries, page)


def _print_dictionary(entries: list[tuple[str, str]], page: Page) -> None:
    """Add the return of a dictionary, given as source, with an entry on each line."""
    if not entries:
        page.verbatim("    return {}")
        return
    lines = [line for key, value in entries for line in lay_out_entry(key, value, 8)]
    page.verbatim("    return {", *lines, "    }")


def print_head(name: str, says: str, collapsed: Collapsed, page: Page) -> None:
    """Add the first lines of a function that samples, with what the passes did."""
    page.verbatim(f"def {name}(data):", f'    """{says}')
    page.paragraphs(collapsed.notes, 4)
    page.verbatim('    """')


def print_recovery(collapsed: Collapsed, page: Page) -> None:
    """Add the draws of NumPyro's `recover` and what it gives back, by site."""
    for number, statement in enumerate(collapsed.recover):
        assert isinstance(statement, Assign), statement
        text = write(statement.value, Library.NUMPYRO)
        key = f"jax.random.fold_in(key, {number})"
        page.code(f"{statement.target} = {text}".replace("source_draw", key), 4)
    entries = [(quoted(site), write(v, Library.NUMPYRO)) for site, v in collapsed.recovered]
    _print_dictionary(entries, page)


def print_return(values: str, page: Page) -> None:
    """Add the return of several values, on lines of their own where they are long."""
    if len(values) + len("    return ") <= WIDTH:
        page.verbatim(f"    return {values.removeprefix('(').removesuffix(')')}")
        return
    items = values.removeprefix("(").removesuffix(")").split(", ")
    page.verbatim("    return (", *(f"        {item}," for item in items), "    )")


def returned(collapsed: Collapsed) -> tuple[str, ...]:
    """What `collapsed` gives back, by variable."""
    match collapsed.body[-1]:
        case Return(value=Call(arguments=values)):
            return tuple(value.name for value in values if isinstance(value, Variable))
        case _:
            return ()
