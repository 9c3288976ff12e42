"""The network of the lab: namespaces, veths, routes and translations, from `with` to its end. Needs root.

Debian packages: iproute2, nftables, conntrack.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import topology, translation
from .claim import PLACE, Claim
from .namespace import NAMES, read_sysctl, write_sysctl
from .processes import Processes, ip_batch, run
from .removal import remove, remove_dead

SWITCHES = {"acct": (1, 0), "timestamp": (1, 0), "events": (1, 2)}
"""net.netfilter.nf_conntrack_*: as unmasq needs it, and as the kernel has it. Events 2 loses DESTROYs, see `switches`."""


class Network:
    """All hosts of `topology`, connected, with forwarding on. Several with different prefixes live side by side.

    `switches` sets what the kernel needs to tell about connections; off is how a machine comes. `state` is the
    folder for logs and settings of what runs inside; without one it is made, and removed at the end.
    """

    def __init__(self, prefix: str | None = None, *, switches: bool = False, state: Path | None = None) -> None:
        self.prefix = prefix or f"um{os.getpid()}"
        if not re.fullmatch(r"[a-z][a-z0-9]{0,15}", self.prefix):
            raise ValueError(f"bad prefix {self.prefix!r}: a-z and 0-9, at most 16")
        self.state = state or PLACE / self.prefix
        self._initial: dict[str, str | bool] = {"nat": "local", "balancer": "none", "switches": switches}
        self._modes: dict[str, str | bool] = {}
        self._claim = Claim(self.prefix)
        self._processes = Processes()

    def __enter__(self) -> Self:
        remove_dead()
        self._claim.take()
        try:
            remove(self.prefix)
            self._build()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End what `popen` started and whoever else lives inside, remove the namespaces and the state."""
        try:
            self._processes.end()
            remove(self.prefix)
        finally:
            self._claim.release()

    def namespace(self, host: str) -> str:
        """The name of a host's namespace, as `ip netns` knows it."""
        return f"{self.prefix}-{host}"

    def namespace_path(self, host: str) -> Path:
        """The file that setns and settings take: /run/netns/NAME."""
        return NAMES / self.namespace(host)

    def popen(self, host: str, argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program on a host. Its pid is the program's own; it is ended with the network at the latest."""
        return self._processes.start(self._on(host, argv), **options)

    def run(self, host: str, argv: Sequence[str], *, given: str = "", seconds: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a program on a host to its end, `given` on its standard input. An error carries what it wrote."""
        return run(self._on(host, argv), given, seconds)

    def nat(self, mode: translation.NodeMode) -> None:
        """How the node's NodePorts translate from now on: `local`, `cluster` (masquerade) or `none`."""
        self.run("node", ["nft", "-f", "-"], given=translation.node_rules(mode))
        self._modes = {**self._modes, "nat": mode}

    def balancer(self, mode: translation.BalancerMode) -> None:
        """What the router does with the VIP from now on: `none`, `lb-dnat`, `lb-snat` or `dsr`."""
        self.run("router", ["nft", "-f", "-"], given=translation.balancer_rules(mode))
        ip_batch(translation.balancer_routes(mode), self.namespace("router"))
        self._modes = {**self._modes, "balancer": mode}

    def switches(self, on: bool) -> None:
        """Set or unset what conntrack needs on the node: counters, times, events, and a rule that wakes it.

        Counters and times hold only for connections made afterwards. Events must be 1, not the kernel's 2 (auto):
        with 2 a connection older than the first listener never reports its end. With a NodePort mode other
        than `none` conntrack is awake even without the rule.
        """
        for name, (ours, theirs) in SWITCHES.items():
            write_sysctl(self.namespace_path("node"), f"net.netfilter.nf_conntrack_{name}", ours if on else theirs)
        self.run("node", ["nft", "-f", "-"], given=translation.COUNTING if on else translation.NOT_COUNTING)
        self._modes = {**self._modes, "switches": on}

    def switched(self) -> dict[str, int]:
        """What the node's three settings are now, by the names in `SWITCHES`."""
        node = self.namespace_path("node")
        return {name: read_sysctl(node, f"net.netfilter.nf_conntrack_{name}") for name in SWITCHES}

    def reset(self, *, anyway: bool = False) -> None:
        """Back to the modes with which the network starts. Costs nothing where nothing was changed."""
        for name, mode in self._initial.items():
            if anyway or self._modes[name] != mode:
                getattr(self, name)(mode)

    def forget(self, host: str = "node") -> None:
        """Empty a host's conntrack table: connections that exist are then treated as new ones."""
        self.run(host, ["conntrack", "-F"])

    def _build(self) -> None:
        names = {host: self.namespace(host) for host in topology.HOSTS}
        ip_batch([line.format_map(names) for line in topology.naming()])
        for host in topology.HOSTS:
            write_sysctl(self.namespace_path(host), topology.AT_ONCE, 0)
        for host in topology.FORWARDING:
            for name, value in topology.SETTINGS.items():
                write_sysctl(self.namespace_path(host), name, value)
        ip_batch([line.format_map(names) for line in topology.wiring()])
        for lines in (topology.addressing, topology.routing):  # a gateway must be up before the route by it
            for host in topology.HOSTS:
                ip_batch(lines(host), self.namespace(host))
        self._build_other_node()
        self.reset(anyway=True)
        self.state.mkdir(parents=True, exist_ok=True)

    def _build_other_node(self) -> None:
        """It is as it is: its NodePort masquerades, and its kernel tells all of connections."""
        for name, (ours, _) in SWITCHES.items():
            write_sysctl(self.namespace_path("node2"), f"net.netfilter.nf_conntrack_{name}", ours)
        self.run("node2", ["nft", "-f", "-"], given=translation.other_node_rules())

    def _on(self, host: str, argv: Sequence[str]) -> list[str]:
        if host not in topology.HOSTS:
            raise ValueError(f"no such host: {host!r} (one of {', '.join(topology.HOSTS)})")
        return ["ip", "netns", "exec", self.namespace(host), *argv]  # it execs: no process in between
