"""docs/cli.md is what the program says of itself: every verb, every flag, every exit code."""

from scripts import cli_docs
from tests.repository.checkout import ROOT
from unmasq.cli.ending import Exit
from unmasq.cli.program import VERBS


def test_the_page_is_in_step_with_the_program():
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == cli_docs.page(), "docs/cli.md is out of step with the program: make docs"


def test_the_page_has_every_verb_and_exit_code_and_a_meaning_for_every_flag():
    page = cli_docs.page()
    assert all(f"## unmasq {verb}" in page for verb in VERBS)
    assert all(f"| {int(code)} | " in page for code in Exit)
    assert [line for line in page.splitlines() if line.startswith("| `") and line.split(" | ")[1].strip(" |") == ""] == []
