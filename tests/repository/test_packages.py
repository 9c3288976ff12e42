"""Every package says what belongs in it and what does not, in the docstring of its `__init__`."""

import ast

from tests.repository.checkout import ROOT


def docstring_of(package):
    """The docstring of a package, empty where it has none or no `__init__` at all."""
    init = package / "__init__.py"
    return (ast.get_docstring(ast.parse(init.read_text())) or "") if init.exists() else ""


def test_every_package_says_what_it_is_for():
    packages = {path.parent for path in (ROOT / "src" / "unmasq").rglob("*.py")}
    assert packages
    assert [str(package.relative_to(ROOT)) for package in sorted(packages) if not docstring_of(package)] == []
