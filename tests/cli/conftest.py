from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hdsl.cli import main
from tools.documents import ROOT

MODEL = """\
level region
data y, x : real

y ~ normal(alpha + beta * x, sigma)
alpha, beta ~ region
"""
ROWS = "region,y,x\n" + "".join(
    f"r{i % 6},{0.3 * (i % 6) + 0.1 * (i * 7 % 11)},{(i * 5 % 13) / 13 - 0.5}\n" for i in range(48)
)


@pytest.fixture
def hdsl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in a folder with `model.hdsl` and `rows.csv`."""
    monkeypatch.chdir(tmp_path)
    Path("model.hdsl").write_text(MODEL, encoding="utf-8")
    Path("rows.csv").write_text(ROWS, encoding="utf-8")
    runner = CliRunner()

    def run(*arguments: str, **options: object) -> Result:
        return runner.invoke(main, [str(a) for a in arguments], **options)

    return run


@pytest.fixture(scope="session")
def examples() -> Path:
    return ROOT / "examples"
