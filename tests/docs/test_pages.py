"""Generated pages and regions say what the code says now."""

from tools.diagnostics_page import PAGE, diagnostics_page
from tools.documents import ROOT
from tools.examples import EXAMPLES, excerpt, region


def test_the_page_of_diagnostics_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == diagnostics_page()


def test_the_excerpt_in_the_readme_is_fresh() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert region(readme, "excerpt", excerpt(EXAMPLES[0], 60)) == readme
