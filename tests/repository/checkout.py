"""The checkout these tests are about: its root and the files that git has in its keeping."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def committed_files() -> list[Path]:
    """Every file that git tracks and that is here, as absolute paths. CalledProcessError outside of a git checkout."""
    # safe.directory: CI may run as another user than the one who cloned.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [path for name in names if name and (path := ROOT / name).is_file()]
