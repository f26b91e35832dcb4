"""What a hostile or unlucky visitor sends, and first starts that happen at the same moment."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from livestream.consumers import stream_socket
from marketplace import vault


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", ["/notices/%00/", "/streams/session:%00/events", "/live/a%00b/", "/notices/?q=%00", "/files/%00/"]
)
def test_a_nul_character_in_an_address_is_bad_input(address: str) -> None:
    """PostgreSQL knows no such text: unchecked it would be a server error."""
    assert Client().get(address).status_code == 400


async def test_a_nul_character_in_the_name_of_a_stream_closes_the_socket() -> None:
    socket = WebsocketCommunicator(stream_socket, "/ws/streams/x/")
    socket.scope["url_route"] = {"kwargs": {"name": "session:\x00"}}
    await socket.connect()
    assert (await socket.receive_output())["code"] == 4400
    await socket.disconnect()


def test_two_threads_that_need_the_first_key_get_the_same_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that one thread has linked is not written again by the other."""
    linked = threading.Barrier(2)
    plain = vault.os.link

    def together(source: Path, target: Path) -> None:
        linked.wait(5)  # both have written their own file before either is linked
        plain(source, target)

    monkeypatch.setattr(vault.os, "link", together)
    found: list[bytes] = []
    # Past the cache: two threads miss it together.
    make = vault._key.__wrapped__
    threads = [threading.Thread(target=lambda: found.append(make(tmp_path, "vault.key"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 2
    assert found[0] == found[1] == (tmp_path / "vault.key").read_bytes()
    assert len(found[0]) == 32
    assert [path.name for path in tmp_path.iterdir()] == ["vault.key"]


def test_processes_that_start_for_the_first_time_together_share_one_session_key(tmp_path: Path) -> None:
    code = "import os; from marketplace import settings; print(settings.SECRET_KEY)"
    env = {"PATH": "/usr/bin:/bin", "VAR_DIR": str(tmp_path), "PYTHONPATH": str(settings.BASE_DIR)}
    children = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = {child.communicate(timeout=30)[0].strip() for child in children}
    assert len(said) == 1
    assert len(said.pop()) > 50
