"""Who asks: by a token in each request, or by the session of a browser that showed one once."""

import secrets
import threading
from dataclasses import dataclass

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.keep.control.tokens import Token, Tokens, digest

LASTS_US = 12 * 3600 * MICROSECONDS
"""A session, however often it is used."""

MOST_SESSIONS = 1000
LINK = "login link"
"""What whoever came by the link that the program printed is called."""


@dataclass(frozen=True)
class Who:
    """A name for the audit, what it may do, and, in a browser, what its forms must send back."""

    name: str
    role: str
    csrf: str = ""


@dataclass(frozen=True)
class _Session:
    who: Who
    until_us: int
    token: str | None  # the hash of the token by which it began: revoked, it is over


class Sessions:
    """Browsers that are logged in, in memory alone: after a restart they log in again. Any thread may call."""

    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        self._tokens, self._clock, self._lock = tokens, clock, threading.Lock()
        self._sessions: dict[str, _Session] = {}
        self._link = digest(secrets.token_urlsafe(32))

    def __len__(self) -> int:
        now_us = self._clock.now_us()
        with self._lock:
            return sum(now_us < session.until_us for session in self._sessions.values())

    def link(self) -> str:
        """The text of a new link, which works once; one that was made before works no more."""
        text = secrets.token_urlsafe(32)
        with self._lock:
            self._link = digest(text)
        return text

    def by_link(self, text: str) -> str | None:
        """The id of a new session for whoever has the link; None where it is not that link, or was used."""
        with self._lock:
            if not secrets.compare_digest(digest(text), self._link):
                return None
            self._link = digest(secrets.token_urlsafe(32))
            return self._begin(LINK, "admin", None)

    def by_token(self, text: str) -> str | None:
        """The id of a new session for whoever has a token of people; None for any other text."""
        token = self._tokens.find(text, self._clock.now_us())
        if token is None or token.role == "node":
            return None
        with self._lock:
            return self._begin(token.name, token.role, token.sha256)

    def _begin(self, name: str, role: str, token: str | None) -> str:
        """The oldest ones make room: whoever was longest away logs in again."""
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        text = secrets.token_urlsafe(32)
        who = Who(name, role, secrets.token_urlsafe(24))
        self._sessions[digest(text)] = _Session(who, self._clock.now_us() + LASTS_US, token)
        return text

    def who(self, text: str) -> Who | None:
        """Whose session it is, as long as it lasts."""
        key, now_us = digest(text), self._clock.now_us()
        with self._lock:
            found = self._sessions.get(key)
        if found is None:
            return None
        is_over = now_us >= found.until_us or (found.token is not None and self._tokens.known(found.token, now_us) is None)
        if is_over:
            self.end(text)
            return None
        return found.who

    def end(self, text: str) -> None:
        """Log out."""
        with self._lock:
            self._sessions.pop(digest(text), None)


def named(token: Token) -> Who:
    """Whoever shows a token in a request."""
    return Who(token.name, token.role)


def masked(csrf: str) -> str:
    """The secret of a session's forms, different each time: pages are compressed, and what stays the same in them can be guessed."""
    secret = csrf.encode()
    pad = secrets.token_bytes(len(secret))
    return (pad + bytes(a ^ b for a, b in zip(pad, secret, strict=True))).hex()


def is_unmasked(text: str, csrf: str) -> bool:
    """Whether a form sent back what a page of this session had."""
    try:
        both = bytes.fromhex(text)
    except ValueError:
        return False
    half = len(both) // 2
    secret = bytes(a ^ b for a, b in zip(both[:half], both[half:], strict=False))
    return bool(csrf) and secrets.compare_digest(secret, csrf.encode())
