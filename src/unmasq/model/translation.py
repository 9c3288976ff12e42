"""Connections whose source a node translated on their way to a proxy elsewhere: what one node tells of another's flows."""

from dataclasses import dataclass

from unmasq.model.columns import Array, Columns, column


@dataclass(frozen=True, slots=True)
class Translations(Columns):
    """One row a connection, or what is known of it so far; a later row of the same one may add to that.

    `source_*` and `dest_*` are the reversed reply tuple: what the proxy's socket sees on its own node.
    """

    protocol: Array = column("u1")
    source_hi: Array = column("u8")
    source_lo: Array = column("u8")
    source_port: Array = column("u2")
    dest_hi: Array = column("u8")
    dest_lo: Array = column("u8")
    dest_port: Array = column("u2")
    orig_source_hi: Array = column("u8")  # who opened it, before the node translated the source
    orig_source_lo: Array = column("u8")
    orig_source_port: Array = column("u2")
    start_us: Array = column("i8")  # the kernel's time stamp there, or the last time at which it was not there
    end_us: Array = column("i8")  # 0: open, as far as is known
    seen_us: Array = column("i8")  # when it was last seen; of an open one nothing is known after that
