"""Whom a verb asks: a store of this machine, or a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from unmasq.base.errors import UsageError
from unmasq.cli.misuse import STORE_NEXT

if TYPE_CHECKING:
    from unmasq.serve.client import Owner
    from unmasq.serve.protocol import Backend


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where:
    """A store, or a server with a token."""

    store: Annotated[Path | None, Parameter(name="--store")] = None
    """The directory of the store: owned by a running `unmasq run`, or at rest. Otherwise what UNMASQ_STORE says."""
    server: str | None = None
    """The URL of unmasq serve, instead of a store."""
    token_file: Path | None = None
    """A file with a token for readers, for --server."""
    ca: Path | None = None
    """A file with the certificates that vouch for the server, PEM. Otherwise the system's."""
    insecure: bool = False
    """Send the token also over http:// to another machine: only where nobody can be on the way."""

    def words(self) -> list[str]:
        """The flags that ask the same again."""
        if self.server is None:
            return ["--store", str(self.store)]
        more = [*(["--ca", str(self.ca)] if self.ca else []), *(["--insecure"] if self.insecure else [])]
        return ["--server", self.server, "--token-file", str(self.token_file), *more]

    def check(self, verb: str) -> None:
        """Raises UsageError where nobody is named, or two."""
        if self.store is None and self.server is None:
            raise UsageError("which store?", f"unmasq {verb} needs a store, and none was named", f"{STORE_NEXT}; or --server URL")
        if self.store is not None and self.server is not None:
            why = f"the store in {self.store} and the server at {self.server} are both named, by flags or settings"
            raise UsageError("whom to ask?", why, "leave out --store and UNMASQ_STORE, or --server and UNMASQ_SERVER")

    @contextmanager
    def asked(self) -> Iterator["Backend"]:
        """Whoever answers. Raises as `open_backend` and `server_at`, and UsageError where no token is named."""
        from unmasq.base.clock import SystemClock

        if self.server is not None:
            with server_of(self.server, self.token_file, self.ca, insecure=self.insecure) as owner:
                yield owner
        else:
            from unmasq.serve.backend import open_backend

            with open_backend(self.store or Path(), SystemClock()) as backend:
                yield backend


NOWHERE = Where()


@contextmanager
def server_of(url: str, token_file: Path | None, ca: Path | None, *, insecure: bool) -> Iterator["Owner"]:
    """The server at a URL. Raises UsageError where no token is named."""
    from unmasq.base.secretfile import secret
    from unmasq.serve.remote import server_at

    if token_file is None:
        next_step = "add --token-file FILE; beside the server, unmasq token add NAME --role see --store DIR --file FILE makes one"
        raise UsageError("with which token?", "a server answers only those who show one", next_step)
    with server_at(url, secret(token_file), ca, insecure=insecure) as owner:
        yield owner
