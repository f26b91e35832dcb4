"""How many messages a second reach how many viewers: our hub beside the usual ways, in one run on this machine.

    python -m tests.bench.fanout --viewers 1000 --events 50 [--rounds 2] [--rate 0] [--servers daphne-hub,…]

    daphne-hub            the application as deployed, reading a temporary SQLite log that another process writes;
                          one event a frame, so that a message is the same thing for every server
    daphne-hub-batched    the same with frames of several events, as it is in use
    daphne-group_send     the usual consumer: every viewer a member of a group, in the in-memory layer
    uvicorn-hub           as daphne-hub, on uvicorn
    websockets-broadcast  `broadcast()` of the websockets library, without a framework

Each prints one JSON line: messages_per_s (first to last receipt), delays p50_s and p99_s from the time in the
event to its receipt, connect_s for all viewers, messages lost, kb_per_viewer of the server's memory. Servers take
turns in every round; a line shows the median of the rounds (lost: the sum). The last line holds the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ("daphne-hub", "daphne-hub-batched", "daphne-group_send", "uvicorn-hub", "websockets-broadcast")
DEFAULT_SERVERS = ",".join(SERVERS)
SPARE_FILES = 200


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def raise_file_limit(viewers: int) -> None:
    """Allow one file a viewer in this process and its children. Exits when the hard limit forbids it."""
    needed = viewers + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in {resource.RLIM_INFINITY} and needed > hard:
        sys.exit(f"{viewers} viewers need {needed} open files; the hard limit is {hard} (ulimit -Hn)")
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def command(server: str, port: int) -> list[str]:
    kind, _, way = server.partition("-")
    app = {
        "hub": "tests.bench.servers:hub_application",
        "hub-batched": "marketplace.asgi:application",
        "group_send": "tests.bench.servers:group_send_application",
    }
    if kind == "daphne":
        return [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "-v", "0", app[way]]
    if kind == "uvicorn":
        quiet = ["--log-level", "error", "--no-access-log", "--lifespan", "off"]
        return [sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), *quiet, app[way]]
    return [sys.executable, "-m", "tests.bench.servers", "broadcast", "--port", str(port)]


@contextmanager
def running(args: list[str], environment: dict[str, str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(args, cwd=ROOT, env=environment, text=True, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            sys.exit(f"the server ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("the server does not listen after 30 s")


def resident_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def measure(server: str, options: argparse.Namespace, environment: dict[str, str]) -> dict[str, Any]:
    """One server, one burst (or paced series) of events, all viewers."""
    port, stream = free_port(), f"bench:{secrets.token_hex(4)}"
    is_hub = "-hub" in server
    path = f"/ws/streams/{stream}/?after=0" if is_hub else "/viewers/"
    source = [sys.executable, "-m", "tests.bench.servers", "writer" if is_hub else "trigger"]
    source += ["--stream", stream, "--port", str(port), "--events", str(options.events), "--rate", str(options.rate)]
    crowd = [sys.executable, "-m", "tests.bench.viewers", "--port", str(port), "--path", path]
    crowd += ["--viewers", str(options.viewers), "--events", str(options.events), "--patience", str(options.patience)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with running(command(server, port), environment) as serving, running(source, environment, **pipes) as emitting:
        wait_for(port, serving)
        assert emitting.stdin
        assert emitting.stdout
        emitting.stdout.readline()  # the stream exists, the source is ready
        before = resident_kb(serving.pid)
        with running(crowd, environment, **pipes) as viewers:
            assert viewers.stdout
            connected = json.loads(viewers.stdout.readline())
            time.sleep(1.0)
            after = resident_kb(serving.pid)
            emitting.stdin.write("go\n")
            emitting.stdin.flush()
            result: dict[str, Any] = json.loads(viewers.stdout.readline())
    return {**result, **connected, "kb_per_viewer": round((after - before) / options.viewers, 1)}


def prepared(folder: str) -> dict[str, str]:
    """An environment with its own migrated database and keys."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
        "VAR_DIR": folder,
        "KEYS_DIR": folder,
        "REDIS_URL": "",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    quiet = {"stdout": subprocess.DEVNULL, "check": True}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--run-syncdb", "--skip-checks", "-v", "0"],
        cwd=ROOT,
        env=environment,
        **quiet,
    )
    return environment


def summary(server: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    line: dict[str, Any] = {"server": server}
    for key, digits in (("messages_per_s", 0), ("p50_s", 4), ("p99_s", 4), ("connect_s", 2), ("kb_per_viewer", 1)):
        line[key] = round(statistics.median(r[key] for r in rounds), digits)
    line["messages_per_s"] = int(line["messages_per_s"])
    return line | {"lost": sum(r["lost"] for r in rounds), "rounds": [int(r["messages_per_s"]) for r in rounds]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=50, help="over 100 the in-memory layer loses some in a burst")
    parser.add_argument("--rate", type=float, default=0.0, help="events a second; 0 is one burst")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--patience", type=float, default=20.0, help="seconds without a message until the rest is lost"
    )
    parser.add_argument("--servers", default=DEFAULT_SERVERS)
    options = parser.parse_args()
    servers = options.servers.split(",")
    if unknown := set(servers) - set(SERVERS):
        parser.error(f"unknown servers: {sorted(unknown)}")
    raise_file_limit(options.viewers)
    rounds: dict[str, list[dict[str, Any]]] = {server: [] for server in servers}
    with tempfile.TemporaryDirectory(prefix="fanout-") as folder:
        environment = prepared(folder)
        for _ in range(options.rounds):
            for server in servers:
                rounds[server].append(measure(server, options, environment))
    lines = {server: summary(server, found) for server, found in rounds.items()}
    for line in lines.values():
        print(json.dumps(line), flush=True)
    print(json.dumps(ratios(lines) | {"viewers": options.viewers, "events": options.events}))


def ratios(lines: dict[str, dict[str, Any]]) -> dict[str, float]:
    pairs = {
        "ratio_hub_over_group_send": ("daphne-hub", "daphne-group_send"),
        "ratio_batched_over_group_send": ("daphne-hub-batched", "daphne-group_send"),
        "ratio_hub_over_broadcast": ("daphne-hub", "websockets-broadcast"),
        "ratio_uvicorn_hub_over_broadcast": ("uvicorn-hub", "websockets-broadcast"),
    }
    return {
        name: round(lines[a]["messages_per_s"] / max(1, lines[b]["messages_per_s"]), 2)
        for name, (a, b) in pairs.items()
        if a in lines and b in lines
    }


if __name__ == "__main__":
    main()
