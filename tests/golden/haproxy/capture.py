"""Capture the lines of this folder anew: `python -m tests.golden.haproxy.capture`, as root, with Debian's haproxy and rsyslog.

It sends the requests of `CASES` through the lab and writes what HAProxy logs of them: `haproxy.syslog` and `router.syslog`, its
datagrams one behind the other (each ends with a newline), and `haproxy.log`, what rsyslog makes of the first. `router` is HAProxy
with the format that OpenShift's router renders. What the lines must become is in expected.json.
"""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.golden.hostile import HOSTILE
from tests.lab import topology as at
from tests.lab.cluster import Lab
from tests.lab.deadline import until
from tests.lab.haproxy import Haproxy, Rsyslog
from tests.lab.lines import NewLines
from tests.lab.namespace import socket_in

HERE = Path(__file__).parent
XFF = "X-Forwarded-For"
Headers = list[tuple[str | bytes, str | bytes]]
CASES: dict[str, Headers] = {
    **{name: [(XFF, value), ("User-Agent", value)] for name, value in HOSTILE.items() if name != "long"},
    "absent": [],
    "long": [(XFF, "1.1.1.1, " * 40 + "9.9.9.9")],
    "two lines": [(XFF, "1.1.1.1, 8.8.8.8"), (XFF, "9.9.9.9"), ("X-Real-IP", "2.2.2.2")],
    "six lines": [(XFF, f"9.9.9.{number}") for number in range(6)],
    "two lines of Forwarded": [("Forwarded", "for=1.1.1.1"), ("Forwarded", "for=9.9.9.9;proto=http")],
    "no request": [],
    "no room for its JSON": [(XFF, "9.9.9.9"), (XFF, b"\x01" * 2800)],
}


def main() -> None:
    """Each case once, to both formats."""
    with Lab("umgold") as lab, Rsyslog(lab.network) as rsyslog, Haproxy(lab.network, [rsyslog.socket]):
        with socket_in(lab.network.namespace_path("ingress"), socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("127.0.0.1", 1514))
            receiver.settimeout(10)
            for name, port in (("haproxy", 9001), ("router", 9002)):
                captured(lab, rsyslog, receiver, name, port)
    print(subprocess.run(["haproxy", "-v"], capture_output=True, text=True, check=True).stdout.splitlines()[0])


def captured(lab: Lab, rsyslog: Rsyslog, receiver: socket.socket, name: str, port: int) -> None:
    begun = NewLines(rsyslog.file)
    lab.request("c1", at.INGRESS, port, "/local/first")
    while b"/local/first" not in receiver.recv(1 << 16):  # lines of connections by which the lab looked whether it runs
        pass
    until(lambda: any(b"/local/first" in line for line in begun.now()), "rsyslog to write")
    file = NewLines(rsyslog.file)
    (HERE / f"{name}.syslog").write_bytes(b"".join(asked(lab, receiver, port)))
    lines = file.wait(len(CASES))
    if name == "haproxy":
        (HERE / "haproxy.log").write_bytes(b"".join(line + b"\n" for line in lines))


def asked(lab: Lab, receiver: socket.socket, port: int) -> Iterator[bytes]:
    for name, headers in CASES.items():
        if name == "no request":
            with lab.connect("c1", at.INGRESS, port) as connection:
                connection.send(b"GET / HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1\r\n:\r\n\r\n")
                connection.answer()
        else:
            lab.request("c1", at.INGRESS, port, "/local/a?b=c", headers)
        yield receiver.recv(1 << 16)


if __name__ == "__main__":
    main()
