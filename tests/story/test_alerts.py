"""Every metric that an alert rule names is shown by a program from its start: a rule about a metric that is not there never fires."""

import os
import re

import httpx2

from tests.crash.shipping import Pair, free_port
from tests.lab.deadline import until
from tests.repository.test_alerts import RULES
from tests.story.peers import Collecting
from tests.story.served import Served, following, unmasq

OF_THE_KERNEL = {"unmasq_connections_tracked", "unmasq_connections_most"}
"""Shown where the kernel's connections are watched, which takes root."""


def named() -> set[str]:
    """The metrics in the expressions of the rules."""
    return set(re.findall(r"\bunmasq_[a-z_]+", " ".join(re.findall(r"expr: (.*?)\n +(?:for|labels):", RULES.read_text(), re.DOTALL))))


def shown(text: str) -> set[str]:
    return {re.split("[{ ]", line)[0] for line in text.splitlines() if line.startswith("unmasq_")}


def token(store, name: str) -> str:
    ran = unmasq("token", "add", name, "--role", "see", "--store", str(store))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()[-1]


def metrics(port: int, bearer: str = "nobody") -> str:
    return httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, headers={"authorization": f"Bearer {bearer}"}).text


def of_node_and_server(folder) -> tuple[set[str], set[str]]:
    port = free_port()
    with Pair(folder, "--metrics", f"127.0.0.1:{port}") as pair:
        pair.begin()
        return shown(metrics(port)), shown(metrics(pair.port, token(pair.store, "prometheus")))


def of_run(folder) -> set[str]:
    is_root = os.geteuid() == 0
    flags = [flag for flag in following(folder) if not (is_root and flag == "--no-kernel")]
    with Served(folder, "run", *flags, "--listen", "127.0.0.1:0") as served:
        served.link()
        with served.browser() as asking:
            return shown(asking.get("/metrics", headers={"authorization": f"Bearer {token(served.store, 'prometheus')}"}).text)


def of_collect(folder) -> set[str]:
    folder.mkdir()
    (folder / "log").touch()
    with Collecting(folder / "log", folder / "socket") as collecting:
        until(lambda: collecting.ask("/metrics")[0] == 200, "the collector to answer", 30)
        return shown(collecting.ask("/metrics")[1])


def test_every_metric_of_a_rule_is_shown_from_the_start(tmp_path):
    node, serve = of_node_and_server(tmp_path)
    run, collect = of_run(tmp_path / "run"), of_collect(tmp_path / "collect")
    here = named() if os.geteuid() == 0 else named() - OF_THE_KERNEL
    assert here - (node | serve | run | collect) == set()
    assert all("unmasq_lost_total" in each for each in (node, serve, run, collect))
    assert {"unmasq_ready", "unmasq_lines_read_total", "unmasq_requests_joined_total", "unmasq_lines_rejected_total"} <= node & run
    assert {"unmasq_ready", "unmasq_nodes_silent", "unmasq_days_unwritten", "unmasq_http_refused_total"} <= serve
