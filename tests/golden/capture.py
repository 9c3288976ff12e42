"""Write the corpora of proxies' lines anew: `python -m tests.golden.capture [FOLDER...]`, as root.

Real proxies of the lab, each set up by the template that we print (nginx also with the how-to's line, alone and behind upstreaminfo),
get requests of two kinds: from a client that connects directly, and from the trusted edge. Beside access.log, requests.json says
of each line what was sent, which is the truth: who connected, from which port, and what its X-Forwarded-For held, as Latin-1.

nginx is Debian's, with the formats that the controllers render: the controllers themselves are not here.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.golden.hostile import HOSTILE, TAME
from tests.lab import gateways
from tests.lab import topology as at
from tests.lab.cluster import Lab
from tests.lab.deadline import until
from tests.lab.formats import printed
from tests.lab.lines import NewLines

HERE = Path(__file__).parent
SERVERS: Mapping[str, type[gateways.Gateway]] = {
    "envoy": gateways.Envoy,
    "apache": gateways.Apache,
    "apache-remoteip": gateways.ApacheRemoteip,
    "caddy": gateways.Caddy,
    "traefik": gateways.Traefik,
}
OF_ENVOY = {"envoy-gateway": (9032, "gateway.log"), "envoy-contour": (9042, "mesh.log")}
OF_NGINX = {
    "nginx": "nginx",
    "ingress-nginx": "ingress-nginx",
    "nginx-inc": "nginx-inc",
    "nginx-howto": "seed",
    "nginx-upstreaminfo": "upstreaminfo",
}


def main(wanted: list[str]) -> None:
    """Each corpus, by itself."""
    with Lab("umcorpus", extra_formats=printed()) as lab:
        for name, corpus in corpora(lab).items():
            if not wanted or name in wanted:
                corpus(HERE / name)
                print(name, len((HERE / name / "access.log").read_bytes().splitlines()), "lines")


def corpora(lab: Lab) -> dict[str, Callable[[Path], None]]:
    """Name -> what writes it into its folder."""
    found: dict[str, Callable[[Path], None]] = {}
    for name, kind in SERVERS.items():
        found[name] = partial(by_server, lab, kind)
    for name, (port, log) in OF_ENVOY.items():
        found[name] = partial(by_server, lab, gateways.Envoy, port=port, log=log)
    for name, log in OF_NGINX.items():
        found[name] = partial(by_nginx, lab, log)
    return found


def by_server(lab: Lab, kind: type[gateways.Gateway], folder: Path, port: int = 0, log: str = "ingress.log") -> None:
    """A corpus of a server that is started for it."""
    with ExitStack() as stack:
        server = stack.enter_context(kind(lab.network))
        written(lab, port or server.port, NewLines(server.folder / log), folder)


def by_nginx(lab: Lab, log: str, folder: Path) -> None:
    """A corpus of one log of the lab's nginx."""
    written(lab, 80, lab.nginx.new_lines(log), folder)


def written(lab: Lab, port: int, new: NewLines, folder: Path) -> None:
    """Send everything, one request after the other, each line awaited before the next."""
    lines: list[bytes] = []
    requests: list[dict[str, object]] = []
    for request in sent(lab, port):
        if found := awaited(new, len(lines)):
            lines.append(found)
            requests.append(request)
        else:
            print(f"{folder.name}: no line of {request['case']} (status {request['status']})")
    folder.mkdir(exist_ok=True)
    (folder / "access.log").write_bytes(b"".join(line + b"\n" for line in lines))
    texts = (json.dumps(request) for request in requests)
    (folder / "requests.json").write_text("[\n" + ",\n".join(texts) + "\n]\n")


def awaited(new: NewLines, before: int) -> bytes | None:
    """The line behind those that came before, None where there is none."""
    try:
        return until(lambda: new.now()[before:], "a line", 1)[0]
    except TimeoutError:
        return None


def sent(lab: Lab, port: int) -> Iterator[dict[str, object]]:
    """One request after the other, as it was sent."""
    cases = [(host, case, value) for host in ("c1", "edge") for case, value in {**TAME, **HOSTILE}.items()]
    for host, case, value in cases:
        headers = [(b"X-Forwarded-For", value), (b"User-Agent", value), (b"Forwarded", b"for=6.6.6.8")]
        yield asked(lab, host, at.INGRESS, port, case, headers)
    if port not in (at_port for at_port, _ in OF_ENVOY.values()):  # those listen on IPv4 alone
        yield asked(lab, "c1", at.INGRESS_V6, port, "v6", [(b"X-Forwarded-For", b"2001:DB8:0:0::7")])
    yield asked(lab, "c1", at.INGRESS, port, "no header", [])


def asked(lab: Lab, host: str, to: str, port: int, case: str, headers: list[tuple[bytes, bytes]]) -> dict[str, object]:
    """One request and the truth about it."""
    with lab.connect(host, to, port) as connection:
        answer = connection.request("/local", headers)
    value = dict(headers).get(b"X-Forwarded-For")
    told = None if value is None else value.decode("latin-1")
    return {"case": case, "source": answer.local_address, "port": answer.local_port, "status": answer.status, "forwarded": told}


if __name__ == "__main__":
    main(sys.argv[1:])
