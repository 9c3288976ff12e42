"""The safe log settings of each proxy: the documented line of six keys, extended, every value quoted and escaped."""

from unmasq.cli.template_haproxy import HAPROXY, OPENSHIFT_ROUTER

_HEAD = {
    "source_port": "$realip_remote_port",
    "destination_ip": "$server_addr",
    "destination_port": "$server_port",
    "source_ip": "$realip_remote_addr",
    "x-forwarded-for": "$http_x_forwarded_for",
    "x-real-ip": "$http_x_real_ip",
}
_FURTHER = {
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
}
_KUBERNETES = {"namespace": "$namespace", "ingress": "$ingress_name", "service": "$service_name", "route": "$location_path"}
_UPSTREAMINFO = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
    " $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name]"
    " $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id"
)


def _line(further: dict[str, str]) -> str:
    pairs = ", ".join(f'"{key}": "{value}"' for key, value in (_HEAD | _FURTHER | further).items())
    return f"tigera_secure_ee_ingress: {{{pairs}}}"


TEMPLATES = {
    "nginx": f"""\
# Into the http block of nginx.conf (nginx 1.19.10 or later); then read the file with
#   unmasq run --input /var/log/nginx/unmasq.log --store DIR
# Every value is quoted, since a port can be empty. escape=json keeps a client from writing keys of its own into the line.
# $realip_remote_addr is the other end of the socket, also where the realip module changes $remote_addr.
log_format unmasq escape=json '{_line(dict.fromkeys(_KUBERNETES, ""))}';
access_log /var/log/nginx/unmasq.log unmasq;
""",
    "ingress-nginx": f"""\
# The ConfigMap of the ingress-nginx controller; `kubectl logs` goes on working, and the node reads the same lines.
# The line begins as it did before, so that other readers of the log need not change; unmasq reads what follows the marker.
# Every value is quoted, since a port can be empty. log-format-escape-json keeps a client from writing keys of its own.
apiVersion: v1
kind: ConfigMap
metadata:
  name: ingress-nginx-controller
  namespace: ingress-nginx
data:
  log-format-escape-json: "true"
  log-format-upstream: '{_UPSTREAMINFO} {_line(_KUBERNETES)}'
""",
    "haproxy": HAPROXY,
    "openshift-router": OPENSHIFT_ROUTER,
}
"""Name of a proxy -> its setting, with comments on what it does."""
