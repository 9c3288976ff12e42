"""How a run ends that nothing in the program can help: a full disk behind its output, and Ctrl-C before it has begun."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

UNMASQ = str(Path(sys.executable).with_name("unmasq"))


@pytest.mark.parametrize("verb", [("flows",), ("flows", "-o", "csv"), ("trace", "198.51.100.0/24"), ("trace", "::/0", "-o", "json"), None])
def test_a_full_disk_is_no_mistake_of_the_program(at_rest, verb):
    argv = ["schema", "flow"] if verb is None else [*verb, "--store", str(at_rest)]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run([UNMASQ, *argv], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "cannot write the output: No space left on device\n  next: make room, or send it elsewhere\n"


def test_ctrl_c_while_the_program_is_loaded():
    """The import of the command line's library is what takes time; here it is where Ctrl-C comes, and only once."""
    code = (
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'cyclopts': os.kill(os.getpid(), signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from unmasq.cli import main; main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, env=os.environ, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + signal.SIGINT, b"", b"")
