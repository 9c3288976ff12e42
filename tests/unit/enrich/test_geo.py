"""Country and network from files as others make them."""

import os
import random
from itertools import pairwise

import pytest

from tests.unit.enrich import mmdb
from unmasq.base.clock import ManualClock
from unmasq.base.errors import InputError
from unmasq.enrich.geo import LOOK_AGAIN_US, Geo, Place

V6 = "2001:4860:4860::8888"
V6_NUMBER = "42541956123769884636017138956568135816"
COUNTRIES = f"1.0.0.0,1.0.0.255,AU\n8.8.8.0,8.8.8.255,US\n198.51.100.0,198.51.100.255,AU\n2001:4860::,2001:4860:{'ffff:' * 5}ffff,US\n"
NETWORKS = f'8.8.8.0,8.8.8.255,15169,"Google, LLC"\n8.8.10.0,8.8.10.0,64500,One\n{V6},{V6},15169,Google\n'
NUMBERS = f'134744064,134744319,15169,"Google, LLC"\n{V6_NUMBER},{V6_NUMBER},15169,Google\n'


@pytest.fixture
def clock():
    return ManualClock(1_800_000_000 * 10**6)


@pytest.fixture
def geo(tmp_path, clock):
    def opened(*texts):
        paths = [tmp_path / f"{at}.csv" for at in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Geo.open(paths, clock)

    return opened


def test_country_and_network_come_from_different_files(geo):
    found = geo(NETWORKS, COUNTRIES)
    assert found.of("8.8.8.8") == Place("US", 15169, "Google, LLC")
    assert found.of("[2001:4860:4860::8888]:443") == Place("US", 15169, "Google")
    assert found.of("::ffff:1.0.0.1") == Place("AU", None, None)
    assert [source.name for source in found.sources] == ["0.csv", "1.csv"]


@pytest.mark.parametrize("text", [NETWORKS, NUMBERS])
def test_addresses_may_be_written_as_numbers(geo, text):
    found = geo(text)
    assert found.of("8.8.8.0") == found.of("8.8.8.255") == Place(None, 15169, "Google, LLC")
    assert found.of("2001:4860:4860::8888") == Place(None, 15169, "Google")


@pytest.mark.parametrize("ip", ["8.8.7.255", "8.8.9.0", "2001:4860:4860::8887", "2001:4860:4860::8889", "1.1.1.1", "223.0.0.1"])
def test_what_lies_in_no_range_is_not_known(geo, ip):
    assert geo(NETWORKS).of(ip) is None


@pytest.mark.parametrize("ip", ["198.51.100.10", "10.0.0.1", "127.0.0.1", "fe80::1", "2001:db8::1", "unknown", "", "<script>"])
def test_only_global_addresses_are_looked_up(geo, ip):
    assert geo(f"0.0.0.0,255.255.255.255,AU\n::1,{'ffff:' * 7}ffff,JP\n").of(ip) is None


def test_of_many_ranges_the_right_one_is_found(geo):
    drawn = random.Random(7)
    starts = sorted(drawn.sample(range(11 << 24, 99 << 24), 3000))
    ranges = [(first, drawn.randint(first, after - 1)) for first, after in pairwise(starts)]
    found = geo("".join(f"{first},{last},{at},net\n" for at, (first, last) in enumerate(ranges)))
    for number in drawn.sample(range(11 << 24, 99 << 24), 2000):
        expected = next((at for at, (first, last) in enumerate(ranges) if first <= number <= last), None)
        place = found.of(".".join(map(str, number.to_bytes(4))))
        assert (place and place.asn) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("start,end,country\n1.0.0.0,1.0.0.255,AU\n", "row 1 begins or ends with 'start'"),
        ("1.0.0.0,1.0.0.255\n", "neither a country nor a network"),
        ("1.0.0.0,1.0.0.255,<b>\n", "neither a country nor a network"),
        ("1.0.0.0,1.0.0.255,AU\n1.0.2.255,1.0.2.0,AU\n", "row 2 ends before it begins"),
        ("1.0.0.0\n", "row 1 is not"),
        (b"1.0.0.0,1.0.0.255,\xff\xff\n", "is not UTF-8"),
        ("9" * 50 + ",1,AU\n", "which is no address"),
    ],
)
def test_a_file_of_another_shape_is_refused_in_words(geo, text, why):
    with pytest.raises(InputError) as error:
        geo(text)
    assert why in error.value.why
    assert error.value.next_step


@pytest.mark.parametrize("name", ["gone.csv", "gone.mmdb"])
def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path, clock, name):
    with pytest.raises(InputError, match="cannot read"):
        Geo.open([tmp_path / name], clock)


