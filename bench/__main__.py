"""`python -m bench [NAME]`: measure, and print a table. Fails only if something could not be run, not if it was slow."""

import sys
import tempfile
import traceback
from pathlib import Path

from bench import api, collector, flood, latency, node, pages, parse, path, pods, proxies, reader, recovery, ship, span, start
from bench.figure import Figure, Measure, grid, table
from bench.logs import Logs

FIGURES: dict[str, Measure] = {
    "parse": parse.figures,
    "path": path.figures,
    "ship": ship.figures,
    "flood": flood.figures,
    "latency": latency.figures,
    "reader": reader.figures,
    "node": node.figures,
    "start": start.figures,
    "span": span.figures,
    "pages": pages.figures,
    "recovery": recovery.figures,
    "api": api.figures,
    "pods": pods.figures,
    "collector": collector.figures,
}
GRIDS = {"proxies": (proxies.HEADS, proxies.rows)}
"""What has a table of its own, without figures."""


def main(names: list[str]) -> int:
    """Measure the named figures, or all; 1 if one of them failed to run, 2 for a name that does not exist."""
    unknown = [name for name in names if name not in FIGURES | GRIDS]
    if unknown:
        print(f"no figure is called {', '.join(unknown)}; there are {', '.join(FIGURES | GRIDS)}", file=sys.stderr)
        return 2
    found: list[Figure] = []
    grids: list[str] = []
    failed = False
    with tempfile.TemporaryDirectory(prefix="unmasq-bench-") as folder:
        logs = Logs(Path(folder))
        for name in names or FIGURES | GRIDS:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            try:
                if name in GRIDS:
                    heads, rows = GRIDS[name]
                    grids.append(grid(heads, rows(logs)))
                else:
                    found += FIGURES[name](logs)
            except Exception:  # noqa: BLE001  # one figure that cannot be taken must not cost the others
                traceback.print_exc()
                failed = True
    tables = [table(found, logs.lines)] if found or not grids else []
    print("\n\n".join([*tables, *grids]))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
