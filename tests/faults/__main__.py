"""`python -m tests.faults [ROW ...]`: every fault and flood of the tables, or those whose names contain one of the words.

Ends with 1 where one is red, or cannot be run here, which is named with what is missing.
"""

import os
import sys
from collections.abc import Iterable

from tests.faults.flooded import broken_flood
from tests.faults.floods import FLOODS
from tests.faults.outcome import WHOLE, broken
from tests.faults.table import ROWS, faults_table, flood, floods_table, run, told


def main(words: list[str]) -> int:
    """Run, and print the tables."""
    faults, floods = _named(ROWS, words), _named(FLOODS, words)
    missing = _missing(faults, floods)
    ran = list(told([name for name in faults if name not in missing], lambda name: run(ROWS[name], WHOLE), broken))
    flooded = list(told([name for name in floods if name not in missing], flood, broken_flood))
    tables = ([faults_table(ran)] if ran else []) + ([floods_table(flooded)] if flooded else [])
    print("\n\n".join(tables))
    is_green = all(each.is_green for _, each in ran) and all(each.is_green for _, each in flooded)
    return int(not tables or not is_green or bool(missing))


def _named(names: Iterable[str], words: list[str]) -> list[str]:
    return [name for name in names if not words or any(word in name for word in words)]


def _missing(faults: list[str], floods: list[str]) -> dict[str, str]:
    """What rows cannot be run for here, said on standard error, too."""
    whys = {name: ROWS[name].missing() for name in faults} | {name: "root rights are missing" if os.geteuid() else "" for name in floods}
    missing = {name: why for name, why in whys.items() if why}
    for name, why in missing.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    return missing


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
