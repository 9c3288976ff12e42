"""The kernel's switches: what conntrack must be told before it tells us anything.

Three settings of a namespace (counters, time stamps, events), and a rule that looks at connections: without one the
kernel tracks none. Settings take effect for connections made afterwards.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from unmasq.base.errors import KernelError
from unmasq.observe.namespace import entered

_SETTINGS = Path("/proc/sys/net/netfilter")
"""Shows, to each thread, the namespace that it is in."""
_TABLE = "inet unmasq"
_RULES = f"""\
add table {_TABLE}
add chain {_TABLE} witness_forward {{ type filter hook forward priority filter; policy accept; }}
add chain {_TABLE} witness_input {{ type filter hook input priority filter; policy accept; }}
flush chain {_TABLE} witness_forward
flush chain {_TABLE} witness_input
add rule {_TABLE} witness_forward ct state new counter
add rule {_TABLE} witness_input ct state new counter
"""
"""The input hook is for proxies in the node's own network. Flushing only our chains leaves whatever else the table holds."""
_NFT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Switches:
    """What is on in one namespace. `tracking`: something makes the kernel track connections; None: cannot be known."""

    accounting: bool
    timestamps: bool
    events: bool
    tracking: bool | None

    @property
    def off(self) -> list[str]:
        """What must be turned on, in words; what cannot be known is not in it."""
        words = {
            "nf_conntrack_acct": self.accounting,
            "nf_conntrack_timestamp": self.timestamps,
            "nf_conntrack_events": self.events,
            "a rule that tracks connections": self.tracking is not False,
        }
        return [word for word, is_on in words.items() if not is_on]


def state(namespace: str | None) -> Switches:
    """The switches of a namespace. Raises KernelError where it cannot be entered or has no connection tracking."""
    with entered(namespace):
        # 2, the kernel's own choice, reports no end of a connection that is older than the first listener.
        return Switches(
            accounting=_setting("acct") == 1,
            timestamps=_setting("timestamp") == 1,
            events=_setting("events") == 1,
            tracking=_tracking(),
        )


def is_rule_set(namespace: str | None) -> bool:
    """Whether our rule is there, which is for both address families. Raises KernelError."""
    with entered(namespace):
        return _program() is not None and _has_rule()


def turn_on(namespace: str | None) -> None:
    """Turn everything on, for as long as the namespace lives. Again is fine. Raises KernelError."""
    with entered(namespace):
        for name in ("acct", "timestamp", "events"):
            _set(name)
        _load_rules()


def table_use(namespace: str | None) -> tuple[int, int]:
    """(entries, most entries) of a namespace's table; the kernel refuses new connections when it is full."""
    with entered(namespace):
        return _setting("count"), _setting("max")


def _setting(name: str) -> int:
    try:
        return int((_SETTINGS / f"nf_conntrack_{name}").read_text())
    except (OSError, ValueError) as error:
        raise KernelError(
            f"cannot read nf_conntrack_{name}",
            str(error),
            "`modprobe nf_conntrack_netlink`; if it is loaded, this kernel was built without it",
        ) from error


def _set(name: str) -> None:
    path = _SETTINGS / f"nf_conntrack_{name}"
    try:
        path.write_text("1\n")
    except OSError as error:
        raise KernelError(
            f"cannot turn on nf_conntrack_{name}",
            str(error),
            f"as root on the node: `sysctl -w net.netfilter.nf_conntrack_{name}=1` (a container needs to be privileged)",
        ) from error


def _tracking() -> bool | None:
    """Entries prove that something tracks. Without any the namespace may only be idle: then our own rule decides."""
    if _setting("count") > 0:
        return True
    return None if _program() is None else _has_rule()


def _has_rule() -> bool:
    listed = _run_nft(["list", "chain", *_TABLE.split(), "witness_forward"])
    return listed.returncode == 0 and "ct state new" in listed.stdout


def _load_rules() -> None:
    if _program() is None:
        raise KernelError(
            "cannot add the rule that makes the kernel track connections",
            "the program nft is not installed",
            "install nftables, or let any other rule of yours use connection tracking, such as `ct state new counter`",
        )
    done = _run_nft(["-f", "-"], _RULES)
    if done.returncode:
        raise KernelError(
            "cannot add the rule that makes the kernel track connections",
            f"nft: {done.stderr.strip()}",
            "run as root, or grant CAP_NET_ADMIN in that network namespace",
        )


def _program() -> str | None:
    return shutil.which("nft", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))


def _run_nft(arguments: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
    """Run nft in the namespace of the calling thread, which a child inherits."""
    command = [_program() or "nft", *arguments]
    try:
        # The program and its arguments are ours; nothing in them comes from outside.
        return subprocess.run(command, input=given, capture_output=True, text=True, timeout=_NFT_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KernelError("nft does not answer", str(error)) from error
