"""`unmasq token`: who may talk to a server."""

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from unmasq.base import moments
from unmasq.base.clock import SystemClock
from unmasq.base.errors import InputError, StoreError
from unmasq.base.moments import parse_duration
from unmasq.base.safe import terminal
from unmasq.base.secretfile import new_secret
from unmasq.cli import output as out
from unmasq.cli.flags import StoreFlag
from unmasq.keep import lock
from unmasq.keep.control import tokens
from unmasq.keep.control.tokens import Role, Token, Tokens

app = App(name="token", help="Tokens with which nodes and readers show a server who they are.")

RoleFlag = Annotated[Role, Parameter(name="--role")]
LengthFlag = Annotated[str | None, Parameter(name="--for", metavar="LENGTH")]


@app.command
def add(name: str, /, *, store: StoreFlag, role: RoleFlag = "see", length: LengthFlag = None, file: Path | None = None) -> None:
    """Make a token and tell it once: only its hash is kept.

    Parameters
    ----------
    name:
        What the list calls it: a node, a person, a program.
    role:
        `node` sends flows and fetches settings; `see` looks at pages, asks questions and reads metrics; `admin` also changes whom
        you trust.
    length:
        How long it is good: 8h, 30d. Without it, until it is revoked.
    file:
        A new file for it, which only its user can read; one that is there is left alone. Otherwise it is printed.
    """
    now_us = SystemClock().now_us()
    until_us = None if length is None else now_us + parse_duration(length)
    kept = _begun(store)
    if file is None:
        print(kept.add(name, role, now_us, until_us))
        where = "keep it in a file that only its user can read"
    else:
        _put(file, kept, Token(name, role, "", now_us, until_us))
        where = f"it is in {file}, which only its user can read"
    take_away = shlex.join(["unmasq", "token", "revoke", name, "--store", str(store)])
    out.note(f"{where}; a running server knows it already. To take it away: {take_away}")


def _put(file: Path, kept: Tokens, wanted: Token) -> None:
    """A token whose text could not be kept is none."""
    with new_secret(file) as write:
        text = kept.add(wanted.name, wanted.role, wanted.made_us, wanted.until_us)
        try:
            write(text)
        except InputError:
            kept.revoke(wanted.name)
            raise


def _begun(store: Path) -> Tokens:
    """Those of a store, which may come to be later: a server beyond this machine does not start without a token."""
    if not store.exists():
        out.note(f"there is no store in {store} yet: whoever serves it there will know this token")
    return Tokens(store)


def _tokens(store: Path) -> Tokens:
    """Those of a store. Raises StoreError where none is: nobody would ever look there."""
    try:
        is_there = any((store / name).exists() for name in (lock.NAME, tokens.NAME))
    except OSError as error:
        raise StoreError(f"cannot open the store in {store}", str(error.strerror), "run as its owner") from None
    if not is_there:
        next_step = f"name the store of the running server; or start one: {shlex.join(['unmasq', 'serve', '--store', str(store)])}"
        raise StoreError(f"there is no store in {store}", "no server was ever started there, and no token made", next_step)
    return Tokens(store)


@app.command
def revoke(name: str, /, *, store: StoreFlag) -> None:
    """Take a token's rights away, at once.

    Parameters
    ----------
    name:
        The name under which it was made.
    """
    _tokens(store).revoke(name)


@app.command(name="list")
def list_(*, store: StoreFlag) -> None:
    """Print the names of all tokens, what they may do, when they were made, and until when they are good."""
    for token in _tokens(store).all():
        until = "for ever" if token.until_us is None else f"until {moments.text(token.until_us)}"
        print(f"{terminal(token.name):<30}  {token.role:<5}  {moments.text(token.made_us)}  {until}")
