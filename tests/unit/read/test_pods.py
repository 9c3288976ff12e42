"""Pods that come, go, restart and rotate; names that somebody chose to hurt us."""

import os
import shutil
from pathlib import Path, PurePath

import pytest

from tests.unit.read.kubelet import Container, Reader
from unmasq.base.errors import UsageError
from unmasq.read.podnames import Choice, pod_of, pod_that_wrote, pods_that_wrote, uid_of


@pytest.fixture
def reader(tmp_path):
    reader = Reader(tmp_path)
    yield reader
    reader.close()


@pytest.fixture
def web(tmp_path):
    return Container(tmp_path, "shop/web")


def test_lines_come_with_the_pod_that_wrote_them(reader, web, tmp_path):
    other = Container(tmp_path, "ingress/nginx-7d", "controller")
    web.write(b"one")
    other.write(b"two", b"three")
    reader.start()
    assert sorted(reader.poll()) == [b"one", b"three", b"two"]
    assert {chunk.pod: chunk.data for chunk in reader.chunks} == {"shop/web": b"one\n", "ingress/nginx-7d": b"two\nthree\n"}
    assert reader.counted() == {("pods_found", ""): 2}


def test_chosen_pods_are_known_by_their_uids_as_they_come_and_go(tmp_path, web):
    reader = Reader(tmp_path, "shop/*").start()
    Container(tmp_path, "kube-system/dns", uid="2222")
    static = Container(tmp_path, "shop/static-node-1", uid="0c5bf5b2fe9dd0fa3ec8ea6f3a3d8e6b")
    reader.poll()
    assert reader.pods.chosen == {"0b9f5c4e-1111": "shop/web", "0c5bf5b2fe9dd0fa3ec8ea6f3a3d8e6b": "shop/static-node-1"}
    shutil.rmtree(static.pod_folder)
    reader.poll()
    assert reader.pods.chosen == {"0b9f5c4e-1111": "shop/web"}
    reader.close()
    assert uid_of("pods") is None


@pytest.mark.parametrize(
    ("choices", "unmatched"),
    [(["nothere/*", "shop/*/none", "shop/w*"], ["nothere/*/*", "shop/*/none"]), (["shop/web"], [])],
)
def test_what_matches_no_pod_is_known_before_anything_is_read(tmp_path, web, choices, unmatched):
    for name in ("kube-system/dns", "kube-system/proxy"):
        Container(tmp_path, name)
    reader = Reader(tmp_path, *choices).start()
    reader.pods.begin(reader.now_us)
    assert (reader.pods.unmatched, reader.pods.others) == (unmatched, 2)
    Container(tmp_path, "nothere/yet")
    reader.poll()
    assert "nothere/*/*" not in reader.pods.unmatched
    reader.close()


@pytest.mark.parametrize(
    ("choices", "found"),
    [
        (["shop/*"], {"shop/web", "shop/db"}),
        (["shop/w?b"], {"shop/web"}),
        (["*/*/side"], {"shop/db"}),
        (["shop/web", "other/*"], {"shop/web", "other/web"}),
        (["none/*"], set()),
        (["sho/*", "shop/we"], set()),
    ],
)
def test_only_chosen_pods_and_containers_are_read(tmp_path, choices, found):
    for pod, name in (("shop/web", "main"), ("shop/db", "side"), ("other/web", "main")):
        Container(tmp_path, pod, name).write(b"x")
    reader = Reader(tmp_path, *choices).start()
    reader.poll()
    assert {chunk.pod for chunk in reader.chunks} == found
    reader.close()


def test_a_folder_that_is_missing_is_counted_and_read_when_it_comes(tmp_path):
    reader = Reader(tmp_path / "pods").start()
    assert reader.poll() == reader.poll() == []
    assert reader.counted() == {("pods_unreadable", "folder"): 1}
    assert reader.pods.trouble == f"{tmp_path / 'pods'}: No such file or directory"
    Container(tmp_path / "pods", "shop/web").write(b"one")
    assert reader.poll() == [b"one"]
    assert reader.pods.trouble is None
    reader.close()


