"""A process of a pod as a kubelet starts it: in a control group that has the pod's UID in its name, in a network of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.lab.deadline import until

ADDRESS = "10.9.8.7"
_GROUPS = Path("/sys/fs/cgroup")
_SCRIPT = f'ip address add {ADDRESS}/32 dev lo && echo $$ > "$0/cgroup.procs" && exec sleep 300'


@contextmanager
def pod_process(uid: str) -> Iterator[int]:
    """Its number, for as long as it lives. Skips the test where no control group can be made."""
    group = _GROUPS / ("pids" if (_GROUPS / "pids").exists() else "") / f"pod{uid}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    process = subprocess.Popen(["unshare", "--net", "sh", "-c", _SCRIPT, group])
    try:
        until((group / "cgroup.procs").read_text, "the process to be in its group")
        yield process.pid
    finally:
        process.kill()
        process.wait(10)
        with suppress(OSError):
            until(lambda: not (group / "cgroup.procs").read_text(), "the group to be empty")
            group.rmdir()
