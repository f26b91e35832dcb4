"""The live session as its viewers see it: the log folded into the state of the stage, and the words of each record.

The page a viewer gets is complete without a socket; `stage.js` folds the same events in the same way as they arrive.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import segno
from django.conf import settings
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from marketplace import events
from marketplace.clock import SHANGHAI, from_iso
from marketplace.models import User

from . import draw, queries
from .models import LiveSession

ACTS = [
    pgettext_lazy("act", "Rules"),
    pgettext_lazy("act", "List"),
    pgettext_lazy("act", "Throwing"),
    pgettext_lazy("act", "Seal"),
    pgettext_lazy("act", "Slow opening"),
    pgettext_lazy("act", "Tickets"),
    pgettext_lazy("act", "Result"),
    pgettext_lazy("act", "Verification"),
]
REASONS = {
    "seal_missed": gettext_lazy("the seal did not come in time"),
    "secret_unreadable": gettext_lazy("the sealed number could not be read"),
    "opening_missed": gettext_lazy("the opening did not come in time"),
    "list_closed_late": gettext_lazy("the list was closed late and stays public for its full time"),
    "too_few_signups": gettext_lazy("too few agencies signed up"),
}

# What is read aloud: the turns of the session, never each number or step.
ANNOUNCE = {
    "draw.close": "main",
    "draw.open": "main",
    "draw.freeze": "main",
    "draw.result": "main",
    "award.published": "main",
    "draw.void": "urgent",
    "session.rescheduled": "main",
    "draw.pot": "never",
    "draw.progress": "never",
    "draw.attested": "never",
    "draw.signup": "never",
    "draw.exclusion": "never",
}
CHAPTERS = {
    "draw.plan": ACTS[0],
    "draw.close": ACTS[1],
    "draw.open": ACTS[2],
    "draw.freeze": ACTS[3],
    "draw.result": ACTS[6],
}


@dataclass
class Stage:
    """The state of one session after some events."""

    title: str = ""
    demo: bool = False
    retry_s: int = 0
    plan: dict[str, Any] = field(default_factory=dict)
    post: dict[str, Any] = field(default_factory=dict)
    open_at: str = ""
    attempt: int = 1
    signups: int = 0
    close: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    opening: dict[str, Any] = field(default_factory=dict)
    pot: list[dict[str, Any]] = field(default_factory=list)
    freeze: dict[str, Any] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    award: dict[str, Any] = field(default_factory=dict)
    void: str = ""
    finished: bool = False
    abandoned: str = ""
    attested: bool = False

    def fold(self, envelopes: Iterable[dict[str, Any]]) -> Stage:
        for envelope in envelopes:
            data, kind = envelope["data"], envelope["type"]
            if kind == "session.planned":
                self.title, self.demo, self.retry_s = data["title"], data["demo"], data["retry_s"]
            elif kind == "draw.plan":
                self.plan, self.open_at = data, data["open_at"]
            elif kind == "draw.post":
                self.post = data
            elif kind == "draw.signup":
                self.signups += 1
            elif kind in ("draw.withdrawal", "draw.exclusion"):
                self.signups -= 1
            elif kind == "draw.close":
                self.close = data
            elif kind == "session.roster":
                self.names |= {agency["id"]: agency["name"] for agency in data["agencies"]}
            elif kind == "draw.open":
                self.opening, self.pot, self.void, self.attempt = data, [], "", data["attempt"]
            elif kind == "draw.pot":
                self.pot.append(data)
            elif kind == "draw.freeze":
                self.freeze = data
            elif kind == "draw.progress":
                self.progress = data
            elif kind == "draw.result":
                self.result = data
            elif kind == "award.published":
                self.award = data
            elif kind == "draw.void":
                self.void, self.opening, self.pot = data["reason"], {}, []
            elif kind == "session.rescheduled":
                self.open_at, self.attempt, self.void = data["open_at"], data["attempt"], data["reason"]
            elif kind == "session.abandoned":
                self.abandoned = data["reason"]
            elif kind == "session.finished":
                self.finished = True
            elif kind == "draw.attested":
                self.attested = self.finished
        return self

    @property
    def act(self) -> int:
        """1 to 8, the act the session stands in."""
        if self.attested:
            return 8
        if self.result:
            return 7
        if self.freeze:
            return 5 if self.progress else 4
        if self.opening:
            return 3
        return 2 if self.close else 1


def reason_text(code: str) -> str:
    return str(REASONS.get(code, code))


def who_text(who: str, names: dict[str, str]) -> str:
    """`agency:<code>` and the like, in words."""
    kind, _colon, code = who.partition(":")
    if kind == "agency":
        return names.get(code, code)
    return {"platform": _("The platform"), "owner": _("The project owner"), "office": _("The office")}.get(kind, who)


def clock_text(iso: str) -> str:
    at = from_iso(iso).astimezone(SHANGHAI)
    return f"{at:%Y-%m-%d %H:%M:%S}"


def sentence(envelope: dict[str, Any], names: dict[str, str]) -> str:
    """One record of the session's stream as a sentence of the text log."""
    data = dict(envelope["data"])
    for key in ("open_at", "publicity_until", "closes", "signup_close"):
        if isinstance(data.get(key), str):
            data[key] = clock_text(data[key])
    if "who" in data:
        data["who"] = who_text(data["who"], names)
    if "reason" in data:
        data["reason"] = reason_text(data["reason"])
    for key in ("steps", "iters"):
        if key in data:
            data[key] = f"{data[key]:,}"
    if "pot_root" in data:
        data["pot_root"] = f"{data['pot_root'][:16]}…"
    return str(events.event_type(envelope["type"]).words).format(**data)


