"""Country and network of an address, from a file that the user names, on its page."""

import subprocess
import sys
from pathlib import Path

import httpx2

from tests.contract import shop
from tests.lab.deadline import until

UNMASQ = str(Path(sys.executable).with_name("unmasq"))


def test_a_file_of_networks_is_named_and_used(tmp_path):
    shop.make_store(tmp_path / "store")
    networks = tmp_path / "<b>networks.csv"
    networks.write_text('8.8.8.0,8.8.8.255,64500,"Example, <b>Inc</b>"\n')
    said = tmp_path / "said"
    argv = [UNMASQ, "serve", "--store", str(tmp_path / "store"), "--listen", "127.0.0.1:0", "--geo", str(networks)]
    with said.open("wb") as output, subprocess.Popen(argv, stdout=output, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: said.read_text().endswith("\n"), "the link", 20)
            with httpx2.Client(follow_redirects=True, trust_env=False) as browser:
                assert browser.get(said.read_text().strip(), headers={"accept": "text/html"}).status_code == 200
                base = said.read_text().partition("/login")[0]
                page = browser.get(f"{base}/ip/8.8.8.8", headers={"accept": "text/html"}).text
                assert "&lt;b&gt;networks.csv" in page, "whose data it is, in the footer"
                assert "<b>networks" not in page
                assert "AS64500 Example, &lt;b&gt;Inc&lt;/b&gt;" in page
                assert browser.get(f"{base}/ip/8.8.8.8.json").json()["network"] == {
                    "country": None, "asn": 64500, "owner": "Example, <b>Inc</b>",
                }  # fmt: skip
                assert browser.get(f"{base}/ip/10.0.0.1.json").json()["network"] is None
        finally:
            process.terminate()


def test_a_file_that_is_none_is_told(tmp_path):
    shop.make_store(tmp_path / "store")
    (tmp_path / "x.mmdb").write_text("no such thing")
    argv = [UNMASQ, "serve", "--store", str(tmp_path / "store"), "--listen", "127.0.0.1:0", "--geo", str(tmp_path / "x.mmdb")]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode in (1, 2)
    assert "x.mmdb" in ended.stderr
    assert "Traceback" not in ended.stderr
