"""Traefik's JSON access log, with the headers that name clients."""

_HEADERS = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "Cf-Connecting-Ip", "True-Client-Ip", "User-Agent")
_NAMES = "".join(f"        {name}: keep\n" for name in _HEADERS)
_ARGUMENTS = "".join(f"#   --accesslog.fields.headers.names.{name}=keep\n" for name in _HEADERS)

TRAEFIK = f"""\
# Traefik's static configuration. The default format will not do: its first word is what a header says, and it has no port.
# ClientAddr is then the peer of each connection. But behind an entry point with proxyProtocol it is what the PROXY header says, and
# the peer is in no field: no connection is found for such lines, and whoever may send that header can name anybody. Let the
# balancer before Traefik write X-Forwarded-For instead, or watch a proxy that logs both.
# A header from a peer that is not in forwardedHeaders.trustedIPs is dropped before it is logged: name your balancers there as well.
accessLog:
  format: json
  fields:
    defaultMode: keep
    headers:
      defaultMode: drop
      names:
{_NAMES}\
# The same as arguments (with Helm: additionalArguments), where there is no file:
#   --accesslog=true
#   --accesslog.format=json
#   --accesslog.fields.defaultmode=keep
#   --accesslog.fields.headers.defaultmode=drop
{_ARGUMENTS}"""
