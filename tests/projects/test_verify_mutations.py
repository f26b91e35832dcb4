"""Small changes of an honest transcript, all of them: each is rejected, and never by stumbling."""

import random

from .test_verify import discriminants_found_once  # noqa: F401
from .test_verify_forgeries import fresh, honest, refusal
from .transcripts import jcs


def flipped(string):
    """The string with one character changed: the last, the first, one between."""
    for place in sorted({0, len(string) // 2, len(string) - 1}, reverse=True) if string else ():
        yield string[:place] + ("1" if string[place] == "0" else "0") + string[place + 1 :]


def mutations(value, path=()):
    """Change `value` in place, somewhere below, and yield where; one change at a time, undone before the next.

    Under `streams`, where every byte is hashed the same way, a leaf is changed once; elsewhere in many ways.
    """
    hashed = path[:1] == ("streams",)
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, child in items:
        others = []
        if isinstance(child, str):
            others = [*flipped(child), child + "0", None, child.upper()]
        elif isinstance(child, bool):
            others = [not child, int(child)]
        elif isinstance(child, int):
            others = [child + 1, child - 1, str(child), bool(child)]
        elif child is None:
            others = ["", "00" * 32, 0]
        else:
            others = [None, {} if isinstance(child, list) else []]
        for other in others[:1] if hashed else others:
            if type(other) is not type(child) or other != child:
                value[key] = other
                yield (*path, key, repr(other)[:20])
                value[key] = child
    if isinstance(value, dict):
        saved = dict(value)
        for key in saved:
            del value[key]
            yield (*path, key, "deleted")
            value[key] = saved[key]
        value["zz"] = 0
        yield (*path, "added")
        del value["zz"]
    else:
        saved = list(value)
        for index in range(len(saved)):
            for name, change in (
                ("dropped", saved[:index] + saved[index + 1 :]),
                ("doubled", [*saved[: index + 1], *saved[index:]]),
                ("swapped", [*saved[:index], *saved[index : index + 2][::-1], *saved[index + 2 :]]),
            ):
                if change != saved:
                    value[:] = change
                    yield (*path, index, name)
        value[:] = saved
    for key, child in items:
        if isinstance(child, (dict, list)):
            yield from mutations(child, (*path, key))


def test_every_small_change_is_rejected_except_forgetting_the_last_unsigned_event():
    transcript = fresh()
    assert refusal(transcript) is None
    tried, survivors = 0, []
    for path in mutations(transcript):
        tried += 1
        if refusal(transcript) is None:
            survivors.append(path)
    assert jcs(transcript) == honest()
    last = len(transcript["streams"]["project:P-2026-0007"]) - 1
    assert survivors == [("streams", "project:P-2026-0007", last, "dropped")]
    assert tried > 1500


def test_every_changed_byte_is_rejected():
    data, rng = honest(), random.Random(11)
    for place in rng.sample(range(len(data)), 300):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        assert refusal(bytes(changed)) is not None, place
    for length in rng.sample(range(len(data)), 30):
        assert refusal(data[:length]) is not None


def test_a_duplicated_key_is_rejected():
    data = honest()
    assert "duplicate key" in refusal(data.replace(b'{"entries":', b'{"pot":[],"entries":', 1))
