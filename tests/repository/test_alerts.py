"""The alert rules that are shipped: Prometheus's own tool reads them, and evaluates each on what goes well and what does not."""

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

RULES = Path(__file__).parents[2] / "deploy/prometheus/unmasq-alerts.yml"
MONITORING = Path(__file__).parents[2] / "docs/monitoring.md"
NAMES = re.findall(r"^ +- alert: (\w+)$", RULES.read_text(), re.MULTILINE)
WHO = 'instance="node-1:9472",job="unmasq"'


class Case(NamedTuple):
    """Series, a sample a minute, on which the alert must be firing after two hours, and those on which it must not."""

    bad: dict[str, str]
    well: dict[str, str]
    more: str = ""


READ, REJECTED, JOINED = "unmasq_lines_read_total{%s}", 'unmasq_lines_rejected_total{reason="%s",%s}', "unmasq_requests_joined_total"
READS = {READ % WHO: "0+100x120"}
CONNTRACK = f'{JOINED}{{reason="conntrack",{WHO}}}'
NOBODY = f'{JOINED}{{reason="nobody",{WHO}}}'
LOST = f'unmasq_lost_total{{kind="conntrack_lost",{WHO}}}'
REFUSED = f'unmasq_http_refused_total{{reason="login",{WHO}}}'


def gauge(name: str, bad: float, well: float) -> Case:
    return Case({f"{name}{{{WHO}}}": f"{bad}x120"}, {f"{name}{{{WHO}}}": f"{well}x120"})


def share(name: str, whole: str, well: int = 60) -> Case:
    full = {f"{whole}{{{WHO}}}": "100x120"}
    return Case(full | {f"{name}{{{WHO}}}": "80x120"}, full | {f"{name}{{{WHO}}}": f"{well}x120"})


CASES = {
    "UnmasqDown": gauge("up", 0, 1),
    "UnmasqNotReady": gauge("unmasq_ready", 0, 1),
    "UnmasqNoLines": Case({READ % WHO: "7x120"}, READS),
    "UnmasqNoFlows": Case({f"unmasq_ingest_flows_total{{{WHO}}}": "7x120"}, {f"unmasq_ingest_flows_total{{{WHO}}}": "0+1x120"}),
    "UnmasqNodeSilent": gauge("unmasq_nodes_silent", 2, 0),
    "UnmasqServerAway": gauge("unmasq_server_reached", 0, 1),
    "UnmasqSpoolFilling": share("unmasq_spool_bytes", "unmasq_spool_most_bytes"),
    "UnmasqLosing": Case({LOST: "0x110 5x9"}, {LOST: "5x120"}, 'kind="conntrack_lost"'),
    "UnmasqRejects": Case(
        READS | {REJECTED % ("", WHO): "0x120", REJECTED % ("bad_json", WHO): "0+3x120"},
        READS | {REJECTED % ("", WHO): "0x120", REJECTED % ("bad_json", WHO): "0x60 1x59"},
    ),
    "UnmasqJoinRateLow": Case({CONNTRACK: "0+80x120", NOBODY: "0+20x120"}, {CONNTRACK: "0+95x120", NOBODY: "0+5x120"}),
    "UnmasqConntrackNearlyFull": share("unmasq_connections_tracked", "unmasq_connections_most"),
    "UnmasqDaysUnwritten": gauge("unmasq_days_unwritten", 1, 0),
    "UnmasqLoginsRefused": Case({REFUSED: "0x110 30x9"}, {REFUSED: "0x110 3x9"}, 'reason="login"'),
    "UnmasqCollectorAlone": gauge("unmasq_collector_connected", 0, 1),
}
BROUGHT_UP = "120m"


def promtool(*words: str) -> None:
    ran = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def evaluated(folder: Path, name: str, series: dict[str, str], expected: list[str]) -> None:
    """Raises unless exactly these alerts of that name are firing at the end."""
    question = {
        "expr": f'ALERTS{{alertname="{name}",alertstate="firing"}}',
        "eval_time": BROUGHT_UP,
        "exp_samples": [{"labels": labels, "value": 1} for labels in expected],
    }
    inputs = [{"series": each, "values": values} for each, values in series.items()]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": [question]}
    file = folder / "test.yml"  # JSON is YAML
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", str(file))


def severity(name: str) -> str:
    found = re.search(rf"- alert: {name}\n.*?severity: (\w+)", RULES.read_text(), re.DOTALL)
    assert found
    return found[1]


def test_every_rule_has_a_case_and_a_line_in_the_docs():
    assert list(CASES) == NAMES
    told = MONITORING.read_text()
    assert [name for name in NAMES if f"`{name}`" not in told] == []


@pytest.mark.needs("promtool")
def test_prometheus_can_read_the_rules():
    promtool("check", "rules", str(RULES))


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_where_it_should(tmp_path, name):
    more = CASES[name].more
    labels = f'ALERTS{{alertname="{name}",alertstate="firing",severity="{severity(name)}",{WHO}{"," + more if more else ""}}}'
    evaluated(tmp_path, name, CASES[name].bad, [labels])


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("name", CASES)
def test_an_alert_is_quiet_where_all_is_well(tmp_path, name):
    evaluated(tmp_path, name, CASES[name].well, [])
