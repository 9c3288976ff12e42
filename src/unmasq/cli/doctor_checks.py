"""The checks of `unmasq doctor`, gathered and shown."""

from pathlib import Path

import msgspec

from unmasq.base.clock import SystemClock
from unmasq.base.safe import terminal
from unmasq.cli import output as out
from unmasq.cli.ending import Exit
from unmasq.find.check import Check, State
from unmasq.find.checks import checks, first_broken
from unmasq.keep.protocol import Health
from unmasq.model.health import NodeStatus
from unmasq.observe import dataplane, switches
from unmasq.serve.backend import open_backend
from unmasq.show import words

_MARKS = {State.OK: "ok    ", State.WARN: "look  ", State.BROKEN: "BROKEN"}


def turn_on(namespace: str | None) -> None:
    """Turn the kernel's switches on and say what was off."""
    off = switches.state(namespace).off
    switches.turn_on(namespace)
    still_off = switches.state(namespace).off
    where = namespace or "this namespace"
    print(f"turned on in {where}: {', '.join(off)}" if off else f"everything was on in {where}")
    if still_off:
        out.note(f"still off: {', '.join(still_off)}")


def kernel(namespace: str | None, output: str) -> int:
    """Only the kernel, where there is no store to ask."""
    state, (tracked, most) = switches.state(namespace), switches.table_use(namespace)
    where = f"namespace {namespace}" if namespace else "this namespace"
    data_plane = dataplane.known_by(dataplane.interfaces(namespace))
    if state.off and data_plane:
        seen = f"off in {where}: {', '.join(state.off)}; but {data_plane} is here, and what it forwards may bypass conntrack"
        switched = Check("kernel", State.WARN, seen, "watch the proxy's own sockets: unmasq run --no-kernel --sockets /proc/PID/ns/net")
    elif state.off:
        switched = Check("kernel", State.BROKEN, f"off in {where}: {', '.join(state.off)}", "unmasq doctor --set-switches")
    else:
        switched = Check("kernel", State.OK, f"switches on in {where}")
    found = [switched, Check("table", State.OK, f"{tracked:,} of {most:,} connections tracked")]
    return _told(found, output, None, None)


def run(store: Path, output: str) -> int:
    """All links; fails if one of them is broken."""
    with open_backend(store, SystemClock()) as backend:
        status, health = backend.status(), backend.health()
    return _told(checks(status, health) if status else _at_rest(store, health), output, status, health)


def _at_rest(store: Path, health: Health) -> list[Check]:
    """What there is to say of files that nobody fills now: `unmasq run --once` leaves them so, and that is well."""
    held = f"{words.counted(health.flows, 'flow')} of {words.counted(health.requests, 'request')} on {words.counted(health.nodes, 'node')}"
    if health.oldest_us is not None and health.newest_us is not None:
        held += f", {words.span(health.oldest_us, health.newest_us)}"
    go_on = "to go on filling it: unmasq run --input LOG --store DIR"
    return [
        Check("owner", State.WARN, f"the store in {store} is at rest: nobody fills it now", go_on),
        Check("stored", State.OK if health.flows else State.WARN, f"{held}, trust list {health.trust_version}"),
    ]


def _told(found: list[Check], output: str, status: NodeStatus | None, health: Health | None) -> int:
    if output == "json":
        counters = status.counters if status else {}
        out.write(msgspec.json.encode({"checks": found, "status": status, "health": health, "counters": counters}) + b"\n")
    else:
        _show(found)
    return Exit.FAILED if first_broken(found) else Exit.DONE


def _show(found: list[Check]) -> None:
    for check in found:
        print(f"{_MARKS[check.state]}  {check.link:<10} {terminal(check.seen)}")
        if check.next and check.state is not State.OK:
            print(f"{'':18}{'next: '}{terminal(check.next)}")
    broken = first_broken(found)
    if broken:
        print(f"\nThe first broken link is: {broken.link}")
