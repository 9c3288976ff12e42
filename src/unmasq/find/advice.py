"""Which setting of a proxy to change, by how its lines came and why they were rejected. Pure."""

from collections.abc import Mapping

PROXIES_OF = {
    "marker": "NAME",  # of whichever proxy: nginx, HAProxy and Apache write it alike
    "combined": "nginx",
    "upstreaminfo": "ingress-nginx",
    "envoy": "envoy",
    "traefik": "traefik",
    "caddy": "caddy",
}
"""A format -> whose template its setting is."""

SETTINGS = {
    "injected": "set the escaping that the template has, else headers write keys of their own; or messages came as one, without a newline",
    "unquoted": "put quotes around each value of the log format, as the template has them",
    "bad_value": "a source port is 0, or a value has a type that the template does not give it",
    "bad_json": "lines are cut, or are no JSON: set the escaping and the length that the template has",
    "too_long": "messages are cut: raise `len` of HAProxy, `maxLength` of the router or `maxMessageSize` of rsyslog above the longest line",
    "no_source": "the log format lacks source_ip, or names a Unix socket there",
    "no_payload": "the marker stands there without its payload: set the whole line of the template",
    "no_address": "set the log format that the template has",
    "error_stream": "a container's stderr is not believed: write the access log to stdout, or name a proxy that logs objects by --format",
    "other_format": "lines of another format than --format names: set that of the template, or leave --format out",
}


def template(formats: Mapping[str, int]) -> str:
    """How to print the setting of the proxy whose lines came most."""
    most = max(formats, key=lambda name: formats[name], default="marker")
    return f"unmasq config template {PROXIES_OF[most]} prints the setting"


def setting(rejected: Mapping[str, int], formats: Mapping[str, int]) -> str:
    """What to change where lines were rejected; the reason with the most of them that a setting has to do with."""
    known = {reason: count for reason, count in rejected.items() if reason in SETTINGS}
    most = max(known, key=lambda reason: known[reason], default="no_address")
    return f"{SETTINGS[most]}; {template(formats)}; unmasq explain --input LOG shows each line"