def test_a_folder_that_goes_away_takes_its_pods_with_it(reader, web, tmp_path):
    web.write(b"one")
    reader.start()
    assert reader.poll() == [b"one"]
    away = tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-away"))
    assert reader.poll() == []
    counted = reader.counted()
    assert [counted.get(key) for key in (("pods_gone", ""), ("pods_unreadable", "folder"))] == [1, 1]
    away.rename(tmp_path)
    web.write(b"two")
    assert reader.poll() == [b"two"]


def test_the_logs_can_be_told_while_a_pod_comes(reader, web, tmp_path, monkeypatch):
    """Another thread asks: whoever tells the names is overtaken by whoever finds them."""
    reader.start().poll()
    text = PurePath.__str__

    def overtaken(path):
        monkeypatch.undo()
        Container(tmp_path, "shop/later")
        reader.poll()
        return text(path)

    monkeypatch.setattr(PurePath, "__str__", overtaken)
    assert [path for path in reader.pods.paths if "shop_web" in path] == [str(web.path)]


@pytest.mark.parametrize("text", ["", "shop", "shop/", "/web", "a/b/c/d", "a//c"])
def test_what_is_no_choice_is_refused(text):
    with pytest.raises(UsageError, match="not a choice of pods"):
        Choice.parse(text)


def test_at_the_very_first_start_reading_begins_at_the_end_and_later_pods_are_read_whole(reader, web, tmp_path):
    web.write(b"old")
    reader.start(from_start=False)
    assert reader.poll() == []
    web.write(b"new")
    later = Container(tmp_path, "shop/later")
    later.write(b"first")
    later.rotate()
    later.write(b"second")
    assert sorted(reader.poll()) == [b"first", b"new", b"second"]
    assert all(chunk.live for chunk in reader.chunks if chunk.pod == "shop/web")


def test_a_pod_that_came_while_nobody_read_is_read_whole(reader, web, tmp_path):
    web.write(b"one")
    reader.start()
    reader.poll()
    covered = reader.runs()
    later = Container(tmp_path, "shop/later")
    later.write(b"first")
    later.rotate()
    later.write(b"second")
    assert reader.start(covered, from_start=False).poll() == [b"first", b"second"]


def test_a_part_and_its_end_on_both_sides_of_a_rotation_and_a_restart(reader, web):
    web.write(b"whole")
    web.write(b"begin", tag="P")
    reader.start()
    assert reader.poll() == [b"whole"]
    covered = reader.runs()
    web.rotate()
    web.write(b"err", stream="stderr")
    web.write(b"-end", b"next")
    assert reader.poll() == [b"err", b"begin-end", b"next"]
    reader.start(covered, from_start=False)
    assert reader.poll() == [b"err", b"begin-end", b"next"]
    covered = {file: covered.get(file, []) + runs for file, runs in reader.runs().items()}
    assert reader.start(covered, from_start=False).poll() == []


def test_a_container_that_starts_again_has_a_log_of_its_own(reader, web):
    web.write(b"one")
    web.write(b"cut off", tag="P")
    reader.start()
    assert reader.poll() == [b"one"]
    web.restart()
    web.write(b"two")
    assert reader.poll() == [b"two"]
    assert reader.poll(61) == [b"cut off"]
    assert reader.counted()["cri_unended", ""] == 1
    assert reader.poll(61) == []


def test_a_part_of_a_container_that_lives_is_waited_for(reader, web):
    web.write(b"begin", tag="P")
    reader.start()
    assert reader.poll() == []
    assert reader.poll(3600) == []
    web.write(b"-end")
    assert reader.poll() == [b"begin-end"]


