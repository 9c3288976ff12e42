"""The log formats of the lab's nginx, each the text of a `log_format` directive, ready for the configuration."""

from unmasq.cli.templates import TEMPLATES

HEAD = (
    '"source_port": {q}$realip_remote_port{q}, "destination_ip": "$server_addr", '
    '"destination_port": {q}$server_port{q}, "source_ip": "$realip_remote_addr", '
    '"x-forwarded-for": "$http_x_forwarded_for", "x-real-ip": "$http_x_real_ip"'
)
SEED = "tigera_secure_ee_ingress: {" + HEAD.format(q="") + "}"
"""The documented line of six keys, ports as bare numbers."""

FURTHER = {
    "protocol": "tcp",
    "ts": "$msec",
    "duration": "$request_time",
    "connection_time": "$connection_time",
    "connection": "$connection",
    "connection_requests": "$connection_requests",
    "proxy_protocol_ip": "$proxy_protocol_addr",
    "proxy_protocol_port": "$proxy_protocol_port",
    "forwarded": "$http_forwarded",
    "method": "$request_method",
    "host": "$host",
    "uri": "$request_uri",
    "status": "$status",
    "bytes_in": "$request_length",
    "bytes_out": "$bytes_sent",
    "user_agent": "$http_user_agent",
    "upstream": "$upstream_addr",
    "request_id": "$request_id",
    "namespace": "$namespace",
    "ingress": "$ingress_name",
    "service": "$service_name",
    "route": "$location_path",
}
EXTENDED = "tigera_secure_ee_ingress: {" + HEAD.format(q='"') + "".join(f', "{key}": "{value}"' for key, value in FURTHER.items()) + "}"
"""The same keys and all further ones, every value quoted, since a port can be empty."""

PARTIAL = (
    'unmasq: {"source_port": "$realip_remote_port", "source_ip": "$realip_remote_addr", "x-forwarded-for": "$http_x_forwarded_for",'
    ' "x-real-ip": "$http_x_real_ip", "ts": "$msec"}'
)
"""A line as of a proxy that does not log its own end of the connection."""

COMBINED = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
"""nginx's own default: no marker, no port, and an address that the realip module may have changed."""

UPSTREAMINFO = (
    COMBINED + " $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name]"
    " $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id"
)
"""What ingress-nginx writes for each request."""


def log_format(name: str, text: str, escape: str = "default") -> str:
    """The directive that gives `text` the name `name`."""
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"log_format {name} escape={escape} '{quoted}';"


FORMATS = {
    "seed": log_format("seed", SEED),
    "extended": log_format("extended", EXTENDED, "json"),
    "unescaped": log_format("unescaped", EXTENDED, "none"),
    "partial": log_format("partial", PARTIAL, "json"),
    "plain": log_format("plain", COMBINED),
    "upstreaminfo": log_format("upstreaminfo", f"{UPSTREAMINFO} {SEED}"),
}
"""Name of a log -> its directive. `plain` stands for `combined`, a name that nginx keeps for itself."""

INGRESS_VARIABLES = {
    "namespace": "shop",
    "ingress_name": "web",
    "service_name": "web",
    "location_path": "/",
    "resource_namespace": "shop",
    "resource_name": "web",
    "service": "web",
    "proxy_upstream_name": "shop-web-80",
    "proxy_alternative_upstream_name": "",
}
"""Variables that the controllers set for each request and plain nginx does not know. `$req_id` is made apart."""


def printed() -> dict[str, str]:
    """The templates that we print for nginx and the controllers made of it, each as a directive."""
    nginx = TEMPLATES["nginx"].partition("log_format unmasq ")[2].partition(";\n")[0]
    lines = {
        "ingress-nginx": TEMPLATES["ingress-nginx"].partition("log-format-upstream: '")[2],
        "nginx-inc": TEMPLATES["nginx-inc"].partition("log-format: '")[2],
    }
    of_controllers = {name: f"log_format {name} escape=json '{rest.partition(chr(10))[0]};" for name, rest in lines.items()}
    return {"nginx": f"log_format nginx {nginx};", **of_controllers}
