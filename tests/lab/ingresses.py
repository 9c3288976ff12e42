"""Every proxy that the lab can start as ingress, set up by the template that we print."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from unmasq.read.formats.proxies import ProxyName

from . import gateways
from .cluster import Lab
from .haproxy import Haproxy, Rsyslog


class Proxy(NamedTuple):
    """How one is started, which gives its log; its ports, and what it needs of the machine (`tests.needs`)."""

    name: str
    lines: ProxyName
    needs: str
    started: Callable[[Lab], AbstractContextManager[Path]]
    port: int
    """For HTTP/1, on both families."""
    http2: int
    behind_l4: int | None
    """The port that takes PROXY protocol."""

    @property
    def ports(self) -> list[int]:
        """All that a balancer may stand before."""
        return [self.port, *([self.behind_l4] if self.behind_l4 else [])]


@contextmanager
def _nginx(log: str, lab: Lab) -> Iterator[Path]:
    """The lab has one anyway, which writes each format."""
    yield lab.nginx.log(log)


@contextmanager
def _haproxy(lab: Lab) -> Iterator[Path]:
    """By syslog to a file."""
    with Rsyslog(lab.network) as rsyslog, Haproxy(lab.network, [rsyslog.socket]):
        yield rsyslog.file


@contextmanager
def _gateway(kind: type[gateways.Gateway], lab: Lab) -> Iterator[Path]:
    with kind(lab.network) as server:
        yield server.log


def _by_gateway(name: str, needs: ProxyName, kind: type[gateways.Gateway]) -> Proxy:
    return Proxy(name, needs, needs, partial(_gateway, kind), kind.port, kind.port, kind.behind_l4)


PROXIES = (
    Proxy("nginx", "nginx", "lab", partial(_nginx, "nginx"), 80, 8082, 8081),
    Proxy("ingress-nginx", "ingress-nginx", "lab", partial(_nginx, "ingress-nginx"), 80, 8082, 8081),
    Proxy("nginx-inc", "nginx-inc", "lab", partial(_nginx, "nginx-inc"), 80, 8082, 8081),
    Proxy("haproxy", "haproxy", "lab", _haproxy, 9001, 9001, 9011),
    Proxy("openshift-router", "openshift-router", "lab", _haproxy, 9002, 9002, 9012),
    _by_gateway("envoy", "envoy", gateways.Envoy),
    _by_gateway("apache", "apache", gateways.Apache),
    _by_gateway("apache with mod_remoteip", "apache", gateways.ApacheRemoteip),
    _by_gateway("traefik", "traefik", gateways.Traefik),
    _by_gateway("caddy", "caddy", gateways.Caddy),
)
