"""Look all locked packages up in a database of known vulnerabilities, and say what could not be looked up.

`audit` asks OSV's service, by pip-audit from .venv-audit; `audit FOLDER` asks nobody and reads the advisories in the folder.
Exit codes: 0 all looked up and nothing found; 1 something found; 3 nothing found, but not everything could be looked up.
"""

import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

from scripts import advisories
from scripts.advisories import Asked, Finding, Outcome
from scripts.locked import ROOT, lock_files, pins
from unmasq.base.safe import shortened, terminal

PIP_AUDIT = ROOT / ".venv-audit" / "bin" / "pip-audit"
OPTIONS = ("--disable-pip", "--no-deps", "--vulnerability-service=osv", "--progress-spinner=off", "--format=json")
LONGEST_WAIT_SECONDS = 300
KNOWN_BAD = Asked("paramiko", "2.4.0")
"""Asked each time: where nothing is known against it (CVE-2018-1000805), nobody has looked."""
NEXT = "next: with a network, scripts/setup audit; without one, make audit ADVISORIES=FOLDER (SECURITY.md says what has to be in it)"


class Vulnerability(msgspec.Struct):
    """What pip-audit says of one."""

    id: str
    aliases: list[str] = []
    fix_versions: list[str] = []
    description: str = ""


class Dependency(msgspec.Struct):
    """What pip-audit says of a package; without a version, why it was left out."""

    name: str
    version: str = ""
    skip_reason: str = ""
    vulns: list[Vulnerability] = []


class Answer(msgspec.Struct):
    """What pip-audit writes as JSON."""

    dependencies: list[Dependency]


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    places = locked_places()
    outcome = read(Path(arguments[0]), places) if arguments else ask(places)
    for line in report(outcome, places):
        print(terminal(line))
    return exit_code(outcome)


def locked_places() -> dict[Asked, list[str]]:
    """Each version with the lock files that name it."""
    places: dict[Asked, list[str]] = defaultdict(list)
    for lock in lock_files():
        for pin in pins(lock):
            places[Asked(pin.name, pin.version)].append(lock.name)
    return dict(places)


def exit_code(outcome: Outcome) -> int:
    """What was found counts more than what was missed."""
    return 1 if outcome.findings else 3 if outcome.missed else 0


def report(outcome: Outcome, places: dict[Asked, list[str]]) -> Iterator[str]:
    """Where it was looked, one line for each finding, one for each reason to have missed something, and the end of it."""
    yield f"audit: {len(places)} versions of {len(lock_files())} lock files, in {outcome.where}"
    for finding in sorted(outcome.findings):
        mended = f"mended in {', '.join(finding.fixed)}" if finding.fixed else "not mended"
        about = f"{', '.join(finding.names)}: {shortened(finding.summary, 200)}"
        yield f"found: {finding.asked} ({', '.join(places[finding.asked])}): {about} ({mended})"
    reasons: dict[str, list[str]] = defaultdict(list)
    for what, why in outcome.missed:
        reasons[why].append(what)
    for why, missed in reasons.items():
        yield f"not looked up: {', '.join(missed[:3])}{f' and {len(missed) - 3} more' if missed[3:] else ''}: {shortened(why, 300)}"
    if outcome.missed:
        yield NEXT
    yield f"audit: {len(outcome.findings)} found, {len(outcome.missed)} not looked up, exit code {exit_code(outcome)}"


def read(folder: Path, asked: Iterable[Asked]) -> Outcome:
    """What the advisories in the folder say."""
    return judged(advisories.look_up(folder, [*asked, KNOWN_BAD]), asked)


def judged(outcome: Outcome, asked: Iterable[Asked]) -> Outcome:
    """Without the one that is known to be bad; where nothing was found against that, all that was asked is missed."""
    others = [each for each in outcome.findings if each.asked != KNOWN_BAD]
    if others != outcome.findings:
        return outcome._replace(findings=others)
    why = f"nothing is known there of {KNOWN_BAD}, which is vulnerable, so to know nothing of others says nothing"
    return outcome._replace(findings=others, missed=[*outcome.missed, *((str(each), why) for each in asked)])


def ask(asked: Iterable[Asked], *options: str, program: Path = PIP_AUDIT) -> Outcome:
    """What OSV's service answers by pip-audit; `options` are further ones of that."""
    findings: list[Finding] = []
    missed: list[tuple[str, str]] = []
    for group in groups(asked):
        output, error = _run(program, [*group, KNOWN_BAD], options)
        found = answered(group, output, error)
        findings += found.findings
        missed += found.missed
    return Outcome("OSV's service, by pip-audit", findings, missed)


def groups(asked: Iterable[Asked]) -> list[list[Asked]]:
    """Such that none has two versions of one package, which pip-audit refuses."""
    versions: dict[str, list[Asked]] = defaultdict(list)
    for each in sorted(asked):
        versions[each.name].append(each)
    return [[each for each in group if each] for group in zip_longest(*versions.values())]


def _run(program: Path, asked: list[Asked], options: Sequence[str]) -> tuple[str, str]:
    """What it writes, and why it failed where it did."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.writelines(f"{name}=={version}\n" for name, version in asked)
        requirements.flush()
        command = [str(program), *OPTIONS, *options, "--requirement", requirements.name]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_WAIT_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return "", str(error)
    return done.stdout, (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def answered(asked: list[Asked], output: str, error: str) -> Outcome:
    """What pip-audit wrote on the versions; where it wrote nothing of use, why not."""
    try:
        answer = msgspec.json.decode(output, type=Answer)
    except msgspec.MsgspecError:
        return Outcome("", [], [(str(each), error) for each in asked])
    said = {Asked(canonicalize_name(each.name), each.version): each.vulns for each in answer.dependencies}
    why: dict[str, str] = {canonicalize_name(each.name): each.skip_reason for each in answer.dependencies}
    found = [(each, one) for each, vulnerabilities in said.items() for one in vulnerabilities]
    findings = [Finding(each, (one.id, *one.aliases), tuple(one.fix_versions), one.description) for each, one in found]
    missed = [(str(each), why.get(each.name) or "the service gave no answer") for each in asked if each not in said]
    return judged(Outcome("", findings, missed), [each for each in asked if each in said])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
