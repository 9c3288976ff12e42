"""`unmasq token`: who may talk to a server."""

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from unmasq.base import moments
from unmasq.base.clock import SystemClock
from unmasq.base.errors import InputError, StoreError
from unmasq.base.safe import terminal
from unmasq.base.secretfile import new_secret
from unmasq.cli import output as out
from unmasq.cli.flags import StoreFlag
from unmasq.keep import lock
from unmasq.keep.control.tokens import Tokens, Use

app = App(name="token", help="Tokens with which nodes and readers show a server who they are.")

UseFlag = Annotated[Use, Parameter(name="--use")]


@app.command
def create(name: str, /, *, store: StoreFlag, use: UseFlag = "node", file: Path | None = None) -> None:
    """Make a token and tell it once: only its hash is kept.

    Parameters
    ----------
    name:
        What the list calls it: a node, a person, a program.
    use:
        `node` sends flows and fetches settings; `read` asks questions and reads metrics.
    file:
        A new file for it, which only its user can read; one that is there is left alone. Otherwise it is printed.
    """
    tokens = _tokens(store)
    if file is None:
        print(tokens.create(name, use, SystemClock().now_us()))
        where = "keep it in a file that only its user can read"
    else:
        _put(file, tokens, name, use)
        where = f"it is in {file}, which only its user can read"
    take_away = shlex.join(["unmasq", "token", "revoke", name, "--store", str(store)])
    out.note(f"{where}; a running server knows it already. To take it away: {take_away}")


def _put(file: Path, tokens: Tokens, name: str, use: Use) -> None:
    """A token whose text could not be kept is none."""
    with new_secret(file) as write:
        text = tokens.create(name, use, SystemClock().now_us())
        try:
            write(text)
        except InputError:
            tokens.revoke(name)
            raise


def _tokens(store: Path) -> Tokens:
    """Those of a store. Raises StoreError where none is: nobody would ever look there."""
    try:
        (store / lock.NAME).stat()
    except (FileNotFoundError, NotADirectoryError):
        next_step = f"name the store of the running server; or start one: {shlex.join(['unmasq', 'serve', '--store', str(store)])}"
        raise StoreError(
            f"there is no store in {store}", "no server was ever started there, so that none would know a token", next_step
        ) from None
    except OSError as error:
        raise StoreError(f"cannot open the store in {store}", str(error.strerror), "run as its owner") from None
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
    """Print the names of all tokens, what they are good for, and when they were made."""
    for token in _tokens(store).all():
        print(f"{terminal(token.name):<30}  {token.use:<5}  {moments.text(token.made_us)}")
