"""The page of health, of a store at rest."""

from pathlib import Path

from tests.contract import shop
from unmasq.base.clock import SystemClock
from unmasq.enrich.geo import Source
from unmasq.keep.duck import DuckStore
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.rendering import Rendering
from unmasq.serve.pages.views import html
from unmasq.serve.questions import of_files


def test_a_file_of_networks_whose_newest_version_is_bad_is_told(tmp_path):
    networks = [Source(Path("a.mmdb"), "A<b>", 1_700_000_000_000_000, "cannot use a.mmdb: it is <b>damaged"), Source(Path("b"), "b", None)]
    with DuckStore(shop.make_store(tmp_path / "store"), read_only=True) as store:
        asked = Asked(of_files(store, SystemClock()), SystemClock().now_us(), "/health", [], networks=networks)
        page = html("health", asked, Rendering())
    assert "its newest version is not in use: cannot use a.mmdb: it is &lt;b&gt;damaged" in page
    assert "A<b>" not in page
    assert page.count("in use</td>") == 1
