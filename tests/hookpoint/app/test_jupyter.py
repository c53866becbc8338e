"""Links into a running JupyterLab."""

import json
import socket
from urllib.parse import parse_qs, urlsplit

import pytest

from hookpoint.app import jupyter
from hookpoint.app.situation import look


@pytest.fixture
def listening():
    """A port of this machine on which something answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def link(learner):
    """The link to `causal_mask` with this text in servers.json."""

    def link_with(text: str) -> str | None:
        (learner.workspace / ".hookpoint/servers.json").write_text(text)
        return jupyter.link(learner.workspace, look().standing("causal_mask").exercise)

    return link_with


def test_the_link_opens_the_notebook_names_the_cell_and_keeps_the_token(link, listening):
    url = urlsplit(link(json.dumps({"jupyter": f"http://127.0.0.1:{listening}/lab?token=abc"})))

    assert (url.netloc, url.path) == (f"127.0.0.1:{listening}", "/lab/tree/part1_build_gpt2/03_attention.ipynb")
    assert parse_qs(url.query) == {"token": ["abc"]} and url.fragment == "cell-id=causal_mask"


def test_without_an_answer_there_is_no_link(link):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert link(json.dumps({"jupyter": f"http://127.0.0.1:{port}/lab"})) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"jupyter": 1}', '{"jupyter": "http://127.0.0.1:99999/lab"}', '{"jupyter": "file:///x"}']
)
def test_an_address_that_is_none_gives_no_link(link, text):
    assert link(text) is None


def test_another_machine_is_never_linked_or_called(link, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("called"))

    assert link('{"jupyter": "http://example.org:80/lab"}') is None


def test_the_page_links_into_jupyter_while_it_runs(learner, listening, start):
    (learner.workspace / ".hookpoint/servers.json").write_text(
        json.dumps({"jupyter": f"http://127.0.0.1:{listening}/lab?token=abc"})
    )

    (button,) = start().get("link_button")

    assert button.proto.url.endswith("/02_embed_and_mlp.ipynb?token=abc#cell-id=embed")
