"""The fenced blocks of the project's Markdown, and what its commands print.

Conventions of our documents: a ``hdsl`` block is a complete model (``title=NAME`` also saves it
under that name for the commands that follow); every line of a ``sh`` block is a command; a block
``text output`` is exactly what the block before it prints.
"""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "docs/**/*.md", "examples/*/README.md")
_FENCE = re.compile(
    r"^(?P<indent>[ ]*)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```[ ]*$", re.S | re.M
)
QUICK = ("--draws", "50", "--warmup", "100", "--chains", "2")
"""What a documented `hdsl fit` is run with when nothing but its running is tested."""

SAMPLING = ("fit", "recover", "pool")


@dataclass(frozen=True)
class Block:
    """A fenced block; ``start`` and ``end`` are the offsets of its body in the document."""

    info: tuple[str, ...]
    body: str
    line: int
    start: int
    end: int

    @property
    def language(self) -> str:
        """The first word after the fence, empty where there is none."""
        return self.info[0] if self.info else ""

    @property
    def title(self) -> str | None:
        """The file name that ``title=`` gives the block."""
        return next((w.removeprefix("title=") for w in self.info if w.startswith("title=")), None)

    @property
    def is_output(self) -> bool:
        """Whether the block shows exactly what the commands before it print."""
        return self.info[:2] == ("text", "output")


def documents() -> tuple[Path, ...]:
    """All documents of the project."""
    return tuple(sorted(path for pattern in DOCUMENTS for path in ROOT.glob(pattern)))


def blocks(text: str) -> tuple[Block, ...]:
    r"""The fenced blocks of a document, in order; an indented one loses its indent.

    >>> blocks("```sh\nhdsl check a.hdsl\n```\n")[0].body
    'hdsl check a.hdsl\n'
    """
    return tuple(_blocks(text))


def _blocks(text: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        indent = match["indent"]
        lines = match["body"].splitlines(keepends=True)
        body = "".join(line.removeprefix(indent) for line in lines)
        number = text.count("\n", 0, match.start()) + 1
        yield Block(tuple(match["info"].split()), body, number, *match.span("body"))


def commands(block: Block) -> tuple[str, ...]:
    """The commands of a ``sh`` block; a line that ends in a backslash goes on."""
    joined = block.body.replace("\\\n", " ")
    return tuple(line.strip() for line in joined.splitlines() if line.strip())


def playground(folder: Path) -> Path:
    """A folder as a reader's checkout is: with the examples in it."""
    ignore = shutil.ignore_patterns("*.run", "__pycache__")
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=ignore)
    return folder


def run(command: str, folder: Path, quick: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a documented `hdsl` command in a folder, as plain text."""
    program, *arguments = shlex.split(command, comments=True)
    assert program == "hdsl", command
    if quick and arguments[0] in SAMPLING and "--draws" not in arguments:
        arguments += QUICK
    source = "import sys; from hdsl.cli import main; sys.argv[0] = 'hdsl'; main()"
    return subprocess.run(
        [sys.executable, "-c", source, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        env=_environment(),
        timeout=600,
        check=False,
    )


def _environment() -> dict[str, str]:
    import os

    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", "PYTHONUTF8": "1"}


def refreshed(text: str, folder: Path) -> str:
    """The document with every ``text output`` block replaced by what its commands print now."""
    pieces: list[str] = []
    at, printed = 0, ""
    for block in blocks(text):
        if block.title:
            (folder / block.title).write_text(block.body, encoding="utf-8")
        if block.is_output:
            pieces += [text[at : block.start], printed]
            at = block.end
        elif block.language == "sh":
            done = [run(c, folder) for c in commands(block) if c.startswith("hdsl ")]
            printed = "".join(result.stdout for result in done)
    return "".join([*pieces, text[at:]])
