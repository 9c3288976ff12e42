"""docs/threat-model.md promises only what a test holds: each row names one, and each that is named exists."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.repository.checkout import ROOT

PAGE = ROOT / "docs/threat-model.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def names_in(path: Path) -> frozenset[str]:
    """The names of the tests that pytest would collect there."""
    tree = ast.parse(path.read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def rows() -> list[list[str]]:
    """The cells of every row of the tables, without their heads."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith("| trick |")]


def test_every_test_that_is_named_exists():
    named = NAMED.findall(PAGE.read_text())
    assert len(named) > 50
    assert [f"{path}::{name}" for path, name in named if not (ROOT / path).is_file() or name not in names_in(ROOT / path)] == []


def test_every_row_says_it_all_and_names_its_test():
    assert len(rows()) > 30
    assert [row[0] for row in rows() if len(row) != 5] == [], "a row has five cells"
    assert [row[0] for row in rows() if not NAMED.search(row[4])] == [], "a promise without a test"
    assert [row[0] for row in rows() if not (row[1] or row[2])] == [], "what is so is said"
