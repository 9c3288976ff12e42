"""What a collector says of itself to those who ask on its port."""

from dataclasses import dataclass, field
from uuid import uuid4


@dataclass
class CollectorState:
    """Written by the loop, read by any thread."""

    speaks: str = ""
    """`lines` or `reports` while a peer listens, else empty."""
    has_spoken: bool = False
    """Whether anybody listened on the connection that there is now, or was last."""
    turned_us: int = 0
    """When the loop last looked at anything."""
    held_since_us: int = 0
    """Since when the peer has not taken what it is told; 0 while nothing waits for it."""
    id: str = field(default_factory=lambda: uuid4().hex)
    """What this process calls itself."""
