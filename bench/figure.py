"""A figure: what was measured, beside what it is measured against, and what it must be."""

import os
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from bench.logs import Logs

Measured = TypeVar("Measured")


class Figure(NamedTuple):
    """One row of the table; `ok` is None where nothing is promised."""

    name: str
    ours: str
    reference: str = ""
    ratio: str = ""
    must: str = ""
    ok: bool | None = None


Measure = Callable[[Logs], Iterable[Figure]]


def rate(name: str, ours: Sequence[float], reference: Sequence[float], against: str, must: float | None) -> Figure:
    """Lines per CPU second, ours and theirs measured in pairs: medians, and the median of the pairs' ratios."""
    ratio = statistics.median(a / b for a, b in zip(ours, reference, strict=True))
    told = f"{against} {_count(statistics.median(reference))}/s"
    needed = f">= {must:g}" if must else ""
    return Figure(name, f"{_count(statistics.median(ours))} lines/s", told, f"{ratio:.2f}", needed, ratio >= must if must else None)


def limit(name: str, value: float, most: float, unit: str, reference: str = "") -> Figure:
    """A value that must not be more than something; the ratio says how much room there is."""
    return Figure(name, f"{value:.3g} {unit}", reference, f"{most / value:.2f}", f"<= {most:g} {unit}", value <= most)


def pairs(a: Callable[[], Measured], b: Callable[[], Measured], times: int = 3) -> tuple[list[Measured], list[Measured]]:
    """Both in turns, so that a busy moment of the machine meets both."""
    taken = [(a(), b()) for _ in range(times)]
    return [first for first, _ in taken], [second for _, second in taken]


def table(figures: Sequence[Figure], lines: int) -> str:
    """Markdown, with what it was measured on."""
    heads = ("figure", "ours", "reference in the same run", "ratio", "must", "ok")
    rows = [(*f[:5], "" if f.ok is None else "yes" if f.ok else "NO") for f in figures]
    return f"{lines:,} lines; {_machine()}\n\n{grid(heads, rows)}"


def grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    whole = [heads, *rows]
    widths = [max(len(row[column]) for row in whole) for column in range(len(heads))]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in whole]
    text.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(text)


def _machine() -> str:
    return (
        f"Python {platform.python_version()}, Linux {platform.release().split('-')[0]}, {os.cpu_count()} cores; lines/s are per CPU second"
    )


def _count(value: float) -> str:
    return f"{value:,.0f}"
