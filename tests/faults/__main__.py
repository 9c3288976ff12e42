"""`python -m tests.faults [ROW ...]`: every fault of the table, or those whose names contain one of the words; 1 where one is red."""

import os
import sys

from tests.faults.outcome import WHOLE
from tests.faults.table import ROWS, markdown, told


def main(words: list[str]) -> int:
    """Run, and print the table."""
    names = [name for name in ROWS if not words or any(word in name for word in words)]
    names = [name for name in names if os.geteuid() == 0 or not ROWS[name].needs_root]
    outcomes = list(told(names, WHOLE))
    print(markdown(outcomes))
    return int(not outcomes or not all(outcome.is_green for _, outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
