"""The examples: which model goes with which data, and what is generated from them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.documents import ROOT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hdsl.data.bind import Binding
    from hdsl.fit import Run
    from hdsl.ir.model import Model

    type Draws = NDArray[np.float64]

FOLDER = ROOT / "examples"


@dataclass(frozen=True)
class Example:
    """A model of an example's folder with the files it is fitted to."""

    folder: str
    rows: str
    model: str = "model"
    tables: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)  # of the fit that its page shows

    @property
    def path(self) -> Path:
        """The example's folder."""
        return FOLDER / self.folder

    @property
    def source(self) -> Path:
        """The model's file."""
        return self.path / f"{self.model}.hdsl"

    @property
    def name(self) -> str:
        """How tests call it."""
        return self.folder if self.model == "model" else f"{self.folder}/{self.model}"


EXAMPLES = (
    Example("radon", "radon.csv", tables={"county": "county.csv"}),
    Example("elasticity", "market.csv"),
    Example("elasticity", "market.csv", model="two_components"),
    Example("eight_schools", "schools.csv", options={"target_accept": 0.95}),
    Example("sleep", "sleep.csv"),
    Example("wine", "scores.csv"),
    Example("pupils", "pupils.csv"),
    Example("junctions", "junctions.csv"),
    Example("clinics", "clinics.csv"),
    Example("prices", "prices.csv"),
    Example("products_two", "weeks.csv"),
    Example("products_two", "weeks.csv", model="separate"),
    Example("markets", "markets.csv"),
    Example("markets", "markets.csv", model="bought"),
    Example("markets", "markets.csv", model="units"),
    Example("products", "products.csv", options={"method": "laplace"}),
    Example("products", "products.csv", model="learned", options={"method": "laplace"}),
    Example("stores", "stores.csv", options={"method": "laplace"}),
)

_REGION = "<!-- {name}: made by tools.refresh -->"
_END = "<!-- end -->"


def region(document: str, name: str, content: str) -> str:
    """The document with the generated region of that name replaced."""
    begin = re.escape(_REGION.format(name=name))
    pattern = re.compile(f"({begin}\n).*?(?={re.escape(_END)})", re.S)
    if not pattern.search(document):
        raise ValueError(f"the document has no region {name!r}")
    return pattern.sub(lambda match: match[1] + content, document)


def generated_code(example: Example, backend: str) -> str:
    """The Python source that stands beside the example's model."""
    from hdsl.compiler import compile_model

    return compile_model(checked(example), backend, None).text


def code_path(example: Example, backend: str) -> Path:
    """Where the generated source stands; not `numpyro.py`, which would hide the package."""
    return example.path / f"{example.model}_{backend}.py"


def checked(example: Example) -> "Model":
    """The example's model."""
    from hdsl.compiler import model_of
    from hdsl.source import Source

    return model_of(Source(example.source.read_text(encoding="utf-8"), example.source.name))


def bound(example: Example) -> "Binding":
    """The example's data, bound to its model."""
    from hdsl.data.bind import bind
    from hdsl.data.frames import read_table

    tables = {level: read_table(example.path / name) for level, name in example.tables.items()}
    return bind(checked(example), read_table(example.path / example.rows), tables)


def pictures(example: Example) -> Mapping[Path, str]:
    """The diagrams of the example: of its model and, once a folder, of its levels."""
    from hdsl.render.render import render

    model, facts = checked(example), bound(example).facts
    drawn = {example.path / f"{example.model}.svg": render(model, "model", "svg", facts)}
    if example.model == "model":
        drawn[example.path / "levels.svg"] = render(model, "levels", "svg", facts)
    return {p: c if isinstance(c, str) else c.decode("utf-8") for p, c in drawn.items()}


def excerpt(example: Example, lines: int = 40) -> str:
    """The statements of the generated model function, of which the longest are cut short."""
    code = generated_code(example, "numpyro").splitlines()
    first = code.index("    # " + _first_statement(code), _start(code))
    end = next((i for i in range(first, len(code)) if code[i].startswith("def ")), len(code))
    body = "\n".join(code[first:end]).strip("\n").splitlines()
    shown = body[:lines] + (["    …"] if len(body) > lines else [])
    return "```python excerpt\n" + "\n".join(shown) + "\n```\n"


