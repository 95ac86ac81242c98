"""The NumPyro model: a function of the prepared data, with plates named after the levels."""

from hdsl.backends.backend import Backend
from hdsl.backends.expressions import write
from hdsl.backends.namer import quoted
from hdsl.backends.page import Page
from hdsl.backends.print_collapsed import (
    print_condense,
    print_head,
    print_recovery,
    print_return,
    returned,
)
from hdsl.backends.program import (
    Assign,
    Collapsed,
    Comment,
    Factor,
    Increasing,
    Load,
    Program,
    Record,
    Return,
    Sample,
    Statement,
)
from hdsl.backends.prune import bound, used_by
from hdsl.backends.spelling import spell_site
from hdsl.backends.wrapping import Wrapping
from hdsl.families.functions import Library


def print_model(program: Program, page: Page) -> tuple[str, ...]:
    """Add `model`; gives the helpers that its distributions need."""
    page.verbatim("def model(data):", f'    """{program.headline}."""')
    helpers = _print_body(program.body, program.sizes, page)
    if program.collapsed is not None:
        helpers += _print_collapsed(program.collapsed, page)
    return helpers


def _print_body(
    body: tuple[Statement, ...], sizes: tuple[tuple[str, str], ...], page: Page
) -> tuple[str, ...]:
    """Add the statements of a model; gives the helpers that its distributions need."""
    run = _Printer(body, sizes, page)
    plates = {level for s in body if isinstance(s, Sample) for level in s.domain}
    for level, size in sizes:
        if level not in plates and size not in run.used:
            continue
        page.code(f'{size} = len(data["coords"][{quoted(level)}])', 4)
    for statement in body:
        run.statement(statement)
    return tuple(run.helpers)


def _print_collapsed(collapsed: Collapsed, page: Page) -> tuple[str, ...]:
    """Add `condense`, `collapsed` and `recover`; gives what the second needs."""
    print_condense(collapsed, page)
    page.blank(2)
    print_head("collapsed", "The posterior of `model`, arranged for sampling.", collapsed, page)
    helpers = _print_body(collapsed.body, collapsed.sizes, page)
    page.blank(2)
    page.verbatim(
        "def recover(data, values, key):",
        '    """What `collapsed` integrates out, drawn given the data and the rest by site."""',
    )
    given = ", ".join(returned(collapsed))
    if given:
        page.code(f"{given} = handlers.substitute(collapsed, data=values)(data)", 4)
    print_recovery(collapsed, page)
    return helpers


class _Printer:
    def __init__(
        self, body: tuple[Statement, ...], sizes: tuple[tuple[str, str], ...], page: Page
    ) -> None:
        self.page = page
        self.sizes = dict(sizes)
        self.used = frozenset[str]().union(*map(used_by, body))
        self.helpers: list[str] = []
        self.plates: tuple[str, ...] = ()
        self.remarks: list[Comment] = []  # they go where the next statement goes

    def statement(self, statement: Statement) -> None:
        """Print one statement."""
        match statement:
            case Comment(line=None):
                self.remarks.append(statement)
            case Comment():
                self.plates = ()
                self.page.comment(statement, 4)
            case Load(target=target):
                self.page.code(f"{target} = data[{quoted(target)}]", 4)
            case Assign(target=target, value=value):
                self._leave()
                self.page.code(f"{target} = {write(value, Library.NUMPYRO)}", 4)
            case Record(target=target, site=site, value=value):
                self._leave()
                call = f"numpyro.deterministic({quoted(site)}, {write(value, Library.NUMPYRO)})"
                self.page.code(bound(target, call, self.used), 4)
            case Factor(site=site, value=value):
                self._leave()
                call = f"numpyro.factor({quoted(site)}, {write(value, Library.NUMPYRO)})"
                self.page.code(call, 4)
            case Return(value=value):
                self._leave()
                print_return(write(value, Library.NUMPYRO), self.page)
            case Sample():
                self._sample(statement)

    def _leave(self) -> None:
        """Close the plates that are open."""
        self.plates = ()
        self._say(4)

    def _say(self, indent: int) -> None:
        for remark in self.remarks:
            self.page.comment(remark, indent)
        self.remarks.clear()

    def _sample(self, sample: Sample) -> None:
        indent = self._open(self._plates(sample))
        spelled = spell_site(sample, Wrapping(Library.NUMPYRO))
        self.helpers += spelled.helpers
        observed = f", obs={sample.observed}" if sample.observed is not None else ""
        call = f"numpyro.sample({quoted(sample.site)}, {spelled.call}{observed})"
        self.page.code(bound(sample.target, call, self.used), indent)

    def _plates(self, sample: Sample) -> tuple[str, ...]:
        """A plate for each level, the first the outermost axis."""
        if sample.seen is not None:
            assert sample.observed is not None
            return (f"numpyro.plate({quoted(sample.site + ' seen')}, len({sample.seen}))",)
        domain = sample.domain
        if isinstance(sample.distribution, Increasing):
            domain = domain[:-1]  # the last axis is the distribution's own
        sizes = sample.sizes or tuple(self.sizes[level] for level in domain)
        count = len(sizes)
        return tuple(
            f"numpyro.plate({quoted(level)}, {size}" + (f", dim={i - count})" if count > 1 else ")")
            for i, (level, size) in enumerate(zip(domain, sizes, strict=True))
        )

    def _open(self, plates: tuple[str, ...]) -> int:
        """Open the plates unless they are open; gives the indent inside."""
        if plates != self.plates:
            self._say(4)
        if plates and plates != self.plates:
            flat = f"with {', '.join(plates)}:"
            if len(flat) + 4 <= 100:
                self.page.verbatim(f"    {flat}")
            else:
                self.page.verbatim("    with (", *(f"        {p}," for p in plates), "    ):")
        self.plates = plates
        indent = 8 if plates else 4
        self._say(indent)
        return indent


NUMPYRO = Backend(
    "numpyro",
    "NumPyro",
    Library.NUMPYRO,
    (
        ("jax", "import jax"),
        ("jnp", "import jax.numpy as jnp"),
        ("np", "import numpy as np"),
        ("numpyro", "import numpyro"),
        ("dist", "import numpyro.distributions as dist"),
        ("handlers", "from numpyro import handlers"),
    ),
    (
        "numpyro.enable_x64()",
        "data = prepare(rows)",
        "kernel = numpyro.infer.NUTS(model)",
        "mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)",
        "mcmc.run(jax.random.key(0), data)",
    ),
    print_model,
    (
        "numpyro.enable_x64()",
        "data = prepare(rows)",
        "condensed = condense(data)",
        "mcmc = numpyro.infer.MCMC(numpyro.infer.NUTS(collapsed), num_warmup=1000, "
        "num_samples=1000)",
        "mcmc.run(jax.random.key(0), condensed)",
        "draws, keys = mcmc.get_samples(), jax.random.split(jax.random.key(1), 1000)",
        "draws |= jax.vmap(recover, in_axes=(None, 0, 0))(condensed, draws, keys)",
        "results = numpyro.infer.Predictive(model, draws)(jax.random.key(2), data)",
    ),
)