def words() -> dict[str, str]:
    """The sentences of the session's events in the reader's language, for the page's script."""
    return {
        name: str(kind.words)
        for name, kind in events.event_types().items()
        if name.startswith(("draw.", "session.", "award."))
    }


def _acts(current: int) -> list[dict[str, Any]]:
    return [
        {
            "number": number,
            "name": name,
            "state": "done" if number < current else "current" if number == current else "todo",
        }
        for number, name in enumerate(ACTS, 1)
    ]


def _roster(stage: Stage, mine: str) -> list[dict[str, Any]]:
    thrown = {line["who"] for line in stage.pot}
    return [
        {
            "number": number,
            "name": stage.names.get(code, code),
            "who": f"agency:{code}",
            "in": f"agency:{code}" in thrown,
            "mine": code == mine,
        }
        for number, code in enumerate(stage.close.get("roster", []), 1)
    ]


def _tickets(stage: Stage, mine: str) -> list[dict[str, Any]]:
    if not stage.result:
        return []
    seed = bytes.fromhex(stage.result["seed"])
    k, reserves = stage.post["k"], stage.post["reserves"]
    return [
        {
            "rank": rank,
            "name": stage.names.get(code, code),
            "ticket": draw.ticket(seed, stage.result["draw_id"], code).hex(),
            "outcome": "winner" if rank <= k else "waitlist" if rank <= k + reserves else "",
            "place": rank - k,
            "mine": code == mine,
        }
        for rank, code in enumerate(stage.result["ranking"], 1)
    ]


def _so_far(stage: Stage) -> list[str]:
    """What a late viewer missed, one sentence for each act that is over."""
    lines = []
    if stage.act > 2:
        lines.append(_("The list was closed with {n} agencies.").format(n=len(stage.close["roster"])))
    if stage.act > 3:
        lines.append(_("The pot was sealed with {n} numbers.").format(n=stage.freeze["pot_n"]))
    if stage.result:
        lines.append(_("The slow opening ended and the tickets are out."))
    return lines


def _qr(url: str) -> SafeString:
    return mark_safe(segno.make(url, error="m").svg_inline(omitsize=True, border=1))


def parties(stage: Stage) -> list[str]:
    """Whom the result rests on: everybody whose signed line is in the pot."""
    return sorted({who_text(line["who"], stage.names) for line in stage.pot if "sig" in line})


def present_session(stream: str, user: User | None, at: datetime, request: Any = None) -> dict[str, Any] | None:
    """What the live page needs of the session with this stream; None when there is none.

    The keys are those of `livestream/views.py`; the events themselves are given to the page by the feed.
    """
    sid = stream.removeprefix("session:")
    session = LiveSession.objects.filter(sid=sid).first()
    if session is None:
        return None
    envelopes = events.read_all(stream)
    stage = Stage().fold(envelopes)
    agency = queries.agency_of(user)
    code = agency.organisation.code if agency else ""
    task = session.tasks.select_related("owner", "item").order_by("code").first()
    act = stage.act
    iters = int(stage.plan["vdf"]["iters"]) if stage.plan else 0
    steps = int(stage.progress.get("steps", 0))
    opens = from_iso(stage.open_at) if stage.open_at else session.open_at
    closes = from_iso(stage.opening["closes"]) if stage.opening else opens + timedelta(seconds=session.window_s)
    path = reverse("live_page", args=[sid])
    address = request.build_absolute_uri(path) if request is not None else path
    me = {
        "agency": code if code in stage.close.get("roster", []) or (agency and not stage.close) else "",
        "pot_url": reverse("throw_into_pot", args=[sid]),
        "csrf": get_token(request) if request is not None and agency else "",
    }
    return {
        "title": stage.title,
        "template": "projects/stage.html",
        "script": "projects/stage.js",
        "snapshot": {},
        "words": words(),
        "me": me,
        "describe": lambda envelope: sentence(envelope, stage.names),
        "ended": stage.attested or bool(stage.abandoned),
        "announce": ANNOUNCE,
        "chapters": CHAPTERS,
        "button": {"label": _("Check the result"), "url": reverse("verify_page")} if stage.attested else None,
        "context": {
            "stage": stage,
            "task": task,
            "session": session,
            "act": act,
            "acts": _acts(act),
            "next_act": ACTS[act] if act < 8 else "",
            "opens": opens,
            "closes": closes,
            "roster": _roster(stage, code),
            "roster_leaf": draw.leaf(stage.close).hex() if stage.close else "",
            "thrown_agencies": sum(line["who"].startswith("agency:") for line in stage.pot),
            "percent": 100 if stage.result else min(99, steps * 100 // iters) if iters else 0,
            "steps": steps,
            "iters": iters,
            "full_delay": iters >= (session.window_s + session.publish_s) * draw.STEPS_PER_SECOND_BOUND,
            "tickets": _tickets(stage, code),
            "my_rank": next((row["rank"] for row in _tickets(stage, code) if row["mine"]), None),
            "publicity_until": from_iso(stage.award["publicity_until"]) if stage.award else None,
            "void_reason": reason_text(stage.void) if stage.void else "",
            "abandoned_reason": reason_text(stage.abandoned) if stage.abandoned else "",
            "so_far": _so_far(stage),
            "parties": parties(stage) if stage.freeze else [],
            "reasons": {name: str(text) for name, text in REASONS.items()},
            "act_names": [str(name) for name in ACTS],
            "qr": _qr(address),
            "log_name": settings.LOG_NAME,
            "now": at,
        },
    }
