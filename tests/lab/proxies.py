"""The servers of the lab: nginx as ingress, HAProxy as the balancer before the cluster, nginx as backend.

Debian packages: nginx-light, haproxy. Their settings are the templates beside this file.
"""

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from .client import Connection
from .deadline import until
from .formats import FORMATS, INGRESS_VARIABLES
from .lines import NewLines
from .network import Network
from .server import Server

LOCATIONS = """\
location / { proxy_pass http://backend; }
        location /local { return 200 "ok\\n"; }
        location = /settled { access_log off; return 204; }"""
"""`/local` has no second leg: for load, and for tests of the first leg alone. `/slow` is slow at the backend."""


class _Nginx(Server):
    def argv(self, settings: Path) -> Sequence[str]:
        # -e: before nginx has read its settings it opens the log that it was built with
        return ["nginx", "-e", str(self.folder / "error.log"), "-c", str(settings)]


class Nginx(_Nginx):
    """The ingress proxy. Ports: 80 plain, 8081 PROXY protocol, 8082 h2c, 8083 realip, 8084 dual-stack.

    It writes every request to one file for each of `formats.FORMATS`, and of `extra`: name -> a whole
    `log_format NAME ...;` directive, so that a printed template can be tried as it is.
    """

    host, template, ready = "ingress", "ingress.conf", ("127.0.0.1", 80)

    def __init__(self, network: Network, extra: Mapping[str, str] | None = None) -> None:
        super().__init__(network)
        self.formats = {**FORMATS, **(extra or {})}

    def values(self) -> Mapping[str, str]:
        variables = (f'map $host ${name} {{ default "{value}"; }}' for name, value in INGRESS_VARIABLES.items())
        return {
            "VARIABLES": "\n    ".join(variables),
            "FORMATS": "\n    ".join(self.formats.values()),
            "LOGS": "\n    ".join(f"access_log {self.log(name)} {name};" for name in self.formats),
            "LOCATIONS": LOCATIONS,
            "DIR": str(self.folder),
        }

    def log(self, name: str = "seed") -> Path:
        """The file in which the lines of one format appear."""
        if name not in self.formats:
            raise ValueError(f"no such log: {name!r} (one of {', '.join(self.formats)})")
        return self.folder / f"{name}.log"

    def rotate(self) -> dict[str, Path]:
        """Rename each log to `NAME.log.1` and have nginx open new ones, as logrotate does; the renamed files.

        Returns when the new files exist. The worker may write to an old one a moment longer.
        """
        old = {name: self.log(name).rename(f"{self.log(name)}.1") for name in self.formats}
        self.reopen()
        until(lambda: all(self.log(name).exists() for name in self.formats), "nginx to open new logs")
        return old

    def new_lines(self, name: str = "seed") -> NewLines:
        """What one log gets from now on; nothing of requests that were answered before."""
        self.settle()
        return NewLines(self.log(name))

    def settle(self) -> None:
        """Return when the lines of all requests answered so far are in their files. Leaves no line of its own.

        nginx writes a line after it has sent the answer, but before its worker turns to another request.
        """
        if self.pid is not None:
            with Connection(self.network.namespace_path(self.host), *self.ready) as connection:
                connection.request("/settled")

    def reopen(self) -> None:
        """Tell nginx to open its logs anew."""
        if self.pid is None:
            raise RuntimeError("nginx is not running")
        os.kill(self.pid, signal.SIGUSR1)


class Backend(_Nginx):
    """The application behind the ingress: answers with JSON that names its peer and the header it was given."""

    host, template, ready = "backend", "backend.conf", ("127.0.0.1", 8080)

    def values(self) -> Mapping[str, str]:
        return {"SLOW": "." * 512}


class Edge(Server):
    """The balancer before the cluster. Ports: 80 layer 7 (`/six` goes on by IPv6), 81 PROXY v2, 82 PROXY v1.

    `reuse` is HAProxy's `http-reuse`: `never` gives every client connection its own to the node, `always`
    sends many clients over few.
    """

    host, template, ready = "edge", "edge.cfg", ("203.0.113.20", 80)

    def __init__(self, network: Network, reuse: str = "never") -> None:
        super().__init__(network)
        self.reuse = reuse

    def argv(self, settings: Path) -> Sequence[str]:
        return ["haproxy", "-db", "-f", str(settings)]

    def values(self) -> Mapping[str, str]:
        return {"REUSE": self.reuse}