def test_a_pod_that_vanishes_is_read_to_its_end_and_let_go(reader, web, tmp_path):
    web.write(b"one")
    reader.start()
    assert reader.poll() == [b"one"]
    web.write(b"two")
    web.write(b"cut off", tag="P")
    web.path.unlink()
    web.folder.rmdir()
    web.pod_folder.rmdir()
    assert reader.poll() == [b"two"]
    assert len(reader.pods.paths) == 1
    assert reader.poll(61) == [b"cut off"]
    assert reader.pods.paths == []
    assert reader.counted()["pods_gone", ""] == 1


def test_the_log_of_a_dead_container_that_is_removed_is_let_go(reader, web):
    web.write(b"one")
    first = web.path
    web.restart()
    web.write(b"two")
    reader.start()
    assert reader.poll() == [b"one", b"two"]
    first.unlink()
    reader.poll()
    reader.poll(61)
    assert reader.pods.paths == [str(web.path)]


def test_a_log_that_is_renamed_and_not_yet_made_anew_is_kept(reader, web):
    web.write(b"one")
    reader.start()
    reader.poll()
    rotated = web.path.rename(web.path.with_name("0.log.20261125-080001"))
    assert reader.poll(120) == []
    with rotated.open("ab") as file:
        file.write(web.frame(b"late"))
    assert reader.poll(2) == [b"late"]
    web.write(b"two")
    assert reader.poll() == [b"two"]


def test_several_rotations_between_two_polls_with_the_older_ones_compressed_once_read(reader, web):
    reader.start()
    web.write(b"0")
    assert reader.poll() == [b"0"]
    older = web.rotate()
    for number in range(1, 6):
        web.write(b"%d" % number)
        rotated = web.rotate()
        if number == 1:
            web.compress(older)
    assert rotated.exists()
    assert sorted(reader.poll()) == [b"1", b"2", b"3", b"4", b"5"]


def lost(reader):
    return reader.counted().get(("tail_lost_bytes", "compressed"), 0)


def test_what_is_compressed_before_it_was_read_is_counted_and_nothing_else_is(reader, web):
    web.write(b"foreign" + b"x" * 300)
    foreign = web.rotate()
    older = web.compress(web.rotate())
    reader.start(from_start=False)
    reader.poll()
    web.write(b"one" + b"x" * 300, b"two")
    reader.poll()
    covered = {file: [*runs, (0, reader.pods.begun.get(file, 0))] for file, runs in reader.runs().items()}
    web.compress(foreign)
    web.write(b"unread")
    size = web.path.stat().st_size
    first = web.rotate()
    reader.poll()
    assert lost(reader) == 0  # it is read, or was not ours
    kept = next(iter(covered.values()))[-2][1]
    reader.close()
    web.compress(first)
    web.write(b"never seen" + b"x" * 300)
    second = web.rotate()
    never_seen = second.stat().st_size
    web.compress(second)
    web.write(b"three")
    reader.start(covered, from_start=False)
    assert reader.poll() == [b"three"]
    assert lost(reader) == size - kept + never_seen
    assert older.exists()


def test_a_pod_that_came_and_was_compressed_while_it_was_looked_at_loses_what_is_compressed(reader, web, tmp_path):
    reader.start(from_start=False).poll()
    later = Container(tmp_path, "shop/later")
    later.write(b"first" + b"x" * 300)
    size = later.path.stat().st_size
    later.compress(later.rotate())
    later.write(b"second")
    assert reader.poll() == [b"second"]
    assert lost(reader) == size


@pytest.mark.parametrize("content", [b"", b"no gzip", b"\x1f\x8b\x08\x00", b"\x1f\x8b" + b"\xff" * 5000])
def test_archives_that_are_none_harm_nobody(reader, web, content):
    (web.folder / "0.log.20261125-080000.gz").write_bytes(content)
    os.mkfifo(web.folder / "0.log.20261125-080001.gz")
    (web.folder / "0.log.20261125-080002.gz").symlink_to("/dev/zero")
    web.write(b"one")
    assert reader.start().poll() == [b"one"]
    assert lost(reader) == 0


