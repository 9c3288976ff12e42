"""The checks of `unmasq doctor`, gathered and shown."""

from pathlib import Path

import msgspec

from unmasq.base.clock import SystemClock
from unmasq.base.safe import terminal
from unmasq.cli import output as out
from unmasq.cli.ending import Exit
from unmasq.find.checks import Check, State, checks, first_broken
from unmasq.observe import switches
from unmasq.serve.backend import open_backend

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


def kernel(namespace: str | None) -> int:
    """Only the kernel, where there is no store to ask."""
    state, (tracked, most) = switches.state(namespace), switches.table_use(namespace)
    rule = "unknown" if state.tracking is None else "yes" if state.tracking else "no"
    print(f"counters {_on(state.accounting)}, time stamps {_on(state.timestamps)}, events {_on(state.events)}, rule that tracks: {rule}")
    print(f"{tracked:,} of {most:,} connections tracked")
    if state.off:
        print(f"off: {', '.join(state.off)}; turn them on with: unmasq doctor --set-switches")
    return Exit.FAILED if state.off else Exit.DONE


def _on(value: bool) -> str:  # noqa: FBT001  # one word for one switch
    return "on" if value else "OFF"


def run(store: Path, output: str) -> int:
    """All links; fails if one of them is broken."""
    with open_backend(store, SystemClock()) as backend:
        status, health = backend.status(), backend.health()
    if status is None:
        found = [Check("owner", State.BROKEN, f"nobody fills the store in {store}", "start it: unmasq run --input LOG --store DIR")]
    else:
        found = checks(status, health)
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
