"""What there is to say of days that cannot be written or read. Pure."""

from collections.abc import Iterator

from unmasq.find.check import Check, State
from unmasq.keep.shapes import Health
from unmasq.show import words


def unwritten(health: Health) -> Iterator[Check]:
    """The days that cannot be written, of which only what belongs to them waits."""
    if health.unwritten:
        told = "; ".join(f"{file}: {why}" for file, why in sorted(health.unwritten.items()))
        next_step = "make room; or, where a file is damaged, stop the server, move the file away and start it again"
        yield Check("written", State.BROKEN, f"{words.counted(len(health.unwritten), 'day')} cannot be written: {told}", next_step)


def unreadable(health: Health) -> Iterator[Check]:
    """The files that cannot be read: whoever asks gets an answer without their days."""
    if health.unreadable:
        told = "; ".join(f"{file}: {why}" for file, why in sorted(health.unreadable.items()))
        next_step = "restore it, or move it away; a newer one needs a newer unmasq"
        yield Check(
            "readable", State.BROKEN, f"{words.counted(len(health.unreadable), 'file')} left out of every answer: {told}", next_step
        )
