"""A container runtime and its kubelet as one process: `python runtime.py LOG RATE SECONDS ROTATIONS` writes numbered lines.

Some lines come in parts, the other stream writes in between, and every rotation falls between two parts of a line. Prints how
many lines it wrote.
"""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

PAUSE_SECONDS = 0.02


def frame(text: bytes, tag: str, stream: str = "stdout") -> bytes:
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    stamp = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{nanoseconds:09d}".rstrip("0").encode() + f"Z {stream} {tag} ".encode() + text + b"\n"


def line(number: int) -> bytes:
    payload = {
        "source_port": "", "destination_ip": "10.244.1.10", "destination_port": "80", "source_ip": "192.0.2.1",
        "x-forwarded-for": f"100.64.{number % 200}.{number % 250}", "x-real-ip": "", "uri": f"/line/{number}", "user_agent": "é" * 20,
    }  # fmt: skip
    return b"unmasq: " + json.dumps(payload, ensure_ascii=False).encode()


def halves(text: bytes, number: int) -> tuple[bytes, bytes]:
    at = 1 + number * 7919 % (len(text) - 1)  # anywhere, also within a character
    return text[:at], text[at:]


def frames(numbers: range) -> Iterator[bytes]:
    for number in numbers:
        if number % 7:
            yield frame(line(number), "F")
            continue
        begin, end = halves(line(number), number)
        yield frame(begin, "P")
        if number % 3 == 0:
            yield frame(b"[warn] something else", "F", "stderr")
        yield frame(end, "F")


def main(path: Path, rate: int, seconds: float, rotations: int) -> None:
    batch, count = int(rate * PAUSE_SECONDS), 0
    rounds = int(seconds / PAUSE_SECONDS)
    turns = {round(rounds * (turn + 0.5) / rotations): turn for turn in range(rotations)}
    log = path.open("ab", buffering=0)
    due = time.monotonic()
    for turn in range(rounds):
        log.write(b"".join(frames(range(count, count + batch))))
        count += batch
        if turn in turns:
            begin, end = halves(line(count), count)
            log.write(frame(begin, "P"))
            path.rename(path.with_name(f"{path.name}.20261125-08{turns[turn]:04d}"))
            log.write(frame(b"after the rename", "F", "stderr"))  # the runtime opens the new file a moment later
            log.close()
            log = path.open("ab", buffering=0)
            log.write(frame(end, "F"))
            count += 1
        due += PAUSE_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))
    print(count)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
