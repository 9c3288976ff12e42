"""`unmasq config template`: the log format of a proxy, safe against what clients write into headers."""

from typing import Literal

from unmasq.cli.templates import TEMPLATES


def template(
    name: Literal["nginx", "ingress-nginx", "nginx-inc", "haproxy", "openshift-router", "apache", "envoy", "traefik", "caddy"],
    /,
) -> None:
    """Print the setting that makes a proxy log what unmasq reads, ready to be pasted.

    Parameters
    ----------
    name:
        Which proxy.
    """
    print(TEMPLATES[name], end="")