def test_what_is_no_database_is_refused(tmp_path, clock):
    (tmp_path / "a.mmdb").write_bytes(b"MMDB" * 100)
    with pytest.raises(InputError, match="cannot use"):
        Geo.open([tmp_path / "a.mmdb"], clock)


def test_a_file_that_was_replaced_is_taken_up_within_a_minute(geo, tmp_path, clock):
    found = geo(COUNTRIES)
    (tmp_path / "new").write_text("8.8.8.0,8.8.8.255,CH\n")
    (tmp_path / "new").replace(tmp_path / "0.csv")
    assert found.of("8.8.8.8") == Place("US")
    clock.move_to(clock.now_us() + LOOK_AGAIN_US)
    assert found.of("8.8.8.8") == Place("CH")


def test_a_file_that_became_bad_leaves_the_last_good_one_in_use(geo, tmp_path, clock):
    found = geo(COUNTRIES)
    (tmp_path / "0.csv").write_text("nonsense\n")
    clock.move_to(clock.now_us() + LOOK_AGAIN_US)
    assert found.of("8.8.8.8") == Place("US")
    assert "cannot use" in (found.sources[0].trouble or "")
    (tmp_path / "0.csv").unlink()
    clock.move_to(clock.now_us() + LOOK_AGAIN_US)
    assert found.of("8.8.8.8") == Place("US")
    (tmp_path / "0.csv").write_text(COUNTRIES)
    clock.move_to(clock.now_us() + LOOK_AGAIN_US)
    assert (found.of("8.8.8.8"), found.sources[0].trouble) == (Place("US"), None)


def test_how_old_a_file_is_is_told_where_it_is_known(geo, tmp_path):
    found = geo(COUNTRIES)
    os.utime(tmp_path / "0.csv", (499_162_500, 499_162_500))  # 1985: unpacked from an archive without times
    assert found.sources[0].built_us
    assert geo(COUNTRIES).sources[0].built_us
    os.utime(tmp_path / "0.csv", (499_162_500, 499_162_500))
    assert Geo.open([tmp_path / "0.csv"], ManualClock(0)).sources[0].built_us is None


@pytest.fixture
def database(tmp_path, clock):
    def opened(name, networks):
        (tmp_path / "a.mmdb").write_bytes(mmdb.written(name, networks))
        return Geo.open([tmp_path / "a.mmdb"], clock)

    return opened


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({"country_code": "US"}, Place("US")),
        ({"country": {"iso_code": "US", "names": {"en": "x"}}, "registered_country": {"iso_code": "DE"}}, Place("US")),
        ({"registered_country": {"iso_code": "DE"}, "city": {"names": {"en": "x"}}}, Place("DE")),
        ({"autonomous_system_number": 15169, "autonomous_system_organization": "Google LLC"}, Place(None, 15169, "Google LLC")),
        ({"country": "US", "country_code": 7, "autonomous_system_number": "x"}, None),
        ({"country": {"iso_code": ["US"]}}, None),
        ({"autonomous_system_number": 1, "autonomous_system_organization": "x" * 280}, Place(None, 1, "x" * 200)),
        ([1, 2], None),
        ("US", None),
    ],
)
def test_a_database_is_read_as_far_as_its_shape_is_known(database, record, place):
    found = database("GeoLite2-Country", {"8.8.8.0/24": record, "2001:4860::/32": record})
    assert found.of("8.8.8.8") == place
    assert found.of(V6) == place
    assert found.of("8.8.9.8") is None


def test_a_database_says_its_name_and_its_age_and_knows_no_reserved_space(database):
    found = database("GeoLite2-Country", {"198.51.100.0/24": {"country_code": "AU"}, "8.8.8.0/24": {"country_code": "US"}})
    assert [(source.name, source.built_us) for source in found.sources] == [("GeoLite2-Country", mmdb.BUILT * 10**6)]
    assert found.of("198.51.100.10") is None


def test_a_damaged_database_is_refused_or_knows_nothing(clock, tmp_path):
    whole = mmdb.written("x", {f"{at}.8.8.0/24": {"country": {"iso_code": f"{at}"}, "names": ["a", {"b": 1 << 40}]} for at in range(1, 90)})
    drawn = random.Random(3)
    for at in range(400):
        damaged = bytearray(whole[: drawn.randrange(len(whole))] if at % 5 == 0 else whole)
        for _ in range(drawn.randrange(1, 30)):
            damaged[drawn.randrange(len(damaged) * 3 // 4 * (at % 2), len(damaged))] = drawn.randrange(256)
        (tmp_path / "d.mmdb").write_bytes(damaged)
        try:
            found = Geo.open([tmp_path / "d.mmdb"], clock)
        except InputError:
            continue
        places = [found.of(f"{number}.8.8.8") for number in range(1, 90)]
        assert all(place is None or place.country or place.asn is not None for place in places)
