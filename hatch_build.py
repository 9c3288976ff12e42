"""The build hook: compiles `native/` into the package. Where that cannot be done unmasq is installed without, and reads slower.

It is one library on the stable ABI, for Python 3.11 and all later ones. Run as a program this says what a build here would
compile with; scripts/setup builds again when that changes.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

EXTENSION = "src/unmasq/model/_native.abi3.so"
FLAGS = ("-O2", "-Wall", "-Wextra", "-Wdate-time", "-fPIC", "-shared")


class NotBuiltError(Exception):
    """There is no extension: what was missing or went wrong, and what to do next."""


class NativeHook(BuildHookInterface[Any]):
    """Puts the extension into the source tree, where an editable install finds it, and from there into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        try:
            build(Path(self.root))
        except NotBuiltError as reason:
            self._go_without(reason)
            return
        build_data["artifacts"].append("/" + EXTENSION)
        if version == "standard":  # an editable wheel holds no more than a path
            build_data["pure_python"] = False
            build_data["tag"] = wheel_tag()

    def _go_without(self, reason: NotBuiltError) -> None:
        message = f"unmasq: built without its C extension, so logs are read several times slower: {reason}"
        if "native" in map(str.strip, os.environ.get("UNMASQ_REQUIRE", "").split(",")):
            self.app.abort(f"{message} (UNMASQ_REQUIRE={os.environ['UNMASQ_REQUIRE']})")
        self.app.display_warning(message)


def build(root: Path) -> None:
    """Compile the extension of the project in `root`; an older one is gone in any case. Raises NotBuiltError."""
    extension = root / EXTENSION
    extension.unlink(missing_ok=True)
    unfinished = extension.with_name(f"_native.{os.getpid()}.so")
    try:
        compile_into(unfinished, root)
        unfinished.replace(extension)  # at once: nobody loads half a library
    finally:
        unfinished.unlink(missing_ok=True)


def compile_into(library: Path, root: Path) -> None:
    """Compile and link `native/` of `root`; what the compiler says is passed on. Raises NotBuiltError."""
    # By their names from the root: what the compiler writes of them is the same wherever the checkout lies.
    sources = sorted(str(path.relative_to(root)) for path in root.glob("native/*.c"))
    command = [*compiler(), *FLAGS, f"-I{headers()}", *sources, "-o", str(library)]
    done = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    sys.stderr.write(done.stderr)
    if done.returncode or not library.exists():
        first = next((line for line in done.stderr.splitlines() if "error" in line), f"exit code {done.returncode}")
        raise NotBuiltError(f"{command[0]} failed ({first}); next: mend that, or name another compiler by CC, and install again")


def compiler() -> list[str]:
    """CC, or else what the interpreter was compiled with, or else `cc`: the first that is here. Raises NotBuiltError."""
    chosen = os.environ.get("CC", "").strip()
    wanted = [chosen] if chosen else [sysconfig.get_config_var("CC") or "cc", "cc"]
    commands = list(map(shlex.split, wanted))
    for command in commands:
        if shutil.which(command[0]):
            return command
    names = " or ".join(dict.fromkeys(command[0] for command in commands))
    raise NotBuiltError(f"there is no C compiler ({names}); next: install one, on Debian gcc and libc6-dev, and install again")


def headers() -> str:
    """The folder of the interpreter's Python.h. Raises NotBuiltError."""
    folder = sysconfig.get_path("include")
    if not Path(folder, "Python.h").exists():
        raise NotBuiltError(f"{folder} has no Python.h; next: install it, on Debian python3-dev, and install again")
    return folder


def wheel_tag() -> str:
    """The stable ABI of the oldest Python that we run on, this platform."""
    return "cp311-abi3-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")


if __name__ == "__main__":
    try:
        print(*compiler(), headers())
    except NotBuiltError as error:
        print(error)
