"""The PyMC model: a function from the prepared data to a ``pm.Model``, dims named after levels."""

from hdsl.backends.backend import Backend
from hdsl.backends.expressions import write
from hdsl.backends.namer import quoted
from hdsl.backends.page import Page
from hdsl.backends.print_collapsed import print_condense, print_head, print_return, returned
from hdsl.backends.program import (
    Assign,
    Call,
    Collapsed,
    Comment,
    Drawn,
    Factor,
    Load,
    Program,
    Record,
    Return,
    Sample,
    Statement,
    Variable,
)
from hdsl.backends.prune import bound, over, used_by, variables
from hdsl.backends.spelling import spell_site
from hdsl.backends.wrapping import Wrapping
from hdsl.diagnostics.diagnostic import InternalError
from hdsl.expr import Domain
from hdsl.families.functions import Library


def print_model(program: Program, page: Page) -> tuple[str, ...]:
    """Add `build`; gives the helpers that its distributions need."""
    page.verbatim("def build(data):", f'    """{program.headline}."""')
    helpers = _print_body(program.body, program.sizes, page)
    page.verbatim("    return model")
    if program.collapsed is not None:
        helpers += _print_collapsed(program, program.collapsed, page)
    return helpers


def _print_body(
    body: tuple[Statement, ...], sizes: tuple[tuple[str, str], ...], page: Page
) -> tuple[str, ...]:
    """Add the statements that make a model; gives the helpers that its distributions need."""
    run = _Printer(body, sizes, page)
    loads = [s for s in body if isinstance(s, Load)]
    rest = [s for s in body if not isinstance(s, Load)]
    read = frozenset[str]().union(*(run.reads(statement) for statement in rest))
    for level, size in sizes:
        if size in read:
            page.code(f'{size} = len(data["coords"][{quoted(level)}])', 4)
    for load in loads:
        page.code(f"{load.target} = data[{quoted(load.target)}]", 4)
    page.verbatim('    with pm.Model(coords=data["coords"]) as model:')
    for statement in rest:
        run.statement(statement)
    return tuple(run.helpers)


def _print_collapsed(program: Program, collapsed: Collapsed, page: Page) -> tuple[str, ...]:
    """Add `condense`, `collapsed`, `recover`, and what the two have in common; gives what that
    needs. Only `collapsed` has the factors: what `recover` draws knows of the data by itself.
    """
    factors = [s for s in collapsed.body if isinstance(s, Factor)]
    densities = [f"density_{i + 1}" if i else "density" for i in range(len(factors))]
    print_condense(collapsed, page)
    page.blank(2)
    if not collapsed.recovered:
        return _print_plain(collapsed, page)
    print_head("arranged", "The model of `collapsed`, and what `recover` needs.", collapsed, page)
    helpers = _print_body(_without(factors, collapsed.body), collapsed.sizes, page)
    page.blank(2)
    page.verbatim(
        "def collapsed(data):", '    """The posterior of `build`, arranged for sampling."""'
    )
    if factors:
        page.code(f"{', '.join(('model', *densities))}, *_ = arranged(data)", 4)
        page.verbatim("    with model:")
        for factor, density in zip(factors, densities, strict=True):
            page.code(_call("pm.Potential", factor.site, density), 8)
        page.verbatim("    return model")
    else:
        page.verbatim("    return arranged(data)[0]")
    page.blank(2)
    page.verbatim(
        "def recover(data):",
        '    """`collapsed`, and what it integrates out, drawn given the data and the rest."""',
    )
    given = ("model", *("_" for _ in factors), *returned(collapsed))
    page.code(f"{', '.join(given)} = arranged(data)", 4)
    page.verbatim("    with model:")
    _print_draws(program, collapsed, page)
    page.verbatim("    return model")
    return helpers


def _print_plain(collapsed: Collapsed, page: Page) -> tuple[str, ...]:
    """Add `collapsed` where it has all sites of `build`, and `recover`, which adds none."""
    print_head("collapsed", "The posterior of `build`, arranged for sampling.", collapsed, page)
    helpers = _print_body(collapsed.body, collapsed.sizes, page)
    page.verbatim("    return model")
    page.blank(2)
    page.verbatim("def recover(data):", '    """`collapsed`, which has all that `build` has."""')
    page.verbatim("    return collapsed(data)")
    return helpers


