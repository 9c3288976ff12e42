"""The clock of the machine is set: an hour ahead, a day back, and right again; of one process, by a library that is put before libc."""

import subprocess
import time
from pathlib import Path

from tests.faults.host import Host
from tests.faults.outcome import Outcome, Row, Rows, Size

STEPS = (3600, -86_400, 0, -300, 0)
"""Seconds beside the true time, one after the other."""


def _stepped(folder: Path, size: Size) -> Outcome:
    """While lines come, whose own times stay true."""
    shift, library = folder / "shift", folder / "shifted.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(Path(__file__).with_name("shifted.c")), "-ldl"], check=True)
    shift.write_text("0", encoding="ascii")
    with Host(folder, size, inside=("env", f"SHIFTED_BY={shift}", f"LD_PRELOAD={library}")) as host:
        for step in STEPS:
            host.log.write(size.lines // (2 * len(STEPS)))
            shift.write_text(str(step), encoding="ascii")
            host.log.write(size.lines // (2 * len(STEPS)))
            time.sleep(1.5)  # at least one look at what is complete in this time
        return host.outcome("" if host.counted("lines_time_replaced") else "no line came before its time: the clock was not set")


ROWS: Rows = {"the clock is set ahead and back": Row(_stepped, needs="cc")}
