"""`unmasq config view`: what a verb would do without any flag, and why."""

import json
from typing import Annotated, Any, Literal

from cyclopts import Argument, Parameter

from unmasq.base.errors import UsageError
from unmasq.base.safe import terminal
from unmasq.cli import settings


def view(verb: str = "run", /, *, output: Annotated[Literal["table", "json"], Parameter(alias="-o")] = "table") -> None:
    """Print the settings of a verb that no flag gives, and where each comes from: the environment, a file or the default.

    Parameters
    ----------
    verb:
        run, trace, flows, ...
    output:
        A table or JSON.
    """
    from unmasq.cli.program import VERBS, program

    if verb not in VERBS or verb in ("config", "schema"):
        raise UsageError(f"no settings of {verb!r}", "settings belong to a verb", f"one of {', '.join(VERBS)}")
    app = program()[verb]
    arguments = app.assemble_argument_collection()
    for source in settings.current():
        source(app, (verb,), arguments)
    rows = [_row(argument) for argument in arguments if argument.parse and not argument.children]
    if output == "json":
        print(json.dumps([dict(zip(("setting", "value", "from"), row, strict=True)) for row in rows]))
        return
    width = max(len(name) for name, _, _ in rows)
    for name, value, source in rows:
        print(terminal(f"{name:<{width}}  {'-' if value in (None, '') else value}  ({source})"))


def _row(argument: Argument) -> tuple[str, Any, str]:
    """Name, value and origin of one setting."""
    name = argument.name.removeprefix("--")
    if argument.tokens:
        first = argument.tokens[0]
        where = f"{first.keyword} of the environment" if first.source == "env" else str(first.source)
        return name, " ".join(token.value or str(token.implicit_value) for token in argument.tokens), where
    default = argument.field_info.default
    known = None if default in (argument.field_info.empty, None, ()) else default
    return name, known if known is None or isinstance(known, (int, float)) else str(known), "default"
