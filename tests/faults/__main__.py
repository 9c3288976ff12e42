"""`python -m tests.faults [ROW ...]`: every fault and flood of the tables, or those whose names contain one of the words.

Ends with 1 where one is red. A row that cannot be run here is named with what is missing.
"""

import os
import sys
from collections.abc import Iterable

from tests.faults.floods import FLOODS
from tests.faults.outcome import WHOLE
from tests.faults.table import ROWS, faults_table, flood, floods_table, run, told


def main(words: list[str]) -> int:
    """Run, and print the tables."""
    faults = list(told(_possible(_named(ROWS, words)), lambda name: run(ROWS[name], WHOLE)))
    floods = list(told(_named(FLOODS, words) if os.geteuid() == 0 else [], flood))
    tables = ([faults_table(faults)] if faults else []) + ([floods_table(floods)] if floods else [])
    print("\n\n".join(tables))
    is_green = all(each.is_green for _, each in faults) and all(each.is_green for _, each in floods)
    return int(not tables or not is_green)


def _named(names: Iterable[str], words: list[str]) -> list[str]:
    return [name for name in names if not words or any(word in name for word in words)]


def _possible(names: list[str]) -> list[str]:
    for name in names:
        if missing := ROWS[name].missing():
            print(f"left out: {name}: {missing}", file=sys.stderr)
    return [name for name in names if not ROWS[name].missing()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
