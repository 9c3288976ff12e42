"""Whatever the drivers, the hierarchies and the containers make of control groups: the kubelet's group of a pod tells its UID."""

from hypothesis import given
from hypothesis import strategies as st

from unmasq.observe.cgroup import pod_uid

UIDS = st.uuids().map(str) | st.uuids().map(lambda uid: uid.hex)
QOS = st.sampled_from(["", "burstable", "besteffort"])
CONTAINERS = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.text(st.characters(exclude_characters="/\n\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
CONTROLLERS = st.sampled_from(["", "memory", "name=systemd", "cpu,cpuacct"])


@st.composite
def cgroupfs(draw, uid):
    below = draw(st.sampled_from(["/kubepods", "/kubelet/kubepods", "/../..", "/docker/0a1b/kubelet/kubepods"]))
    return "/".join(filter(None, [below, draw(QOS), f"pod{uid}", draw(CONTAINERS)]))


@st.composite
def systemd(draw, uid):
    before, qos = draw(st.sampled_from(["", "kubelet-"])), draw(QOS)
    parts = [f"{before}kubepods", *([qos] if qos else []), f"pod{uid.replace('-', '_')}"]
    slices = [f"{'-'.join(parts[: end + 1])}.slice" for end in range(len(parts))]
    shown = draw(st.sampled_from([slices, slices[-1:]]))  # the second: from a control group namespace
    above = draw(st.sampled_from(["", "/..", "/kubelet.slice"]))
    runtime = draw(st.sampled_from(["/cri-containerd-{}.scope", "/crio-{}.scope", ":cri-containerd:{}", ""]))
    return f"{above}/{'/'.join(shown)}{runtime.format(draw(CONTAINERS))}"


def paths(uid):
    return cgroupfs(uid) | systemd(uid)


@st.composite
def told(draw, path):
    """The file of a process: one hierarchy, or several of which some know nothing of pods."""
    lines = [f"{number}:{draw(CONTROLLERS)}:{each}" for number, each in enumerate(draw(st.permutations([path, path, "/", "/init.scope"])))]
    return "\n".join(draw(st.sampled_from([lines, [f"0::{path}"]]))) + "\n"


@given(st.data(), UIDS)
def test_the_uid_is_read_whatever_driver_wrote_it(data, uid):
    assert pod_uid(data.draw(told(data.draw(paths(uid))))) == uid


@given(st.data(), UIDS, UIDS)
def test_a_container_cannot_pass_for_another_pod_by_the_groups_that_it_makes(data, uid, claimed):
    inside = "/".join([data.draw(paths(uid)), data.draw(NAMES), data.draw(paths(claimed)).lstrip("/")])
    assert pod_uid(data.draw(told(inside))) == uid


@given(st.data(), UIDS, UIDS, st.sampled_from("\r\v\f\x1c\x85\u2028"))
def test_nor_by_what_some_take_for_the_end_of_a_line(data, uid, claimed, end):
    path = f"{data.draw(cgroupfs(uid))}/x{end}0::{data.draw(paths(claimed))}"
    assert pod_uid(f"0::{path}\n") == uid


@given(st.data(), st.lists(UIDS, min_size=2, max_size=3, unique_by=lambda uid: uid.replace("-", "")))
def test_hierarchies_that_do_not_agree_tell_nothing(data, uids):
    assert pod_uid("".join(f"{number}:memory:{data.draw(paths(uid))}\n" for number, uid in enumerate(uids))) is None


@given(st.text())
def test_anything_else_is_no_pod_and_no_error(text):
    assert pod_uid(text) is None


@given(UIDS, st.sampled_from(["pod{}x", "xpod{}", "libpod-{}.scope", "pod{}.slice", "user-pod{}.slice", "podruntime.slice", "pod"]))
def test_a_name_that_only_looks_like_it_is_none(uid, name):
    assert pod_uid(f"0::/{name.format(uid)}\n") is None