def _start(code: list[str]) -> int:
    return next(i for i, line in enumerate(code) if line.startswith("def model("))


def _first_statement(code: list[str]) -> str:
    """The comment of the first statement inside the model function, without its hash."""
    return next(line.strip()[2:] for line in code[_start(code) :] if line.startswith("    # "))


def side_by_side(example: Example) -> str:
    """The model beside the first lines of the model function that it becomes."""
    code = generated_code(example, "numpyro").splitlines()
    model = example.source.read_text(encoding="utf-8")
    paths = [code_path(example, backend).name for backend in ("numpyro", "pymc")]
    files = " and ".join(f"[`{name}`]({name})" for name in paths)
    return (
        f"```hdsl\n{model}```\n\n"
        f"becomes {len(code)} lines of Python, with the reading of the data and its checks. "
        f"The model's own part of them, for NumPyro:\n\n{excerpt(example)}\n"
        f"The whole files: {files}.\n"
    )


def reference(example: Example) -> Mapping[str, object]:
    """What the fit is to recover: the truth of a simulation, or published figures [mean, sd]."""
    prefix = "" if example.model == "model" else f"{example.model}_"
    for name in ("truth.json", "reference.json"):
        path = example.path / f"{prefix}{name}"
        if path.exists():
            known: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
            return known
    return {}


def flat(known: Mapping[str, object]) -> Mapping[tuple[str, str | None], object]:
    """The known values by quantity and group.

    >>> flat({"sigma": 1.0, "alpha": {"a": 0.5}})
    {('sigma', None): 1.0, ('alpha', 'a'): 0.5}
    """
    return {
        key: value
        for name, content in known.items()
        for key, value in (
            {(name, label): v for label, v in content.items()}.items()
            if isinstance(content, Mapping)
            else {(name, None): content}.items()
        )
    }


def draws(run: "Run", name: str, label: str | None) -> "Draws":
    """The draws of a quantity, or of one group of it."""
    values = run.data["posterior"][name]
    if label is None:
        return values.to_numpy().ravel()
    (level,) = (d for d in values.dims if d not in ("chain", "draw"))
    return values.sel({level: label}).to_numpy().ravel()


def estimates(example: Example, run: "Run", groups: int = 4) -> str:
    """A table of what the fit found, beside the truth or the published figures if there are any."""
    known = flat(reference(example))
    if not known:
        known = {
            (name, None): None for name in run.data["posterior"].data_vars if _scalar(run, name)
        }
    heading = "reference" if any(isinstance(v, list) for v in known.values()) else "truth"
    rows, shown = [], dict.fromkeys((name for name, _ in known), 0)
    for (name, label), value in known.items():
        shown[name] += 1
        if label is not None and shown[name] > groups and heading == "truth":
            continue
        values = draws(run, name, label)
        quantity = f"`{name}`" if label is None else f"`{name}` of {label}"
        found = _figure(values.mean(), values.std())
        rows.append([quantity, *([_known(value)] if value is not None else []), found])
    columns = ["", *([heading] if len(rows[0]) == 3 else []), "estimate"]
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _scalar(run: "Run", name: str) -> bool:
    return set(run.data["posterior"][name].dims) == {"chain", "draw"}


def _known(value: object) -> str:
    return _figure(*value) if isinstance(value, list) else f"{value:g}"


def _figure(mean: float, sd: float) -> str:
    """Mean ± sd with two digits of the sd.

    >>> _figure(250.123, 5.524), _figure(-0.04871, 0.00234)
    ('250.1 ± 5.5', '-0.0487 ± 0.0023')
    """
    places = max(0, 1 - floor(log10(sd)))
    return f"{mean:.{places}f} ± {sd:.{places}f}"


def fitted(example: Example) -> "Run":
    """The example's posterior, sampled as its README says."""
    import hdsl

    model = hdsl.read(example.source)
    tables = {level: example.path / name for level, name in example.tables.items()}
    return model.fit(example.path / example.rows, tables=tables, seed=0, **example.options)