def _without(factors: list[Factor], body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """The statements with the factors given back at the end, in the place of being added."""
    values = tuple(factor.value for factor in factors)
    rest: list[Statement] = []
    for statement in body:
        match statement:
            case Factor():
                pass
            case Return(value=Call(arguments=arguments)):
                rest.append(Return(Call("tuple", (Variable("model"), *values, *arguments))))
            case _:
                rest.append(statement)
    return tuple(rest)


def _print_draws(program: Program, collapsed: Collapsed, page: Page) -> None:
    """Add what `recover` draws, each from noise of its own, and the sites of `build`."""
    for statement in collapsed.recover:
        assert isinstance(statement, Assign), statement
        noise = quoted(f"noise in {statement.target}")
        text = write(statement.value, Library.PYMC).replace("source_draw", noise)
        page.code(f"{statement.target} = {text}", 8)
    domains = {s.site: s.domain for s in program.body if isinstance(s, Sample)}
    for site, value in collapsed.recovered:
        call = _call("pm.Deterministic", site, write(value, Library.PYMC), _dims(domains[site]))
        page.code(call, 8)


class _Printer:
    def __init__(
        self, body: tuple[Statement, ...], sizes: tuple[tuple[str, str], ...], page: Page
    ) -> None:
        self.page = page
        self.sizes = dict(sizes)
        self.used = frozenset[str]().union(*map(used_by, body))
        self.helpers: list[str] = []
        self.random: set[str] = set()  # the variables that hold tensors

    def statement(self, statement: Statement) -> None:
        """Print one statement."""
        match statement:
            case Comment():
                self.page.comment(statement, 8)
            case Load():
                pass
            case Assign(target=target, value=value):
                if self._is_tensor(write(value, Library.PYMC)):
                    self.random.add(target)
                self.page.code(f"{target} = {write(value, Library.PYMC)}", 8)
            case Record(target=target, site=site, value=value, domain=domain):
                text = write(value, Library.PYMC)
                if not self._is_tensor(text):
                    text = f"pt.as_tensor({text})"
                call = _call("pm.Deterministic", site, text, _dims(domain))
                self.random.add(target)
                self.page.code(bound(target, call, self.used), 8)
            case Factor():
                raise InternalError("a factor is `collapsed`'s")
            case Return(value=value):
                print_return(write(value, Library.PYMC), self.page)
            case Sample():
                self.random.add(statement.target or "")
                spelled = spell_site(statement, self._wrapping(statement))
                self.helpers += spelled.helpers
                observed = f"observed={statement.observed}" if statement.observed else ""
                parts = (
                    _name(statement.site),
                    spelled.arguments,
                    self._shape(statement),
                    observed,
                )
                call = f"{spelled.constructor}({', '.join(part for part in parts if part)})"
                self.page.code(bound(statement.target, call, self.used), 8)

    def _is_tensor(self, text: str) -> bool:
        """Whether an expression is more than numbers and data, which PyMC would not record."""
        found = variables(text)
        return not (found.isdisjoint(self.random) and found.isdisjoint(("pm", "pt")))

    def _shape(self, sample: Sample) -> str:
        """The dims of a site, or its shape where its axes are no levels."""
        if sample.seen is not None:
            return f"shape=len({sample.seen})"
        if sample.along is not None:
            return _dims((*sample.domain, sample.along))
        if sample.sizes is not None:
            sizes = sample.sizes
        elif sample.event is not None:
            sizes = (*(self.sizes[level] for level in sample.domain), sample.event)
        else:
            return _dims(sample.domain)
        return _sized(sizes)

    def _wrapping(self, sample: Sample) -> Wrapping:
        """How a distribution made of others is written: what is inside has the site's full shape,
        and in a mixture over a level an axis more.
        """
        if not isinstance(sample.distribution, Drawn) or not sample.distribution.inner:
            return Wrapping(Library.PYMC)
        if sample.seen is not None:
            sizes: tuple[str, ...] = (f"len({sample.seen})",)
        else:
            sizes = sample.sizes or tuple(self.sizes[level] for level in sample.domain)
        longer = {level: _sized((*sizes, self.sizes[level])) for level in over(sample.distribution)}
        return Wrapping(Library.PYMC, _sized(sizes), longer)

    def reads(self, statement: Statement) -> frozenset[str]:
        """The variables that a statement reads, as it is printed here."""
        found = used_by(statement)
        if not isinstance(statement, Sample):
            return found
        wrapping = self._wrapping(statement)
        inside = [wrapping.shape, *(wrapping.longer or {}).values()]
        return found.union(variables(self._shape(statement)), *map(variables, inside))


def _name(site: str) -> str:
    """A site's name in quotes; PyMC takes a division slash (U+2215) where it refuses a slash."""
    return quoted(site.replace("/", "\N{DIVISION SLASH}"))


def _call(constructor: str, site: str, *arguments: str) -> str:
    """A call with the site's name first; empty arguments fall away."""
    return f"{constructor}({', '.join([_name(site), *(a for a in arguments if a)])})"


def _sized(sizes: tuple[str, ...]) -> str:
    if not sizes:
        return ""
    return f"shape={sizes[0] if len(sizes) == 1 else '(' + ', '.join(sizes) + ')'}"


def _dims(domain: Domain) -> str:
    match domain:
        case ():
            return ""
        case (level,):
            return f"dims={quoted(level)}"
        case _:
            return f"dims=({', '.join(quoted(level) for level in domain)})"


PYMC = Backend(
    "pymc",
    "PyMC",
    Library.PYMC,
    (
        ("np", "import numpy as np"),
        ("pm", "import pymc as pm"),
        ("pytensor", "import pytensor"),
        ("pt", "import pytensor.tensor as pt"),
    ),
    ("data = prepare(rows)", "with build(data):", "    results = pm.sample()"),
    print_model,
    (
        "data = prepare(rows)",
        "condensed = condense(data)",
        "with collapsed(condensed):",
        "    draws = pm.sample()",
        "with recover(condensed) as model:",
        "    names = {site.name for site in model.deterministics} - set(draws.posterior)",
        "    found = pm.sample_posterior_predictive(draws, var_names=sorted(names))",
        "sites = draws.posterior.dataset.merge(found.posterior_predictive.dataset)",
        "with build(data):",
        "    results = sites.assign(pm.compute_deterministics(sites))",
    ),
    ("data = prepare(rows)", "with collapsed(condense(data)):", "    results = pm.sample()"),
)
