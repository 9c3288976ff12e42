"""Write docs/cli.md from the program itself: every verb, flag and exit code, in its own words."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from cyclopts import App, Argument

from unmasq.cli.ending import MEANINGS
from unmasq.cli.program import VERBS, program
from unmasq.cli.settings import PREFIX, SHARED

SHARED_NAMES = ", ".join(f"`{name}`" for name in SHARED)
HEAD = f"""\
# The command line

<!-- Written by scripts/cli_docs.py (make docs); a test fails where it is out of step. -->

Data goes to standard output, everything else to standard error. `-o` says in which form; JSON is the body that the API
gives. Text that clients wrote is shown so that it can do no harm in that form: `\\x1b` is never an escape, `=` no formula.

A flag that is not given is looked for as `{PREFIX}NAME` in the environment (`{PREFIX}STORE=/var/lib/unmasq`), then in the
TOML file of `--config` or `{PREFIX}CONFIG`, which has a table for each verb with the names of its flags;
{SHARED_NAMES} may stand above the tables, for all verbs. Unknown keys are refused.
`unmasq config view VERB` shows what is in effect, and why. `{PREFIX}DEBUG=1` prints tracebacks.
Times are `2026-11-24T08:00:00Z`, `2026-11-24`, or a length before now: 30s, 10m, 2h, 2d, 1w.
"""


def page() -> str:
    """The whole page."""
    root = program()
    codes = "".join(f"| {int(code)} | {meaning} |\n" for code, meaning in MEANINGS.items())
    parts = [HEAD, f"## Exit codes\n\n| code | meaning |\n| --- | --- |\n{codes}", f"## Flags of every verb\n\n{_flags(root.meta)}"]
    for name in VERBS:
        parts += _verb(root, [name])
    return "\n".join(parts)


def _verb(root: App, chain: list[str]) -> Iterator[str]:
    """A verb and its own verbs."""
    app = root
    for name in chain:
        app = app[name]
    if app.default_command is not None:
        with root.app_stack(chain):  # what the program sets for all flags holds here too
            flags = _flags(app)
            names = [_name(each) + _more(each) for each in _arguments(app) if _is_positional(each)]
        promise = inspect.cleandoc(app.default_command.__doc__ or "").splitlines()[0]
        yield f"## {' '.join(['unmasq', *chain, *names])}\n\n{promise}\n\n{flags}"
    for each in app.resolved_commands():
        if not each.startswith("-"):
            yield from _verb(root, [*chain, each])


def _flags(app: App) -> str:
    rows = [_row(argument) for argument in _arguments(app)]
    return "".join(["| flag | meaning |\n| --- | --- |\n", *rows]) if rows else ""


def _arguments(app: App) -> list[Argument]:
    found = app.assemble_argument_collection(parse_docstring=True)
    return [argument for argument in found if argument.show and argument.parse and not argument.children]


def _row(argument: Argument) -> str:
    meaning = (argument.parameter.help or "").replace("\n", " ").replace("|", "\\|").strip()
    choices = argument.get_choices()
    default = argument.field_info.default
    known = [f"one of {', '.join(choices)}"] if choices else []
    known += ["required"] if argument.required else []
    if default not in (argument.field_info.empty, None, (), "") and not isinstance(default, bool):
        known.append(f"default {default}")
    behind = f" ({'; '.join(known)})" if known else ""
    return f"| `{_name(argument)}` | {meaning}{behind} |\n"


def _name(argument: Argument) -> str:
    return argument.name.strip("-").upper() if _is_positional(argument) else ", ".join(argument.names)


def _is_positional(argument: Argument) -> bool:
    return argument.field_info.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)


def _more(argument: Argument) -> str:
    return " ..." if argument.field_info.kind is inspect.Parameter.VAR_POSITIONAL else ""


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
