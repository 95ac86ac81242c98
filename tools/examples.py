"""The examples: which model goes with which data, and what is generated from them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.documents import ROOT

FOLDER = ROOT / "examples"


@dataclass(frozen=True)
class Example:
    """A model of an example's folder with the files it is fitted to."""

    folder: str
    rows: str
    model: str = "model"
    tables: Mapping[str, str] = field(default_factory=dict)

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
    Example("eight_schools", "schools.csv"),
    Example("sleep", "sleep.csv"),
    Example("wine", "scores.csv"),
    Example("pupils", "pupils.csv"),
    Example("junctions", "junctions.csv"),
    Example("clinics", "clinics.csv"),
    Example("prices", "prices.csv"),
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
    from hdsl.compiler import checked_model, compile_model
    from hdsl.source import Source

    text = example.source.read_text(encoding="utf-8")
    source = Source(text, example.source.name)
    return compile_model(checked_model(source), backend, None).text


def code_path(example: Example, backend: str) -> Path:
    """Where the generated source stands; not `numpyro.py`, which would hide the package."""
    return example.path / f"{example.model}_{backend}.py"


def side_by_side(example: Example, lines: int = 40) -> str:
    """The model beside the first lines of the model function that it becomes."""
    code = generated_code(example, "numpyro").splitlines()
    start = next(i for i, line in enumerate(code) if line.startswith("def model("))
    shown = "\n".join(code[start : start + lines])
    model = example.source.read_text(encoding="utf-8")
    files = " and ".join(
        f"[`{code_path(example, b).name}`]({code_path(example, b).name})" for b in ("numpyro", "pymc")
    )
    more = "    …\n" if start + lines < len(code) else ""
    return (
        f"```hdsl\n{model}```\n\n"
        f"becomes {len(code)} lines of NumPyro, of which the model itself is:\n\n"
        f"```python excerpt\n{shown}\n{more}```\n\n"
        f"The whole files, `prepare` for the data included: {files}.\n"
    )
