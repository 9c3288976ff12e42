"""HAProxy as ingress, with the settings that `unmasq config template` prints; and rsyslog, which writes its lines to a file.

Debian packages: haproxy, rsyslog. HAProxy 2.6 with the format that OpenShift's router renders, not the router itself: the parts of
its template that matter to a log are in haproxy.cfg, the captures, the format and the inner hop of HTTPS (here without TLS).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from unmasq.cli.templates.haproxy import HAPROXY, OPENSHIFT_ROUTER

from .deadline import until
from .namespace import write_sysctl
from .network import Network
from .processes import end
from .server import Server

LOG = "127.0.0.1:1514"
"""Where the printed setting sends its lines: UDP within the pod."""


class Haproxy(Server):
    """In the ingress pod. Ports: 9001 plain, 9011 PROXY protocol; as OpenShift's router 9002 HTTP, 9012 PROXY
    protocol, 9443 HTTPS, 9453 with PROXY protocol; 9003 the old six keys.

    Each line goes to UDP port 1514 of the pod, and to every one of `sockets`.
    """

    host, template, ready = "ingress", "haproxy.cfg", ("127.0.0.1", 9001)

    def __init__(self, network: Network, sockets: Sequence[Path]) -> None:
        super().__init__(network)
        self._logs = [LOG, *map(str, sockets)]

    def argv(self, settings: Path) -> Sequence[str]:
        return ["haproxy", "-db", "-f", str(settings)]

    def values(self) -> Mapping[str, str]:
        log, frontend = HAPROXY.split("\n\n")
        environment = dict(re.findall(r"^# (ROUTER_\w+)=(.*)$", OPENSHIFT_ROUTER, re.MULTILINE))
        captures = (pair.split(":") for pair in environment["ROUTER_CAPTURE_HTTP_REQUEST_HEADERS"].split(","))
        most = environment["ROUTER_LOG_MAX_LENGTH"]
        return {
            "LOGS": "\n".join(log.replace(LOG, path) for path in self._logs),
            "FRONTEND": frontend,
            "SHORT_LOGS": "\n".join(f"    log {path} local0 info" for path in self._logs),
            "ROUTER_LOGS": "\n".join(f"    log {path} len {most} local1 info" for path in self._logs),
            "CAPTURES": "\n".join(f"    capture request header {name} len {length}" for name, length in captures),
            "ROUTER_FORMAT": environment["ROUTER_SYSLOG_FORMAT"],
        }


class Rsyslog:
    """Takes datagrams from a socket and writes each message to a line of a file. Usable with `with`."""

    def __init__(self, network: Network) -> None:
        self._network, self.folder = network, network.state / "rsyslog"
        self.socket, self.file = self.folder / "log.sock", self.folder / "ingress.log"

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)  # of one before us
        # The usual 10 messages, beyond which senders that do not wait lose theirs, are too few for a daemon that is not alone.
        write_sysctl(self._network.namespace_path("ingress"), "net.unix.max_dgram_qlen", 512)
        template = (Path(__file__).parent / "rsyslog.conf").read_text()
        settings = self.folder / "rsyslog.conf"
        settings.write_text(template.replace("@DIR@", str(self.folder)))
        argv = ["rsyslogd", "-n", "-f", str(settings), "-i", str(self.folder / "pid")]
        with (self.folder / "output.txt").open("ab") as output:
            self._process = self._network.popen("ingress", argv, stdout=output, stderr=output)
        until(self.socket.exists, "rsyslog to listen")
        return self

    def __exit__(self, *_: object) -> None:
        end(self._process)
