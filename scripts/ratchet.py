"""Fail when a module or a function of the program has grown too long to be read in one go; print how long they are.

Good functions here tend to 5-15 lines and modules to 70-170. The limits are not targets: they may only come down.
"""

import ast
import statistics
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

LONGEST_MODULE = 300
LONGEST_FUNCTION = 40


class Piece(NamedTuple):
    """A module or a function: its kind, where it stands, and its length in lines."""

    kind: str
    place: str
    lines: int


def pieces(path: Path, name: str) -> Iterator[Piece]:
    """The module in `path`, called `name`, and every function in it, nested ones too, each from `def` to its last line."""
    text = path.read_text(encoding="utf-8")
    yield Piece("module", name, len(text.splitlines()))
    for node in ast.walk(ast.parse(text, name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Piece("function", f"{name}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)


def pieces_below(root: Path) -> list[Piece]:
    """All modules and functions below `root`, in the order of their paths."""
    return [piece for path in sorted(root.rglob("*.py")) for piece in pieces(path, str(path.relative_to(root)))]


def too_long(found: Iterable[Piece]) -> list[Piece]:
    """Those above the limit of their kind."""
    limits = {"module": LONGEST_MODULE, "function": LONGEST_FUNCTION}
    return [piece for piece in found if piece.lines > limits[piece.kind]]


def summary(kind: str, limit: int, found: Iterable[Piece]) -> str:
    """One line: how many there are, the median, and the longest with its place."""
    chosen = [piece for piece in found if piece.kind == kind]
    if not chosen:
        return f"{kind}s: none"
    longest = max(chosen, key=lambda piece: piece.lines)
    median = statistics.median(piece.lines for piece in chosen)
    return f"{kind}s: {len(chosen)}, median {median:.0f} lines, longest {longest.lines} of {limit} allowed ({longest.place})"


def main(root: Path) -> int:
    """Print the figures of the tree below `root`; 1 if a piece of it is too long, else 0."""
    found = pieces_below(root)
    print(summary("module", LONGEST_MODULE, found))
    print(summary("function", LONGEST_FUNCTION, found))
    excess = too_long(found)
    for piece in excess:
        print(f"too long: {piece.kind} {piece.place}: {piece.lines} lines")
    return 1 if excess else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "src/unmasq")))
