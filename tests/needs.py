"""What a test may need of the machine beyond Python, and what of it is missing here.

A test says `@pytest.mark.needs("lab")`; tests/conftest.py turns what is missing into a skip that names it, or into a failure
where UNMASQ_REQUIRE lists the capability, as CI does: a test that never runs must not look like one that passes.
"""

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

# Daemons and network tools live in sbin, which is not in everybody's PATH.
PROGRAM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
OURS = str(Path(sys.executable).parent)
"""Where packages from PyPI put their programs."""


AUDIT = Path(__file__).parents[1] / ".venv-audit" / "installed-audit"
"""What scripts/setup writes where it could install all of it."""


class Need(NamedTuple):
    """One thing a capability is made of, and whether it is here."""

    name: str
    is_met: Callable[[], bool]


def _has_program(*names: str) -> bool:
    return any(shutil.which(name, path=PROGRAM_PATH) for name in names)


def _program(name: str) -> Need:
    return Need(name, partial(_has_program, name))


def _is_in_our_environment(name: str) -> bool:
    return shutil.which(name, path=OURS) is not None or _has_program(name)


def _is_root() -> bool:
    return os.geteuid() == 0


@cache
def _can_make_network_namespaces() -> bool:
    unshare = shutil.which("unshare", path=PROGRAM_PATH)
    return unshare is not None and subprocess.run([unshare, "--net", "true"], capture_output=True, check=False).returncode == 0


def _has_other_users() -> bool:
    """Whether root may become somebody else: in a user namespace that has no other user nobody can."""
    with Path("/proc/self/uid_map").open(encoding="ascii") as file:
        return _is_root() and any(int(line.split()[2]) > 1 for line in file)


def _package(name: str) -> Need:
    return Need(f"the Python package {name} (scripts/setup browser)", lambda: importlib.util.find_spec(name) is not None)


def _has_extension() -> bool:
    return importlib.import_module("unmasq.model.native").NATIVE is not None


CAPABILITIES: dict[str, tuple[Need, ...]] = {
    "lab": (
        Need("root rights", _is_root),
        Need("the right to make network namespaces", _can_make_network_namespaces),
        *map(_program, ["nginx", "haproxy", "ip", "nft", "conntrack", "curl", "rsyslogd"]),
    ),
    "browser": (
        Need("chromium", partial(_has_program, "chromium", "chromium-browser")),
        *map(_package, ["playwright", "axe_playwright_python"]),
    ),
    "apache": (_program("apache2"),),
    "caddy": (_program("caddy"),),
    "envoy": (Need("envoy (scripts/setup proxies)", partial(_is_in_our_environment, "envoy")),),
    "traefik": (Need("traefik (scripts/setup proxies)", partial(_is_in_our_environment, "traefik")),),
    "promtool": (Need("promtool (Debian's package prometheus)", partial(_has_program, "promtool")),),
    "users": (Need("root who may become another user", _has_other_users),),
    "tls": (_program("openssl"),),
    "audit": (Need("what looks up advisories (scripts/setup audit)", AUDIT.exists),),
    "native": (Need("the C extension (scripts/setup says why)", _has_extension),),
}
MEANINGS = {
    "lab": "real proxies in network namespaces",
    "browser": "a real browser",
    "apache": "Apache's httpd",
    "caddy": "Caddy",
    "envoy": "Envoy, as PyPI has it",
    "traefik": "Traefik, as PyPI has it",
    "promtool": "what Prometheus makes of the alert rules",
    "users": "whoever lacks rights, as whom a test goes on",
    "tls": "certificates that a test makes",
    "audit": "what looks up advisories and knows the format of the SBOM",
    "native": "the C extension beside its twins in Python",
}


def missing(capability: str) -> list[str]:
    """What this machine lacks for the capability, in words; empty where it has all. KeyError: there is no such capability."""
    return [need.name for need in CAPABILITIES[capability] if not need.is_met()]


def required(environment: Mapping[str, str]) -> frozenset[str]:
    """The capabilities that UNMASQ_REQUIRE demands, a comma between them. ValueError: it names one that does not exist."""
    names = frozenset(filter(None, map(str.strip, environment.get("UNMASQ_REQUIRE", "").split(","))))
    if unknown := names - CAPABILITIES.keys():
        message = f"UNMASQ_REQUIRE names {', '.join(sorted(unknown))}; there are {', '.join(CAPABILITIES)}"
        raise ValueError(message)
    return names
