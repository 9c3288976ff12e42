"""What a command line that cannot be understood is answered with: what is wrong, why, and what to type instead."""

import difflib
from collections.abc import Iterable

from cyclopts import CycloptsError, MissingArgumentError, UnknownCommandError, UnknownOptionError, UnusedCliTokensError

from unmasq.base.errors import UsageError

STORE_NEXT = "add --store DIR, or set UNMASQ_STORE"


def usage_error(error: CycloptsError) -> UsageError:
    """The same in the words of this program."""
    verb = " ".join(["unmasq", *(error.command_chain or ())])
    if isinstance(error, MissingArgumentError):
        return _missing(error, verb)
    if isinstance(error, UnusedCliTokensError):
        return _too_much(error.unused_tokens or (), verb)
    if isinstance(error, UnknownOptionError):
        name = error.token.keyword or error.token.value
        known = {name for argument in error.argument_collection for name in argument.names if argument.parse}
        return UsageError(f"unknown flag: {name}", f"{verb} has no flag of that name", _close(name, known, verb))
    if isinstance(error, UnknownCommandError) and (error.unused_tokens or [""])[0].startswith("-"):
        return UsageError(f"unknown flag: {(error.unused_tokens or [''])[0]}", "the flags of a verb stand behind it", f"{verb} --help")
    return UsageError(str(error), "", f"{verb} --help")


def _missing(error: MissingArgumentError, verb: str) -> UsageError:
    name = error.argument.name if error.argument else "something"
    if name == "--store":
        why = "--store stands without a directory" if error.keyword else f"{verb} needs a store, and none was named"
        return UsageError("which store?", why, STORE_NEXT)
    if error.keyword:
        return UsageError(f"{error.keyword} stands without a value", "it needs one behind it", f"{verb} --help")
    return UsageError(f"{name} is missing", f"{verb} cannot do without it", f"{verb} --help says what it is")


def _too_much(tokens: Iterable[str], verb: str) -> UsageError:
    why = "it takes one address" if verb == "unmasq trace" else f"{verb} has no use for it"
    next_step = "one at a time, or a list of them: --from-file LIST" if verb == "unmasq trace" else f"{verb} --help"
    return UsageError(f"too much: {' '.join(tokens)}", why, next_step)


def _close(name: str, known: Iterable[str], verb: str) -> str:
    close = difflib.get_close_matches(name, sorted(known), 1)
    return f"did you mean {close[0]}? {verb} --help lists them" if close else f"{verb} --help lists them"
