"""A process that appends batches over midnight and says so after each one, until it is killed: python -m NAME DIR FIRST."""

import sys
import time
from pathlib import Path

from tests.contract.traffic import MadeChain, MadeFlow, batch
from unmasq.keep.day.ageing import close_day
from unmasq.keep.duck import DuckStore
from unmasq.model.flowbatch import FlowBatch

FLOWS = 200
"""Of a batch; half of them before midnight."""
CHAINS = 2


def numbered(number: int) -> FlowBatch:
    """The batch of a number: its flows have their own ids and lines, wherever they end up."""
    chains = tuple(MadeChain((("x-forwarded-for", f"198.51.{number % 256}.{i}"),), paths=(f"/{number}",)) for i in range(CHAINS))
    flows = [MadeFlow(minute=-1 if i < FLOWS // 2 else 1, port=1024 + i, chains=chains) for i in range(FLOWS)]
    return batch(flows, first_id=number * FLOWS + 1, first_line=number * FLOWS * 10)


def main(folder: Path, number: int) -> None:
    """Now and then close and open the store: then DuckDB moves its log into the file, and that can be hit as well."""
    while True:
        with DuckStore(folder) as store:
            for _ in range(5):
                store.append(numbered(number))
                print(number, flush=True)
                number += 1
            for day in store.days.days()[1:]:
                close_day(store, day)


if __name__ == "__main__":
    append_day = DuckStore.append_day

    def slowly(*args, **kwargs):
        """So that a kill often comes between the commits of the two days."""
        append_day(*args, **kwargs)
        time.sleep(0.003)

    DuckStore.append_day = slowly  # type: ignore[method-assign]
    main(Path(sys.argv[1]), int(sys.argv[2]))
