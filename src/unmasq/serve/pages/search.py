"""What the search box means: one address or range leads to its page, several lead to a list."""

from unmasq.base.errors import UsageError
from unmasq.base.safe import shortened
from unmasq.serve.pages.links import about, to
from unmasq.serve.pages.several import split

_LONGEST = 60


def place(text: str) -> str:
    """The page for what somebody typed or pasted. Raises UsageError where no address is in it."""
    addresses, strange = split(text)
    if len(addresses) == 1 and not strange:
        return about(addresses[0])
    if addresses:
        return to("/several", [("q", " ".join([*addresses, *strange]))])
    if not text.strip():
        raise UsageError("which address?", "the search box was empty", "type an address, a range, or paste a list of them")
    what = f"no address in {shortened(' '.join(text.split()), _LONGEST)!r}"
    raise UsageError(
        what, "this box takes addresses and ranges, IPv4 or IPv6, also with ports", "hosts and paths: use the filters of Flows"
    )
