"""The checks of `unmasq doctor`, shown; and the kernel's switches, turned on."""

from collections.abc import Sequence

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


def tell(looked: Looked, output: str) -> None:
    """Show all links."""
    if output == "json":
        counters = looked.status.counters if looked.status else {}
        answer = {"checks": looked.checks, "status": looked.status, "health": looked.health, "counters": counters}
        out.write(msgspec.json.encode(answer) + b"\n")
    else:
        _show(looked.checks)


def ended(found: Sequence[Check], *, tells_of_warnings: bool) -> Exit:
    """How a look at these links ends: for whoever watches us from outside."""
    if any(check.state is State.BROKEN for check in found):
        return Exit.FAILED
    is_noted = tells_of_warnings and any(check.state is State.WARN for check in found)
    return Exit.TO_LOOK_AT if is_noted else Exit.DONE


def _show(found: list[Check]) -> None:
    for check in found:
        print(f"{_MARKS[check.state]}  {check.link:<10} {terminal(check.seen)}")
        if check.next and check.state is not State.OK:
            print(f"{'':18}{'next: '}{terminal(check.next)}")
    broken = first_broken(found)
    if broken:
        print(f"\nThe first broken link is: {broken.link}")
