"""Taking a lab down, also one whose owner died without doing so."""

import shutil

from .claim import PLACE, Claim, LabInUse, claimed_prefixes
from .namespace import NAMES
from .processes import end_inhabitants, ip_batch
from .topology import HOSTS


def remove(prefix: str) -> None:
    """End whoever lives in the namespaces of `prefix`, remove them, and the state folder that belongs to it.

    Only for the holder of its claim. Nothing there is fine.
    """
    present = [name for name in (f"{prefix}-{host}" for host in HOSTS) if (NAMES / name).exists()]
    end_inhabitants(present)
    ip_batch([f"netns del {name}" for name in present])
    shutil.rmtree(PLACE / prefix, ignore_errors=True)


def remove_dead() -> list[str]:
    """Remove every lab whose owner is dead; their prefixes. Those of the living are not touched."""
    removed = []
    for prefix in claimed_prefixes():
        claim = Claim(prefix)
        try:
            claim.take()
        except LabInUse:
            continue
        try:
            remove(prefix)
        finally:
            claim.release()
        removed.append(prefix)
    return removed
