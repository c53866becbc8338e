"""The process that the learner's code runs in: it answers, is stopped where it stands still, leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from hookpoint.app.yours.client import Client, client
from hookpoint.app.yours.runner import Runner, Stopped
from hookpoint.errors import HookpointError

PROMPT = "Ray and Bruce talked in the park."
NOISE = """
import os, sys
_forward = Embed.forward
def _noisy(self, tokens):
    print("hello")
    os.write(1, b"{}\\n")
    sys.__stdout__.write("x")
    sys.stdin.read()
    return _forward(self, tokens)
Embed.forward = _noisy
"""


@pytest.fixture
def running(builder):
    """A client whose patience is short; its process ends with the test."""
    made = Client(builder.workspace, lambda workspace: Runner(workspace, still=0.5))
    yield made
    made.close()


def test_prints_and_input_never_reach_the_protocol(builder, running):
    builder.solves("embed")
    builder.spoils("embed", NOISE)

    answer = running.ask("logits", ["embed"], text=PROMPT)

    assert answer.broken == {} and answer.value["difference"] < 1e-4


def test_an_endless_loop_is_stopped_and_ours_goes_on(builder, running):
    builder.solves("embed", "mlp")
    builder.spoils("mlp", "def _loop(self, x):\n    while True:\n        pass\nMLP.forward = _loop")

    answer = running.ask("logits", ["embed", "mlp"], text=PROMPT)

    assert list(answer.broken) == ["mlp"] and "stopped after 0.5 s" in answer.broken["mlp"]
    assert answer.value["difference"] < 1e-4
    began = time.monotonic()
    assert running.ask("logits", ["embed", "mlp"], text="One day").broken == answer.broken
    assert time.monotonic() - began < 0.5


def test_a_function_that_ends_python_is_named(builder, running):
    builder.solves("unembed")
    builder.spoils("unembed", "import os\nUnembed.forward = lambda self, x: os._exit(0)")

    assert running.ask("logits", ["unembed"], text=PROMPT).broken == {"unembed": "it ended the Python process"}


def test_a_notebook_that_ends_python_costs_all_of_yours_and_nothing_else(builder, running):
    builder.solves("embed", "mlp")
    builder.spoils("mlp", "import os\nos._exit(0)")

    answer = running.ask("logits", ["embed", "mlp"], text=PROMPT)

    assert set(answer.broken) == {"embed", "mlp"} and answer.value["difference"] == 0


def test_a_question_is_answered_from_memory(builder, running):
    first = running.ask("logits", [], text=PROMPT)
    running.close()

    assert running.ask("logits", [], text=PROMPT) is first


def test_what_was_stopped_can_be_tried_again(builder, running):
    builder.solves("embed")
    builder.spoils("embed", "import os\nEmbed.forward = lambda self, tokens: os._exit(0)")
    running.ask("logits", ["embed"], text=PROMPT)
    builder.solves("embed")

    running.retry(["embed"])

    assert running.ask("logits", ["embed"], text=PROMPT).broken == {}


def test_a_closed_client_starts_no_process_again(builder, running):
    running.close()

    with pytest.raises(HookpointError, match="files have changed"):
        running.ask("logits", [], text=PROMPT)


def test_trouble_is_an_error_with_its_sentence(builder, running):
    with pytest.raises(HookpointError, match="cannot be read"):
        running.ask("logits", [], "part1_build_gpt2/mine/model.safetensors", text=PROMPT)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_what_the_learners_code_starts_ends_with_the_process(builder, running):
    builder.solves("embed")
    builder.spoils("embed", "import subprocess\nopen('pid', 'w').write(str(subprocess.Popen(['sleep', '600']).pid))")
    running.ask("logits", ["embed"], text=PROMPT)
    pid = int(next(builder.workspace.rglob("pid")).read_text())
    assert os.path.exists(f"/proc/{pid}")

    running.close()

    assert _ends(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_it_ends_when_the_app_is_killed(tmp_path):
    code = (
        "from hookpoint.app.yours.runner import Runner; runner = Runner(None)\n"
        "runner.ask({'ask': 'logits', 'yours': [], 'model': 'stories', 'with': {'text': 'a'}})\n"
        "print(runner._process.pid, flush=True); input()"
    )
    app = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    pid = int(app.stdout.readline())

    app.send_signal(signal.SIGKILL)
    app.wait()

    assert _ends(pid)
    app.stdin.close()
    app.stdout.close()


def _ends(pid: int, seconds: float = 5.0) -> bool:
    """Whether the process is over, or waits only for its parent to notice."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_a_process_that_never_starts_is_an_error(tmp_path):
    failing = Client(None, lambda workspace: Runner(workspace, command=(sys.executable, "-c", "raise SystemExit(1)")))

    with pytest.raises(HookpointError):
        failing.ask("logits", [], text=PROMPT)


def test_a_question_that_takes_too_long_blames_the_outermost(tmp_path, monkeypatch):
    monkeypatch.setattr("hookpoint.app.yours.runner.WHOLE_SECONDS", 0.5)
    code = (
        "import sys, time; from pathlib import Path; from hookpoint.app.yours.marker import Marker\n"
        "marker = Marker(Path(sys.argv[1])); print('{}', flush=True); sys.stdin.readline(); marker.enter('generate')\n"
        "while True: marker.enter('embed'); marker.leave(); time.sleep(0.01)"
    )
    runner = Runner(None, command=(sys.executable, "-c", code), still=0.3)

    with pytest.raises(Stopped, match=r"generate: stopped: it was not done after 0.5 s"):
        runner.ask({})


def test_a_changed_file_gives_a_new_client(tmp_path):
    first = client(tmp_path, ("then",))

    assert client(tmp_path, ("then",)) is first and client(tmp_path, ("now",)) is not first
