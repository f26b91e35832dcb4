"""The delay function: `python -m projects.delay`, a process of its own at low priority.

One JSON request on standard input `{"seed": hex, "iters": n}`, one JSON answer on standard output
`{"y": hex, "pi": hex, "a": text, "b": text}` (a, b as hex integers, '-' when negative). The process ends by itself when
its parent's end of standard input closes, so a killed worker leaves nothing behind. `compute` runs it with a beat.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .draw import DISCRIMINANT_BITS, FORM_BYTES, GENERATOR, Delay


class DelayFailed(Exception):
    """The process ended without an answer, or its proof does not verify; it is computed again."""


def evaluate(seed: bytes, iters: int) -> Delay:
    """y = x^(2^iters) in the class group of the discriminant made from `seed`, with its Wesolowski proof. Blocks."""
    import chiavdf

    answer = chiavdf.prove(seed, GENERATOR, DISCRIMINANT_BITS, iters, "")
    y, pi = answer[:FORM_BYTES], answer[FORM_BYTES : 2 * FORM_BYTES]
    discriminant = chiavdf.create_discriminant(seed, DISCRIMINANT_BITS)
    if not chiavdf.verify_wesolowski(discriminant, GENERATOR, y, pi, iters):
        raise DelayFailed("the proof does not verify")
    a, b = chiavdf.bqfc_deserialize(discriminant, y)
    return Delay(y, pi, _integer(a), _integer(b))


def _integer(encoded: bytes) -> int:
    """A sign byte (1 = negative) before the big-endian magnitude."""
    magnitude = int.from_bytes(encoded[1:], "big")
    return -magnitude if encoded[0] else magnitude


def measure_speed(steps: int = 20_000) -> int:
    """Steps a second on this machine, from one short run; only for the progress bar."""
    began = time.perf_counter()
    evaluate(b"speed" + b"\x00" * 27, steps)
    return max(1, int(steps / (time.perf_counter() - began)))


def compute(seed: bytes, iters: int, beat: Callable[[float], bool], every: float = 1.0) -> Delay | None:
    """Evaluate in a child process, calling `beat(elapsed seconds)` every second.

    Returns None when `beat` answers False: the work now belongs to somebody else. Raises DelayFailed.
    """
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "projects.delay"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parent.parent,  # the module is found from here, wherever the worker was started
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(json.dumps({"seed": seed.hex(), "iters": iters}) + "\n")
        child.stdin.flush()
        lines: list[str] = []
        reader = threading.Thread(target=lambda out: lines.append(out.read()), args=(child.stdout,), daemon=True)
        reader.start()
        try:
            while True:
                reader.join(every)
                if not reader.is_alive():
                    break
                if not beat(time.monotonic() - began):
                    return None
        finally:
            if child.poll() is None:
                child.kill()
        reader.join()
    if not lines or not lines[0].strip():
        raise DelayFailed(f"the delay process ended with status {child.returncode}")
    answer = json.loads(lines[0])
    return Delay(bytes.fromhex(answer["y"]), bytes.fromhex(answer["pi"]), int(answer["a"], 16), int(answer["b"], 16))


def main() -> None:
    request = json.loads(sys.stdin.readline())

    def end_with_parent() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(10)
    found = evaluate(bytes.fromhex(request["seed"]), int(request["iters"]))
    sys.stdout.write(
        json.dumps({"y": found.y.hex(), "pi": found.pi.hex(), "a": f"{found.a:x}", "b": f"{found.b:x}"}) + "\n"
    )
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
