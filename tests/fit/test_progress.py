"""People see a bar per chain on a terminal, and plain lines where there is none."""

import io

from rich.console import Console

from hdsl.fit.progress import ChainState, ConsoleReporter


def _shown(terminal: bool) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=120, color_system=None)
    reporter = ConsoleReporter(console)
    reporter.stage("compiling")
    reporter.begin(chains=2, warmup=100, draws=200)
    reporter.update(0, ChainState(50))
    reporter.update(1, ChainState(300, 3))
    reporter.end()
    reporter.note("[not] markup")
    return stream.getvalue()


def test_plain_lines_without_a_terminal() -> None:
    assert _shown(terminal=False).splitlines() == [
        "compiling",
        "drawing: 2 chains of 100 warm-up steps and 200 draws",
        "note: [not] markup",
    ]


def test_a_bar_per_chain_on_a_terminal() -> None:
    last = _shown(terminal=True).rpartition("\r")[2]
    rows = [line.split() for line in last.splitlines() if "chain" in line]
    assert [(row[1], row[3], row[4]) for row in rows[-2:]] == [
        ("1", "50/300", "warm-up"),
        ("2", "300/300", "drawing"),
    ]
    assert rows[-1][-2:] == ["3", "divergences"]
