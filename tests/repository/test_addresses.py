"""Nothing that is committed names the machine it was written on or a package index: both differ everywhere else."""

import re

import pytest

from tests.repository.checkout import ROOT, committed_files

# Put together here, so that this file does not contain what it looks for.
INDEX_HOSTS = ["pypi" + ".org", "python" + "hosted.org", "deb" + ".debian.org", "security" + ".debian.org", "ftp" + ".debian.org"]
HOST = re.compile("|".join(map(re.escape, INDEX_HOSTS)), re.IGNORECASE)
# A path begins where no name, dot or slash stands before it: https://host/work/ and ./work/ are no machine's.
MACHINE_PATH = re.compile(r"(?<![\w./~}-])/(?:work|root|home/\w+|Users/\w+)" + r"(?=/)")


def offences(text):
    """The forbidden addresses and paths in a text."""
    return [match.group() for pattern in (HOST, MACHINE_PATH) for match in pattern.finditer(text)]


@pytest.mark.parametrize("text", [f"https://{INDEX_HOSTS[0]}/simple", "open('/ro" + "ot/x')", "PATH=/ho" + "me/me/bin", "/wo" + "rk/main"])
def test_what_is_forbidden_is_found(text):
    assert offences(text)


@pytest.mark.parametrize("text", ["https://example.org/root/x", "./work/x", "/workers/x", "$HOME/x", "~/x"])
def test_what_is_allowed_is_left_alone(text):
    assert offences(text) == []


def test_no_committed_file_names_an_index_or_this_machine():
    texts = {path.relative_to(ROOT): path.read_text(encoding="utf-8", errors="replace") for path in committed_files()}
    assert texts
    assert {str(name): found for name, text in texts.items() if (found := offences(text))} == {}
