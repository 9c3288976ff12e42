"""What a process has taken of the machine, as the kernel tells it."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def used_seconds(pid: int) -> float:
    """CPU seconds that a process has used so far, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(status: str, *, peak: bool = False) -> float:
    """The resident memory that /proc/PID/status tells, now or at its highest, in MB of a million bytes."""
    return int(status.partition("VmHWM:" if peak else "VmRSS:")[2].split()[0]) * 1024 / 1e6


def memory_mb(pid: int, *, peak: bool = False) -> float:
    """The same of a process."""
    return resident_mb(Path(f"/proc/{pid}/status").read_text(encoding="ascii"), peak=peak)
