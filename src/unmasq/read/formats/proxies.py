"""Which shapes the lines of each proxy have, as it is set up by our templates or comes."""

from typing import Literal, TypeAlias, get_args

from unmasq.model.ingress import Shape

ProxyName: TypeAlias = Literal["ingress-nginx", "nginx-inc", "openshift-router", "haproxy", "envoy", "traefik", "caddy", "apache", "nginx"]
FormatName: TypeAlias = Literal["auto", ProxyName]

SHAPES: dict[ProxyName, frozenset[Shape]] = {
    "ingress-nginx": frozenset({Shape.MARKER, Shape.UPSTREAMINFO}),
    "nginx-inc": frozenset({Shape.MARKER, Shape.COMBINED}),
    "openshift-router": frozenset({Shape.MARKER}),
    "haproxy": frozenset({Shape.MARKER}),
    "envoy": frozenset({Shape.ENVOY}),
    "traefik": frozenset({Shape.TRAEFIK}),
    "caddy": frozenset({Shape.CADDY}),
    "apache": frozenset({Shape.MARKER, Shape.COMBINED}),
    "nginx": frozenset({Shape.MARKER, Shape.COMBINED}),
}
PROXIES: tuple[ProxyName, ...] = get_args(ProxyName)
CAPTURING: frozenset[FormatName] = frozenset({"haproxy", "openshift-router"})
"""Proxies that record parts of headers: a line that does not say which ones is believed for none."""
EVERY_SHAPE = frozenset(Shape) - {Shape.NONE}


def shapes_of(name: FormatName) -> frozenset[Shape]:
    """The shapes that are read where a format is named."""
    return EVERY_SHAPE if name == "auto" else SHAPES[name]
