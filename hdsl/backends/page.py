"""A page of Python: lines in layout, with the line of the model that each serves."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field

from hdsl.backends.layout import WIDTH, lay_out
from hdsl.backends.program import Comment


@dataclass
class Page:
    """Grows line by line; ``lines`` pairs numbers of its lines with those of the model's."""

    source_name: str
    text: list[str] = field(default_factory=list)
    lines: list[tuple[int, int]] = field(default_factory=list)
    serving: int | None = None

    def code(self, statement: str, indent: int = 0) -> None:
        """Add a simple statement, broken over lines where it is long."""
        self.verbatim(*lay_out(statement, indent))

    def verbatim(self, *lines: str) -> None:
        """Add lines as they are."""
        for line in lines:
            self.text.append(line)
            if self.serving is not None and line.strip():
                self.lines.append((len(self.text), self.serving))

    def blank(self, count: int = 1) -> None:
        """Add blank lines; they serve no statement, nor does what follows."""
        self.text += [""] * count

    def paragraphs(self, texts: Iterable[str], indent: int = 0) -> None:
        """Add texts as paragraphs of a docstring, each after a blank line."""
        pad = " " * indent
        for text in texts:
            self.blank()
            self.text += textwrap.wrap(
                text, WIDTH, initial_indent=pad, subsequent_indent=pad, break_long_words=False
            )

    def comment(self, comment: Comment, indent: int = 0) -> None:
        """Add a comment on lines of its own, after a blank line unless a block begins there."""
        if comment.line is not None:
            self.serving = comment.line
            text = f"# {self.source_name}:{comment.line}  {comment.text}"
            if self.text and self.text[-1] and not self.text[-1].endswith((":", '"""')):
                self.blank()
        else:
            text = f"# {comment.text}"
        pad = " " * indent
        self.text += textwrap.wrap(
            text,
            WIDTH,
            initial_indent=pad,
            subsequent_indent=f"{pad}#     ",
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
            drop_whitespace=True,
        )
