"""Fuzzes a target, guided by the lines of ours that its inputs reach: python -m tests.fuzz [NAME] [SECONDS]; without a name each in turn.

Begins with the committed corpus. What reaches something new is kept in .fuzz/NAME for the next time; an input that breaks the promise
is written to .fuzz/NAME-* and named at the end: give it a good name, put it into tests/fuzz/corpus/NAME as found-..., and mend the code.
Without atheris the inputs are made by hypothesis, as in the tests, only more of them.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
FOUND = ROOT / ".fuzz"
SECONDS = 60
LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=4096", "-print_final_stats=1")
"""For one input: 10 s and 2 GiB, far more than any may take, and a batch may take 256 MiB of it."""


def main(name: str = "", seconds: str = str(SECONDS)) -> int:
    """Returns the exit code: 0 where no promise was broken."""
    names = sorted(path.name for path in CORPUS.iterdir())
    if name and name not in names:
        print(f"there is no target {name}; there are {', '.join(names)}")
        return 2
    if not importlib.util.find_spec("atheris"):
        print("atheris is not installed (scripts/setup fuzz): hypothesis makes the inputs, and nothing guides it")
        return _by_hypothesis(name)
    if name:
        return _guided(name, int(seconds))
    command = [sys.executable, "-m", "tests.fuzz"]
    codes = [subprocess.run([*command, each, seconds], cwd=ROOT, check=False).returncode for each in names]
    return max(map(abs, codes))  # of one that a signal ended it is negative


def _by_hypothesis(name: str) -> int:
    chosen = ("-k", f"[{name}]") if name else ()
    command = [sys.executable, "-m", "pytest", "-q", "tests/fuzz", "--hypothesis-profile=many", *chosen]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def _guided(name: str, seconds: int) -> int:
    """Does not return where atheris finds something: it ends the process."""
    import atheris  # noqa: PLC0415  # no developer needs it for anything else

    with atheris.instrument_imports(include=["unmasq"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415  # only what is imported here is watched

    kept = FOUND / name
    kept.mkdir(parents=True, exist_ok=True)
    words = f"-dict={Path(__file__).parent / 'words.dict'}"
    limits = (*LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={FOUND / name}-", words)
    print(f"fuzz {name}: {TARGETS[name].__doc__}", flush=True)
    atheris.Setup([f"fuzz {name}", *limits, str(kept), str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(*sys.argv[1:]))
