"""The manners of the installed program, as a shell sees them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract import shop

UNMASQ = [sys.executable, "-c", "from unmasq.cli import main; main()"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return shop.make_store(tmp_path_factory.mktemp("shop"))


def unmasq(*tokens, env=(), **how):
    environment = {**os.environ, "TERM": "xterm", **dict(env)}
    return subprocess.run([*UNMASQ, *map(str, tokens)], capture_output=True, text=True, env=environment, timeout=60, check=False, **how)


def test_data_is_on_standard_output_and_words_about_it_are_not(store):
    ended = unmasq("flows", "--store", store, "-o", "jsonl", "--limit", 3)
    assert [bool(json.loads(line)) for line in ended.stdout.splitlines()] == [True] * 3
    assert "there are more behind" in ended.stderr


@pytest.mark.parametrize(
    ("tokens", "code"),
    [
        (("trace", shop.CLIENT, "--store", "STORE"), 0),
        (("trace", "9.9.9.9", "--store", "STORE"), 0),
        (("trace", "9.9.9.9", "--store", "/nowhere/at/all"), 1),
        (("trace", "x", "--store", "STORE"), 2),
        (("flows",), 2),
        (("nothing",), 2),
        (("trace", "9.9.9.9", "--store", "STORE", "--exit-code"), 3),
        (("--version",), 0),
        (("flows", "--help"), 0),
    ],
)
def test_exit_codes(store, tokens, code):
    ended = unmasq(*(store if token == "STORE" else token for token in tokens))
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    assert bool(ended.stderr) == (code in (1, 2))


def test_a_partial_answer_has_a_code_of_its_own(store):
    ended = unmasq("trace", "--from-file", "-", "--store", store, input="198.51.100.10\njunk\n")
    assert (ended.returncode, len(ended.stdout.splitlines())) == (5, 1)
    assert ended.stderr.splitlines()[0] == "standard input:2: not an address or range: junk"


def test_a_reader_who_goes_away_is_no_error(store):
    reader = subprocess.Popen(["head", "-c", "1"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    writer = subprocess.Popen(
        [*UNMASQ, "flows", "--store", str(store), "-o", "jsonl"], stdout=reader.stdin, stderr=subprocess.PIPE, text=True
    )
    assert reader.stdin is not None
    reader.stdin.close()
    reader.wait()
    said = writer.communicate(timeout=60)[1]
    assert [line for line in said.splitlines() if not line.startswith("data: ")] == []
    assert writer.returncode == 0


@pytest.mark.parametrize(
    ("flags", "env", "coloured"),
    [((), {}, False), (("--color", "always"), {}, True), (("--color", "always"), {"NO_COLOR": "1"}, True),
     (("--color", "never"), {}, False), ((), {"UNMASQ_COLOR": "always"}, True)],
)  # fmt: skip
def test_colours_are_for_terminals_or_for_who_asks(store, flags, env, coloured):
    ended = unmasq("trace", shop.CLIENT, "--store", store, *flags, env=env)
    assert ("\x1b[1m" in ended.stdout) == coloured


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_has_colours_unless_no_color_is_set(store, env, coloured):
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0) as screen:
        subprocess.run(
            [*UNMASQ, "trace", shop.CLIENT, "--store", str(store)], stdout=follower, env={**os.environ, **env}, check=True, timeout=60
        )
        os.close(follower)
        assert (b"\x1b[1m" in screen.read(4096)) == coloured


def test_an_interrupt_ends_with_130_and_no_words(store):
    script = (
        "import signal, time; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored where nobody is at a keyboard
        "from unmasq.cli import main; import unmasq.serve.backend as b\n"
        "b.open_backend = lambda *_, **__: print('asking', flush=True) or time.sleep(60)\n"
        "main()"
    )
    command = [sys.executable, "-c", script, "trace", "9.9.9.9", "--store", str(store)]
    asked = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert asked.stdout is not None
    assert asked.stdout.readline() == "asking\n"
    asked.send_signal(signal.SIGINT)
    assert asked.communicate(timeout=60)[1] == ""
    assert asked.returncode == 130


@pytest.mark.parametrize("debug", [False, True])
def test_what_nobody_expected_is_one_sentence_and_a_traceback_on_request(store, debug):
    script = "from unmasq.cli import main; import unmasq.serve.backend as b; b.open_backend = lambda *a, **k: 1 / 0; main()"
    how = {"UNMASQ_DEBUG": "1"} if debug else {}
    command = [sys.executable, "-c", script, "trace", "9.9.9.9", "--store", str(store)]
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **how}, check=False)
    assert ended.returncode == 1
    assert ("Traceback" in ended.stderr) == debug
    assert "unmasq failed: ZeroDivisionError: division by zero" in ended.stderr
    assert "report it" in ended.stderr


def test_the_version_and_the_help_load_no_database_no_numpy_and_no_web_framework():
    script = (
        "import sys; from unmasq.cli.program import run; code = run(sys.argv[1:]);"
        " heavy = {'duckdb', 'numpy', 'starlette', 'uvicorn', 'httpx2'} & set(sys.modules); sys.exit(str(heavy) if heavy else code)"
    )
    for tokens in (["--version"], ["--help"]):
        ended = subprocess.run([sys.executable, "-c", script, *tokens], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_nothing_printed_comes_from_the_machine_it_was_built_on():
    page = unmasq("config", "template", "nginx").stdout + unmasq("schema", "flow").stdout
    assert str(Path.home()) not in page or Path.home() == Path("/")
