"""`make demo`: build the network, send the requests, show the answers, and fail unless each of them is right."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from demo import ending
from demo.program import UNMASQ, Program
from demo.requests import VISITS, Visit
from tests.lab import topology as at
from tests.lab.cluster import Lab
from tests.lab.deadline import until
from tests.needs import missing

TRUST = (("edge-lb", at.EDGE), ("edge-lb", at.EDGE_V6), ("a mistake", "10.0.0.0/8"))
NODE_RANGES = (at.NODE, at.NODE_V6, at.GATEWAY, at.GATEWAY_V6)


def main() -> int:
    """Run the demo; 0 if all of it came out right."""
    lacking = missing("lab")
    if lacking:
        print(f"The demo needs what this machine lacks: {', '.join(lacking)}.", file=sys.stderr)
        return 1
    ending.listen()
    with tempfile.TemporaryDirectory(prefix="unmasq-demo-") as folder, Lab() as lab:
        heading("The kernel's switches on the node, turned on by the program")
        subprocess.run([UNMASQ, "doctor", "--set-switches", "--namespace", str(lab.network.namespace_path("node"))], check=True)
        with Program(lab, Path(folder) / "store", NODE_RANGES) as program, ending.undisturbed_afterwards():
            for name, network in TRUST:
                program.says("config", "trust", "add", name, network)
            right = visits(lab, program) & answers(program) & acceptance(program)
            if is_kept():
                keep(program)
    print("\nAll of it came out right." if right else "\nSomething is WRONG, see above.")
    return 0 if right else 1


def heading(text: str) -> None:
    """A line between two parts."""
    print(f"\n== {text} ==", flush=True)


def visits(lab: Lab, program: Program) -> bool:
    """Send every request and compare what became of it with the truth."""
    heading(f"{len(VISITS)} requests by real clients, and what the log line and the kernel's connection say together")
    print(f"{'request':<42}{'proxy logged':<17}{'conntrack id':<14}{'join':<7}{'client':<18}")
    results = [visited(lab, program, visit) for visit in VISITS]
    return all(results)


def visited(lab: Lab, program: Program, visit: Visit) -> bool:
    """Send one request, wait until it is joined, show it."""
    lab.network.nat("cluster" if visit.masquerade else "local")
    known = {key_of(flow) for flow in program.flows()}
    lab.request(visit.host, visit.to, visit.port, headers=visit.headers)
    flow = until(lambda: joined(program, known), f"the flow of {visit.what}", 20)[0]
    ours = flow["unmasq"]
    client = ours["clients"][0]["ip"] if ours["clients"] else "-"
    right = (client, ours["join"]) == (visit.client, visit.join)
    verdict = "" if right else f"WRONG: it is {visit.client}, {visit.join}"
    print(f"{visit.what:<42}{flow['source_ip']:<17}{ours['connection']['id']:<14}{ours['join']:<7}{client:<18}{verdict}", flush=True)
    return right


def key_of(flow: dict[str, Any]) -> tuple[str, int, str]:
    """What stays the same of a flow while it is open."""
    return flow["source_ip"], flow["source_port"], flow["dest_ip"]


def joined(program: Program, known: set[tuple[str, int, str]]) -> list[dict[str, Any]]:
    """Flows that were not known, once their connections are."""
    new = [flow for flow in program.flows() if key_of(flow) not in known and flow["unmasq"]["requests"]]
    return [flow for flow in new if flow["unmasq"]["connection"]]


def answers(program: Program) -> bool:
    """The question of the product, asked of a client and of an address that is only claimed."""
    right = True
    for address, word in ((at.C1, "forwarded"), (at.C2, "direct"), ("1.1.1.1", "only claimed")):
        heading(f"unmasq trace {address}")
        answer = program.says("trace", address)
        print(shown(answer, kept=is_kept()), end="")
        right &= word in answer
    return right


def acceptance(program: Program) -> bool:
    """The old how-to's last step, from a client's machine."""
    heading("unmasq doctor --test, from the client's machine")
    answer = program.says("doctor", "--test", f"http://{at.INGRESS}/", host="c1")
    print(answer, end="")
    return "2.2.2.2" in answer and "1.1.1.1" in answer and "as sent" in answer


def is_kept() -> bool:
    """Whether the user wants to look around."""
    return bool(os.environ.get("KEEP"))


def shown(answer: str, *, kept: bool) -> str:
    """An answer whose next command can be run as it is printed; without it where its store is gone before anybody could."""
    return re.sub(r"^(next +)unmasq\b(.*\n)", rf"\g<1>{UNMASQ}\2" if kept else "", answer, flags=re.MULTILINE)


def keep(program: Program) -> None:
    """Leave it running until the user has looked around: until Enter, or a signal where nobody can press it."""
    heading("It is still running")
    for verb in (f"trace {at.C1}", "flows -f"):
        print(f"{UNMASQ} {verb} --store {program.store}")
    print("Press Enter, or send SIGINT or SIGTERM, to take it away.", flush=True)
    with suppress(ending.Ended):
        while not sys.stdin.readline():
            signal.pause()


if __name__ == "__main__":
    sys.exit(main())
