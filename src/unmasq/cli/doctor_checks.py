"""The checks of `unmasq doctor`, shown; and the kernel's switches, turned on."""

import msgspec

from unmasq.base.safe import terminal
from unmasq.cli import output as out
from unmasq.cli.doctor_places import Looked
from unmasq.cli.ending import Exit
from unmasq.find.check import Check, State
from unmasq.find.checks import first_broken
from unmasq.observe import switches

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


def told(looked: Looked, output: str) -> int:
    """Show all links; fails if one of them is broken."""
    if output == "json":
        counters = looked.status.counters if looked.status else {}
        answer = {"checks": looked.checks, "status": looked.status, "health": looked.health, "counters": counters}
        out.write(msgspec.json.encode(answer) + b"\n")
    else:
        _show(looked.checks)
    return Exit.FAILED if first_broken(looked.checks) else Exit.DONE


def _show(found: list[Check]) -> None:
    for check in found:
        print(f"{_MARKS[check.state]}  {check.link:<10} {terminal(check.seen)}")
        if check.next and check.state is not State.OK:
            print(f"{'':18}{'next: '}{terminal(check.next)}")
    broken = first_broken(found)
    if broken:
        print(f"\nThe first broken link is: {broken.link}")
