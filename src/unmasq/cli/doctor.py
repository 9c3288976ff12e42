"""`unmasq doctor`: which link is broken, and what to do."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from unmasq.base.errors import UsageError
from unmasq.cli.ending import Exit
from unmasq.cli.misuse import STORE_NEXT


def doctor(
    *,
    store: Path | None = None,
    test: str | None = None,
    set_switches: bool = False,
    namespace: str | None = None,
    output: Annotated[Literal["text", "json"], Parameter(alias="-o")] = "text",
    timeout_seconds: float = 30,
) -> int:
    """Look at every link from the proxy's log to the store, and name the first that is broken.

    Parameters
    ----------
    store:
        The directory of the store that a running `unmasq run` fills. Otherwise what UNMASQ_STORE says.
    test:
        Send test requests to this URL of a proxy: X-Forwarded-For 1.1.1.1 with X-Real-Ip 2.2.2.2, and once more without
        X-Real-Ip; wait for their flows in the store, and tell what became of the headers.
    set_switches:
        Turn on what conntrack needs in the kernel: three settings and a rule that looks at connections.
    namespace:
        The network namespace for --set-switches, or to look at without a store: a name or a path. Otherwise our own.
    output:
        A text for people, or JSON.
    timeout_seconds:
        How long to wait for the flow of a test request.
    """
    from unmasq.cli import doctor_checks, doctor_test

    if set_switches:
        doctor_checks.turn_on(namespace)
        return Exit.DONE
    if test is not None:
        if store is None:
            raise UsageError("in which store?", "the flows of the test are looked for in a store", STORE_NEXT)
        return doctor_test.run(test, store, timeout_seconds, output)
    if store is None:
        return doctor_checks.kernel(namespace, output)
    return doctor_checks.run(store, output)
