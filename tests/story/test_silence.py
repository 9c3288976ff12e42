"""`unmasq run` is alive, by its own word, as long as it runs: without any request nothing is doubted; when it has ended something is."""

import json

from tests.lab.deadline import until
from tests.story.served import LINE, Served, following, unmasq


def doubts(served: Served, *words: str) -> list[str]:
    ended = unmasq("flows", *words, "--store", str(served.store), "-o", "json")
    assert ended.returncode == 0, ended.stderr
    told: list[str] = json.loads(ended.stdout)["completeness"]["doubts"]
    return told


def test_who_runs_without_requests_is_not_silent_and_who_has_ended_is(tmp_path):
    flags = following(tmp_path)
    with Served(tmp_path, "run", *flags, "--listen", "127.0.0.1:0") as served:
        served.link()
        until(lambda: doubts(served) == [], "its first sign of life", 30)
        (tmp_path / "log").write_text(LINE.format("198.51.100.7"))
        until(lambda: "none is joined" in " ".join(doubts(served)), "the line to be a flow", 30)
        served.stop()
    told = unmasq("flows", "--since", "2020-01-01", "--until", "2020-01-02", "--store", str(served.store))
    assert (
        told.stderr.splitlines()[1] == "data: Nothing is kept of this window, nor of the week before its end: was anything collected then?"
    )
