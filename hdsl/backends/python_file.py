"""A whole generated file: docstring, imports, constants, `prepare`, the model, helpers."""

import ast
import re

from hdsl.backends.backend import Backend
from hdsl.backends.helpers import complete
from hdsl.backends.kernels import KERNELS
from hdsl.backends.layout import lay_out, lay_out_entry
from hdsl.backends.namer import quoted
from hdsl.backends.page import Page
from hdsl.backends.program import Comment, Program
from hdsl.backends.prune import variables
from hdsl.backends.spelling import SITE_HELPERS
from hdsl.families import ARRAYS, FAMILIES
from hdsl.families.functions import FUNCTIONS, Library
from hdsl.families.tails import TAIL_FUNCTIONS
from hdsl.families.wrapper import BY_EVENT, MIXTURE_OVER, WRAPPERS

_PREPARE = '''\
def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """'''

_STANDARD = (
    ("math", "import math"),
    ("re", "import re"),
    ("fnmatchcase", "from fnmatch import fnmatchcase"),
    ("partial", "from functools import partial"),
    ("NormalDist", "from statistics import NormalDist"),
)
RESERVED = ("condense", "arranged", "collapsed", "recover", "values", "key", "handlers")
"""What the functions beside a model call their own."""

_DEFINED = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
_CALLED = re.compile(r"\b(\w+)\(")


def print_file(program: Program, backend: Backend) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text of the file and, for its lines, the lines of the model that they serve."""
    page = Page(program.source_name)
    _constants(program, page)
    _prepare(program, page)
    page.serving = None
    page.blank(2)
    helpers = backend.body(program, page)
    page.serving = None
    _helpers(program, helpers, backend, page)
    top = [*_docstring(program, backend), "", *_imports(page, backend), ""]
    text = "\n".join([*top, *page.text]) + "\n"
    return text, tuple((line + len(top), served) for line, served in page.lines)


def _docstring(program: Program, backend: Backend) -> list[str]:
    lines = [f'"""{program.headline}.', ""]
    lines.append(f"Written by HDSL from {program.source_name}, for {backend.title}:")
    lines += ["", *(f"    {line}" for line in _usage(program, backend))]
    if program.notes:
        lines += ["", *program.notes]
    return [*lines, '"""']


def _usage(program: Program, backend: Backend) -> tuple[str, ...]:
    """The lines that run the file by hand."""
    if program.collapsed is None:
        return backend.usage
    whole = not program.collapsed.recovered
    return (backend.whole_usage if whole else ()) or backend.fast_usage


def _imports(page: Page, backend: Backend) -> list[str]:
    nodes = ast.walk(ast.parse("\n".join(page.text)))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    standard = [line for name, line in _STANDARD if name in used]
    modules = [line for name, line in backend.modules if name in used]
    return [*standard, *([""] if standard else []), *modules]


def _constants(program: Program, page: Page) -> None:
    labels = [(level, f"[{', '.join(map(quoted, found))}]") for level, found in program.coords]
    page.verbatim(
        '# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.'
    )
    _dictionary("COORDS", labels, page)
    page.blank()
    page.verbatim("# The levels over which a result varies.")
    dims = [
        (name, f"({', '.join(map(quoted, domain))}{',' * (len(domain) == 1)})")
        for name, domain in program.dims
        if domain
    ]
    _dictionary("DIMS", dims, page)
    page.blank(2)


def _dictionary(target: str, entries: list[tuple[str, str]], page: Page) -> None:
    """A dictionary with an entry on each line."""
    if not entries:
        page.verbatim(f"{target} = {{}}")
        return
    lines = [line for key, value in entries for line in lay_out_entry(quoted(key), value, 4)]
    page.verbatim(f"{target} = {{", *lines, "}")


def _prepare(program: Program, page: Page) -> None:
    page.verbatim(*_PREPARE.split("\n"))
    for line in program.prepare:
        match line.kind:
            case "comment":
                page.comment(Comment(line.source, line.line), 4)
            case "blank":
                page.serving = None
                page.blank()
            case "code":
                _statement(line.source, page)


def _statement(source: str, page: Page) -> None:
    """A statement of `prepare`, which may be one of a block or the return of a dictionary."""
    indent = 4 + len(source) - len(source.lstrip())
    source = source.lstrip()
    if source.startswith("return {"):
        entries = source.removeprefix("return {").removesuffix(",}")
        page.verbatim(
            "    return {", *(f"        {entry}," for entry in entries.split("\n")), "    }"
        )
    elif source.endswith(":"):
        page.verbatim(" " * indent + source)
    else:
        page.verbatim(*lay_out(source, indent))


def definitions(library: Library) -> frozenset[str]:
    """The names of all that spellings may define in a file for a library."""
    families = (
        spelling.helper or ""
        for family in FAMILIES.values()
        for spelling in (family.numpyro if library is Library.NUMPYRO else family.pymc).values()
    )
    helpers = (*(row.helper for row in WRAPPERS.values()), MIXTURE_OVER, BY_EVENT)
    wrappers = (text for h in helpers for text in (h.source(library), h.tails or ""))
    special = (row.source for row in TAIL_FUNCTIONS.values())
    tails = (f"{family}_tails" for family in FAMILIES)
    algebra = (helper.source for helper in KERNELS[library].values())
    own = (*SITE_HELPERS[library], *_of_functions(library))
    sources = "\n".join((*families, *own, *wrappers, *special, *algebra))
    return frozenset((*_DEFINED.findall(sources), *tails, *RESERVED))


def _algebra(used: frozenset[str], library: Library) -> list[str]:
    """The kernels that are called, and those that they call."""
    kernels = KERNELS[library]
    wanted = [name for name in kernels if name in used]
    wanted += [name for called in wanted for name in kernels[called].calls]
    return [helper.source for name, helper in kernels.items() if name in wanted]


def _of_functions(library: Library) -> list[str]:
    """The definitions that the functions of the tables need."""
    found = [function.helper(library) for function in FUNCTIONS.values()]
    found += [function.helper(library) for function in ARRAYS.values()]
    return [source for source in found if source is not None]


def _helpers(program: Program, spellings: tuple[str, ...], backend: Backend, page: Page) -> None:
    """The definitions that distributions, functions and `prepare` call, each once."""
    text = "\n".join(page.text)
    used = variables(text)
    functions = _of_functions(backend.library)
    called = [source for source in functions if not used.isdisjoint(_DEFINED.findall(source))]
    sources = [*called, *spellings, *(helper.source for helper in complete(program.helpers))]
    if program.collapsed is not None:
        sources += _algebra(frozenset(_CALLED.findall(text)), backend.library)
    definitions = [part.strip("\n") for source in sources for part in source.split("\n\n\n")]
    for definition in dict.fromkeys(definitions):
        page.blank(2)
        page.verbatim(*definition.split("\n"))
