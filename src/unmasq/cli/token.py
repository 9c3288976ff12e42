"""`unmasq token`: who may talk to a server."""

from typing import Annotated

from cyclopts import App, Parameter

from unmasq.base import moments
from unmasq.base.clock import SystemClock
from unmasq.base.safe import terminal
from unmasq.cli import output as out
from unmasq.cli.flags import StoreFlag
from unmasq.keep.tokens import Tokens, Use

app = App(name="token", help="Tokens with which nodes and readers show a server who they are.")

UseFlag = Annotated[Use, Parameter(name="--use")]


@app.command
def create(name: str, /, *, store: StoreFlag, use: UseFlag = "node") -> None:
    """Make a token and print it once: only its hash is kept.

    Parameters
    ----------
    name:
        What the list calls it: a node, a person, a program.
    use:
        `node` sends flows and fetches settings; `read` asks questions and reads metrics.
    """
    print(Tokens(store).create(name, use, SystemClock().now_us()))
    out.note(
        f"keep it in a file that only its user can read; a running server knows it already. To take it away: unmasq token revoke {name}"
    )


@app.command
def revoke(name: str, /, *, store: StoreFlag) -> None:
    """Take a token's rights away, at once.

    Parameters
    ----------
    name:
        The name under which it was made.
    """
    Tokens(store).revoke(name)


@app.command(name="list")
def list_(*, store: StoreFlag) -> None:
    """Print the names of all tokens, what they are good for, and when they were made."""
    for token in Tokens(store).all():
        print(f"{terminal(token.name):<30}  {token.use:<5}  {moments.text(token.made_us)}")
