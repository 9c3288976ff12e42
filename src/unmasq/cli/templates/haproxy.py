"""The safe log settings of HAProxy, and of the OpenShift router, which is one."""

from collections.abc import Iterator

_LINES = 5
"""X-Forwarded-For lines of a request that are put together; of more, the last ones."""
_SLASH = r'''json(ascii),"regsub('\\\\/','/',g)"'''
"""JSON without the backslash that HAProxy puts before a slash: lines without any are read several times as fast."""

_SEEN = {
    "source_port": "%[fc_src_port]",
    "destination_ip": "%[fc_dst]",
    "destination_port": "%[fc_dst_port]",
    "source_ip": "%[fc_src]",
}
_HAPROXY = _SEEN | {
    "x-forwarded-for": "%[var(txn.xff),json(ascii)]",
    "x-real-ip": "%[var(txn.real_ip),json(ascii)]",
    "captured": "%[var(txn.captured,x-forwarded-for:0;forwarded:0;x-real-ip:0)]",
    "forwarded": "%[var(txn.forwarded),json(ascii)]",
    "proxy_protocol_ip": "%[var(txn.proxy)]",
    "ts": "%Ts.%ms",
    "method": "%HM",
    "host": "%[var(txn.host)]",
    "uri": "%[var(txn.path)]",
    "status": "%ST",
    "bytes_in": "%U",
    "bytes_out": "%B",
    "user_agent": "%[var(txn.agent)]",
    "upstream": "%si:%sp",
    "service": "%b",
}
_CAPTURES = {"X-Forwarded-For": 256, "X-Real-Ip": 64, "Host": 64}
_ROUTER = _SEEN | {
    "x-forwarded-for": "%[capture.req.hdr(0),json(ascii)]",
    "x-real-ip": "%[capture.req.hdr(1),json(ascii)]",
    "captured": ";".join(f"{name.lower()}:{most}" for name, most in list(_CAPTURES.items())[:2]),
    "proxy_protocol_ip": "%[src]",
    "proxy_protocol_port": "%[src_port]",
    "proxy_protocol_server_ip": "%[dst]",
    "proxy_protocol_server_port": "%[dst_port]",
    "ts": "%Ts.%ms",
    "method": "%HM",
    "host": "%[capture.req.hdr(2),json(ascii)]",
    "status": "%ST",
    "bytes_in": "%U",
    "bytes_out": "%B",
    "upstream": "%si:%sp",
    "service": "%b",
    "uri": r"%[capture.req.uri,bytes(0,200),json(ascii),regsub(\\\\/,/,g)]",
}


def _line(keys: dict[str, str]) -> str:
    return "tigera_secure_ee_ingress: {" + ", ".join(f'"{key}": "{value}"' for key, value in keys.items()) + "}"


def _rules() -> Iterator[str]:
    """What HAProxy notes of a request while it still has it."""
    for number in range(1, _LINES + 1):
        before, several = (",\"concat(', ',txn.xff)\"", f" if {{ req.fhdr_cnt(X-Forwarded-For) ge {number} }}") if number > 1 else ("", "")
        yield f"set-var(txn.xff) req.fhdr(X-Forwarded-For,-{number}){before}{several}"
    yield "set-var(txn.forwarded) req.fhdr(Forwarded)"
    yield "set-var(txn.real_ip) req.fhdr(X-Real-IP)"
    yield "set-var(txn.captured) str(-)"
    yield f"set-var(txn.captured) str(x-forwarded-for:65536) if {{ req.fhdr_cnt(X-Forwarded-For) gt {_LINES} }}"
    yield "set-var(txn.captured) str(forwarded:65536),concat(;,txn.captured) if { req.fhdr_cnt(Forwarded) gt 1 }"
    yield "set-var(txn.json) var(txn.xff),json(ascii)"
    yield f"set-var(txn.captured) str(x-forwarded-for:65536),concat(;,txn.captured) if {_lost('xff')}"
    yield f"set-var(txn.xff) req.fhdr(X-Forwarded-For) if {_lost('xff')}"
    for header, name in (("x-forwarded-for", "xff"), ("forwarded", "forwarded"), ("x-real-ip", "real_ip")):
        yield f"set-var(txn.json) var(txn.{name}),json(ascii)"
        yield f"set-var(txn.captured) str({header}:0),concat(;,txn.captured) if {_lost(name)}"
    yield "set-var(txn.proxy) src if { fc_rcvd_proxy }"
    for name, fetch in (("host", "req.fhdr(Host)"), ("path", "path"), ("agent", "req.fhdr(User-Agent)")):
        yield f"set-var(txn.{name}) {fetch},{_SLASH}"


def _lost(name: str) -> str:
    """That JSON has no room for a value, which would be logged like one that was not sent."""
    return f"{{ var(txn.{name}) -m len gt 0 }} !{{ var(txn.json) -m len gt 0 }}"


_RULES = "\n".join(f"    http-request {rule}" for rule in _rules())

HAPROXY = f"""\
# HAProxy 2.5 or later. Into its `global`: where the lines go, whole.
#   unmasq run --syslog 127.0.0.1:1514 --store DIR
    log 127.0.0.1:1514 len 65000 local0 info

# Into each frontend that speaks HTTP, before any other http-request rule. fc_src is the other end of the socket, whatever a PROXY
# header says; that goes into proxy_protocol_ip. A captured header would be cut, and of several lines be the last: here up to
# {_LINES} lines of X-Forwarded-For are put together, and `captured` names what was left out, so that nobody takes a part for the whole.
# json(ascii) keeps every byte, and keeps a client from writing keys of its own into the line.
    log global
{_RULES}
    log-format '{_line(_HAPROXY)}'
"""


def _go_quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_ROUTER_LINE = _line(_ROUTER)
_HEADERS = "\n".join(f"          - name: {name}\n            maxLength: {most}" for name, most in _CAPTURES.items())

OPENSHIFT_ROUTER = f"""\
# The IngressController of OpenShift 4. The lines go to unmasq node --syslog ADDRESS:PORT, or with `type: Container` into the log
# of the container `logs` of the router's pod, which unmasq node --pods openshift-ingress/router-* reads.
# The router captures the last line of a header, so many bytes of it: `captured` says the same in each line, and must be changed
# together with httpCaptureHeaders. Whatever a client sends, these lengths keep a line below maxLength.
# fc_src is who connected, src what a PROXY header says. HTTPS passes a socket within the router, which has no address: there src names
# the connection from outside, which unmasq believes where the kernel saw it. See docs/proxies/haproxy.md.
apiVersion: operator.openshift.io/v1
kind: IngressController
metadata:
  name: default
  namespace: openshift-ingress-operator
spec:
  logging:
    access:
      destination:
        type: Syslog
        syslog:
          address: 192.0.2.1
          port: 1514
          maxLength: 4096
      httpCaptureHeaders:
        request:
{_HEADERS}
      httpLogFormat: '{_ROUTER_LINE}'
# The same as environment variables of the router, as in the old how-to:
# ROUTER_SYSLOG_ADDRESS=192.0.2.1:1514
# ROUTER_LOG_LEVEL=info
# ROUTER_LOG_MAX_LENGTH=4096
# ROUTER_CAPTURE_HTTP_REQUEST_HEADERS={",".join(f"{name}:{most}" for name, most in _CAPTURES.items())}
# ROUTER_SYSLOG_FORMAT={_go_quoted(_ROUTER_LINE)}
"""
