"""Rewrites what is generated: pages, outputs in documents, the examples' code, pictures, figures.

python -m tools.refresh               all that is quick
python -m tools.refresh --fit [NAME]  the examples' estimates as well, which samples for minutes
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tools.diagnostics_page import PAGE, diagnostics_page
from tools.documents import ROOT, documents, playground, refreshed
from tools.examples import (
    EXAMPLES,
    Example,
    code_path,
    estimates,
    excerpt,
    fitted,
    generated_code,
    pictures,
    region,
    side_by_side,
)


def main() -> None:
    """Refresh everything that has changed, and name it."""
    parser = argparse.ArgumentParser(prog="python -m tools.refresh")
    parser.add_argument("--fit", nargs="*", metavar="NAME", help="fit the examples (or some) anew")
    asked = parser.parse_args().fit
    for example in EXAMPLES:
        refresh_example(example, asked is not None and (not asked or example.name in asked))
    write(PAGE, diagnostics_page())
    readme = ROOT / "README.md"
    write(readme, region(readme.read_text(encoding="utf-8"), "excerpt", excerpt(EXAMPLES[0], 60)))
    for path in documents():
        with tempfile.TemporaryDirectory() as folder:
            write(path, refreshed(path.read_text(encoding="utf-8"), playground(Path(folder))))


def refresh_example(example: Example, fit: bool) -> None:
    """Code, pictures and the regions of the README; the estimates where asked for."""
    for backend in ("numpyro", "pymc"):
        write(code_path(example, backend), generated_code(example, backend))
    for path, picture in pictures(example).items():
        write(path, picture)
    suffix = "" if example.model == "model" else f" {example.model}"
    readme = example.path / "README.md"
    text = region(readme.read_text(encoding="utf-8"), f"code{suffix}", side_by_side(example))
    if fit:
        text = region(text, f"estimates{suffix}", estimates(example, fitted(example)))
    write(readme, text)


def write(path: Path, text: str) -> None:
    """Write a file if it changes."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(path, file=sys.stderr)


if __name__ == "__main__":
    main()
