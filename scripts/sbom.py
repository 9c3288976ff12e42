"""What an installation by requirements.lock consists of, as CycloneDX 1.6 in JSON: the same input gives the same bytes.

Licences and who needs whom are what the installed packages say of themselves: of one that this machine has not, only name, version,
and the hashes of its files are known.
"""

import hashlib
import json
import tomllib
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageMetadata, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.locked import Pin, pins

LONGEST_NAME = 100
"""Of a licence: in this field of the metadata some packages have its whole text."""
OUR_NAMES = uuid.uuid5(uuid.NAMESPACE_DNS, "sbom.unmasq")


def written(root: Path, wheel: Path, seconds: int) -> str:
    """The document for the wheel of the checkout in `root`, as of that time in seconds since 1970."""
    locked = pins(root / "requirements.lock")
    ours = _ourselves(root, wheel)
    dependencies = [_needs(ours["bom-ref"], _project(root)["dependencies"], locked), *_dependencies(locked)]
    body = {"components": list(map(_component, locked)), "dependencies": dependencies}
    return json.dumps(_head(ours, body, seconds) | body, indent=2, ensure_ascii=False) + "\n"


def _head(ours: dict[str, Any], body: dict[str, Any], seconds: int) -> dict[str, Any]:
    """What stands above the components: the number of the document comes from all that is in it."""
    metadata = {
        "timestamp": datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z"),
        "tools": {"components": [{"type": "application", "name": "unmasq: scripts/sbom.py", "version": ours["version"]}]},
        "component": ours,
    }
    head = {"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6"}
    serial = uuid.uuid5(OUR_NAMES, json.dumps([metadata, body]))
    return head | {"serialNumber": f"urn:uuid:{serial}", "version": 1, "metadata": metadata}


def purl(name: str, version: str) -> str:
    """The package URL of a package of PyPI."""
    return f"pkg:pypi/{canonicalize_name(name)}@{version.replace('+', '%2B').replace('!', '%21')}"


def _ourselves(root: Path, wheel: Path) -> dict[str, Any]:
    licences = {"licenses": [{"expression": _project(root)["license"]}]}
    identity = _identity("unmasq", wheel.name.split("-")[1])
    return {"type": "application"} | identity | _hashes([hashlib.sha256(wheel.read_bytes()).hexdigest()]) | licences


def _component(pin: Pin) -> dict[str, Any]:
    condition = {"properties": [{"name": "unmasq:installed-where", "value": pin.marker}]} if pin.marker else {}
    here = _installed(pin)
    licences = {"licenses": [found]} if here and (found := licence(here.metadata)) else {}
    scope = {"scope": "optional" if pin.marker else "required"}
    return {"type": "library"} | _identity(pin.name, pin.version) | scope | _hashes(pin.hashes) | licences | condition


def _identity(name: str, version: str) -> dict[str, str]:
    return {"bom-ref": purl(name, version), "name": name, "version": version, "purl": purl(name, version)}


def _hashes(sums: Iterable[str]) -> dict[str, Any]:
    """Of each file that pip may take."""
    return {"hashes": [{"alg": "SHA-256", "content": each} for each in sums]}


def licence(metadata: PackageMetadata) -> dict[str, Any] | None:
    """What a package says of its licence: an SPDX expression, else the names in its classifiers, else a short text; None: nothing."""
    expression, classifiers, texts = (metadata.get_all(field) or [] for field in ("License-Expression", "Classifier", "License"))
    if expression:
        return {"expression": expression[0]}
    classified = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License :: ")]
    name = ", ".join(classified or texts[:1])
    return {"license": {"name": name}} if name and len(name) <= LONGEST_NAME and "\n" not in name else None


def _installed(pin: Pin) -> Distribution | None:
    """The package as it is installed here, where that is the locked version."""
    try:
        found = distribution(pin.name)
    except PackageNotFoundError:
        return None
    return found if found.version == pin.version else None


def _dependencies(locked: list[Pin]) -> Iterator[dict[str, Any]]:
    """Who needs whom; nothing of a package that is not here."""
    for pin in locked:
        if here := _installed(pin):
            yield _needs(purl(pin.name, pin.version), here.requires or [], locked)


def _needs(of: str, requirements: Iterable[str], locked: list[Pin]) -> dict[str, Any]:
    wanted = {canonicalize_name(each.name) for each in map(Requirement, requirements) if "extra" not in str(each.marker)}
    return {"ref": of, "dependsOn": [purl(pin.name, pin.version) for pin in locked if pin.name in wanted]}


def _project(root: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project