# Hostile folders

NAMES = [
    "web", "shop_web", "a_b_c_d", "__", "_web_1", "shop__1", "Shop_web_1", "shop_web_", "../x_y_z", "shop_we\nb_1", "shop_web\x1b[31m_1",
    "sh op_web_1", "-shop_web_1", "shop_web-_1", f"{'a' * 64}_web_1", "shöp_web_1", b"sh\xffop_web_1".decode("utf-8", "surrogateescape"),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_the_kubelet_would_not_make_is_no_pod(name, tmp_path):
    assert pod_of(name) is None
    if "/" in name:
        return
    folder = tmp_path / name / "main"
    folder.mkdir(parents=True)
    (folder / "0.log").write_bytes(b"2026-11-25T08:00:00Z stdout F x\n")
    reader = Reader(tmp_path).start()
    assert reader.poll() == []
    assert reader.counted() == {("pods_unreadable", "name"): 1}
    reader.close()


@pytest.mark.parametrize("name", ["x.log", "0.log.gz", "0.log~", "-1.log", "0.log.tmp", "\u0660.log", "0.log\n", "1234567890.log"])
def test_only_numbered_logs_are_read(reader, web, name):
    web.path.rename(web.folder / name)
    (web.folder / name).write_bytes(web.frame(b"x"))
    assert reader.start().poll() == []


def test_loops_of_links_folders_pipes_and_dangling_links_are_counted_and_harm_nobody(reader, web, tmp_path):
    web.write(b"one")
    (tmp_path / "shop_loop_1").symlink_to(tmp_path / "shop_loop_1")
    (tmp_path / "shop_up_1").symlink_to(tmp_path)
    (tmp_path / "shop_file_1").write_text("x")
    (web.pod_folder / "loop").symlink_to(web.pod_folder / "loop")
    (web.folder / "1.log").symlink_to(web.folder / "1.log")
    (web.folder / "2.log").symlink_to(tmp_path / "nowhere")
    (web.folder / "3.log").mkdir()
    os.mkfifo(web.folder / "4.log")
    (web.folder / "5.log").symlink_to(web.path)
    (web.folder / "6.log").symlink_to("/dev/zero")
    assert reader.start().poll() == [b"one"]
    web.write(b"two")
    assert reader.poll() == [b"two"]
    assert reader.counted() == {
        ("pods_found", ""): 4,
        ("pods_unreadable", "folder"): 3,
        ("pods_unreadable", "log"): 5,
        ("pods_unreadable", "twice"): 1,
    }


def test_a_log_that_becomes_readable_is_read(reader, web, tmp_path):
    web.path.unlink()
    web.path.symlink_to(tmp_path / "elsewhere.log")
    assert reader.start().poll() == []
    (tmp_path / "elsewhere.log").write_bytes(web.frame(b"one"))
    assert reader.poll() == [b"one"]


def test_links_as_var_log_containers_has_them_lead_to_the_pod(web, tmp_path):
    link = tmp_path / "web_shop_main-0a1b.log"
    link.symlink_to(web.path)
    assert pod_that_wrote(str(link)) == pod_that_wrote(str(web.path)) == "shop/web"
    assert pods_that_wrote([str(link), "/var/log/access.log", str(web.path)]) == {"0b9f5c4e-1111": "shop/web"}
    assert pod_that_wrote(str(tmp_path / "access.log")) == ""
    assert pod_that_wrote("0.log") == ""


def test_a_root_that_is_not_there_yet(tmp_path):
    reader = Reader(tmp_path / "pods").start(from_start=False)
    assert reader.poll() == []
    Container(Path(tmp_path / "pods"), "shop/web").write(b"one")
    assert reader.poll() == [b"one"]
    reader.close()
