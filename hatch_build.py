"""Builds the C extension (`native/`) with the package, where there is a compiler; without one the package works, more slowly.

It is one library on Python's stable ABI, so one wheel serves 3.11 and all later versions.
"""

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARY = Path("src", "unmasq", "model", "_native.abi3.so")
FLAGS = ("-O2", "-Wall", "-Wextra", "-fPIC", "-shared")


class NativeHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles before a wheel, or an editable install, is put together."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # the same for every version
        """Build the library and tell hatchling what kind of wheel that makes."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        (root / LIBRARY).unlink(missing_ok=True)  # of an earlier build, perhaps of other sources
        problem = compile_library(root)
        if problem:
            _tell(problem)
            return
        build_data["pure_python"] = False
        build_data["artifacts"].append(LIBRARY.as_posix())
        build_data["tag"] = f"cp311-abi3-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def compile_library(root: Path, *more: str) -> str | None:
    """Make the library in the checkout at `root`, with `more` flags. Returns why that was not possible, or None."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    include = sysconfig.get_path("include")
    if not Path(include, "Python.h").exists():
        return f"{include} has no Python.h"
    sources = sorted(map(str, root.glob("native/*.c")))
    try:
        done = subprocess.run(
            [*compiler, *FLAGS, *more, f"-I{include}", *sources, "-o", str(root / LIBRARY)], capture_output=True, text=True, check=False
        )
    except OSError as error:
        return f"there is no C compiler: {error}"
    return f"{compiler[0]} failed: {done.stderr.strip()[-2000:]}" if done.returncode else None


def _tell(problem: str) -> None:
    """Say that the package will be slower, or stop where UNMASQ_REQUIRE demands the extension."""
    if "native" in os.environ.get("UNMASQ_REQUIRE", "").split(","):
        raise SystemExit(f"unmasq: the C extension was not built\n  why:  {problem}\n  next: install a C compiler and Python's headers")
    sys.stderr.write(f"unmasq: installed without its C extension, so reading logs takes three times as long ({problem})\n")
