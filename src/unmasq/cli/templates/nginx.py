"""nginx and the two controllers that are made of it: the documented line of six keys, extended, every value quoted and escaped."""

from collections.abc import Mapping

from unmasq.cli.templates.payload import HOWTO_LOG, payload

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
_INGRESS_NGINX = {"namespace": "$namespace", "ingress": "$ingress_name", "service": "$service_name", "route": "$location_path"}
_NGINX_INC = {"namespace": "$resource_namespace", "ingress": "$resource_name", "service": "$service"}
_COMBINED = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
_UPSTREAMINFO = (
    f"{_COMBINED} $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name]"
    " $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id"
)


def _line(reached: Mapping[str, str]) -> str:
    return payload({**_HEAD, **_FURTHER, **reached})


_WHY = """\
# Every value is quoted, since a port can be empty; the escaping keeps a client from writing keys of its own into the line."""

NGINX = f"""\
# Into the http block of nginx.conf (nginx 1.19.10 or later); then read the file with
#   unmasq run --input /var/log/nginx/unmasq.log --store DIR
{_WHY}
# $realip_remote_addr is the other end of the socket, also where the realip module changes $remote_addr.
log_format unmasq escape=json '{_line(dict.fromkeys(_INGRESS_NGINX, ""))}';
access_log /var/log/nginx/unmasq.log unmasq;
"""

INGRESS_NGINX = f"""\
# The ConfigMap of the ingress-nginx controller; `kubectl logs` goes on working, and the node reads the same lines.
# The line begins as it did before, so that other readers of the log need not change; unmasq reads what follows the marker.
{_WHY}
# For a collector beside the controller, as in the how-to, write the log to a file as well: then `kubectl logs` shows nothing.
apiVersion: v1
kind: ConfigMap
metadata:
  name: ingress-nginx-controller
  namespace: ingress-nginx
data:
  # access-log-path: {HOWTO_LOG}
  log-format-escape-json: "true"
  log-format-upstream: '{_UPSTREAMINFO} {_line(_INGRESS_NGINX)}'
"""

NGINX_INC = f"""\
# The ConfigMap of NGINX Inc's controller; `kubectl logs` goes on working, and the node reads the same lines.
# The line begins as it did before, so that other readers of the log need not change; unmasq reads what follows the marker.
{_WHY}
# For a collector beside the controller, as in the how-to, the log goes to a file as well. That takes a template of your own: copy
# /nginx.tmpl (NGINX Plus: /nginx-plus.tmpl) out of the controller's container, add below each line `access_log ... main;` the line
#   access_log {HOWTO_LOG} main;
# and put the whole text into this ConfigMap under main-template.
apiVersion: v1
kind: ConfigMap
metadata:
  name: nginx-config
  namespace: nginx-ingress
data:
  log-format-escaping: "json"
  log-format: '{_COMBINED} {_line(_NGINX_INC)}'
  # main-template: |
"""
