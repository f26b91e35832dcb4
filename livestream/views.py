"""The log over plain HTTP, and the live page in its four forms: page, text, hall screen, replay.

What a page shows is made by a presenter, found through settings.STREAM_PRESENTERS by the kind of the stream:

    present(stream: str, user: User | None, at: datetime, request=HttpRequest) -> dict | None
    None: there is no such page (404)

    title      heading of the page                     words     {event type: sentence}, see words.py
    template   the stage, inside <div class="stage">   script    its static file, listens to `window.feed`
    snapshot   dict for the script                     me        dict about the viewer's role
    context    further variables of the template       ended     [bool] nothing more will happen
    announce   [{event type: all|main|urgent|never}]   button    [{label, [url]}] in the bar at the foot
    describe   [envelope -> sentence of the log]       chapters  [{event type: title}] of the replay
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import segno
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.http import parse_etags
from django.utils.module_loading import import_string
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from marketplace import clock, events
from marketplace.accounts import current_user
from marketplace.clock import from_iso, iso_micros
from marketplace.permissions import access

from . import frames
from .words import sentence

Presenter = Callable[..., dict[str, Any] | None]

KIND = "session"
MAX_PAGE = 1000
# Pages with more events than this let the script fetch them: it checks the chain from the first one anyway.
MAX_EMBEDDED = 600


@access("public")
@require_safe
def stream_events(request: HttpRequest, name: str) -> HttpResponse:
    """`GET /streams/<name>/events?after=0&limit=500`: the envelopes a socket would replay, as one JSON object.

    {stream, head, server_time, events}. 400 for a bad number, 404 for a stream the visitor may not read. The
    entity tag names the events, not the clock beside them, and is therefore weak.
    """
    try:
        after = frames.sequence(request.GET.get("after", "0"))
        limit = frames.sequence(request.GET.get("limit", "500"))
        if not 1 <= limit <= MAX_PAGE:
            raise frames.BadRequest("limit")
    except frames.BadRequest as error:
        detail = f"{error} must be a whole number; limit from 1 to {MAX_PAGE}"
        problem = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": detail}
        return JsonResponse(problem, status=400, content_type="application/problem+json")
    is_public = events.is_public(name)
    if not is_public and not events.may_read(current_user(request), name):
        raise Http404
    head, head_hash = events.head(name)
    tag = 'W/"' + hashlib.sha256(f"{name}\n{after}\n{limit}\n{head}\n{head_hash}".encode()).hexdigest()[:32] + '"'
    known = parse_etags(request.headers.get("If-None-Match", ""))
    response: HttpResponse
    if tag in known or "*" in known:
        response = HttpResponse(status=304)
    else:
        # Not beyond the head that the tag names, though more may have come since.
        found = events.read(name, after, min(limit, head - after)) if after < head else []
        body = {"stream": name, "head": head, "server_time": iso_micros(clock.now()), "events": found}
        response = HttpResponse(frames.encode(body), content_type="application/json")
    response["ETag"] = tag
    patch_cache_control(response, no_cache=True, **({"public": True} if is_public else {"private": True}))
    return response


@access("public")
@require_safe
def live_page(request: HttpRequest, sid: str) -> HttpResponse:
    """The live page; `?text=1` is the text log alone, which refreshes itself without any script."""
    context = _page(request, sid)
    template = "livestream/text.html" if request.GET.get("text") == "1" else "livestream/page.html"
    return render(request, template, context)


@access("public")
@require_safe
def live_hall(request: HttpRequest, sid: str) -> HttpResponse:
    """The same for the screen in the hall: no controls, and a code that opens the page on a phone."""
    address = request.build_absolute_uri(reverse("live_page", args=[sid]))
    code = segno.make(address, error="m").svg_inline(border=2, omitsize=True, dark="#000", light="#fff")
    qr = {"svg": mark_safe(code), "text": _("Follow on your phone"), "label": address}
    return render(request, "livestream/page.html", _page(request, sid) | {"hall": True, "qr": qr})


@access("public")
@require_safe
def live_replay(request: HttpRequest, sid: str) -> HttpResponse:
    """The recorded session from its first event, at one, four or twenty times its speed."""
    return render(request, "livestream/page.html", _page(request, sid) | {"replay": True})


def _page(request: HttpRequest, sid: str) -> dict[str, Any]:
    user, at, stream = current_user(request), clock.now(), f"{KIND}:{sid}"
    if not events.may_read(user, stream):
        raise Http404
    # The events first: what the presenter then tells may be newer, never older.
    found = events.read_all(stream)
    present: Presenter = import_string(settings.STREAM_PRESENTERS[KIND])
    shown = present(stream, user, at, request=request)
    if shown is None:
        raise Http404
    words = {kind: str(text) for kind, text in shown["words"].items()}

    def described(event: dict[str, Any]) -> str:
        return sentence(words.get(event["type"], event["type"]), event["data"])

    describe = shown.get("describe") or described
    ended = bool(shown.get("ended"))
    seq, head_hash = (found[-1]["seq"], found[-1]["hash"]) if found else (0, events.NO_HASH)
    script_words = _script_words()
    state, text = ("ended", _("Ended · can be replayed")) if ended else ("connecting", _("Connecting"))
    return dict(shown.get("context") or {}) | {
        "title": shown["title"],
        "stage_template": shown["template"],
        "stage_script": shown["script"],
        "snapshot": shown["snapshot"],
        "me": shown.get("me") or {},
        "button": shown.get("button"),
        "sid": sid,
        "replay_url": reverse("live_replay", args=[sid]),
        "now": at,
        "ended": ended,
        "seq": seq,
        "head_hash": head_hash,
        "sync": {"state": state, "text": text},
        "entries": [{"seq": event["seq"], "at": from_iso(event["at"]), "text": describe(event)} for event in found],
        "feed": {
            "stream": stream,
            "socket": f"/ws/streams/{stream}/",
            "events_url": reverse("stream_events", args=[stream]),
            "events": found if len(found) <= MAX_EMBEDDED else [],
            "head": seq,
            "ended": ended,
            "time_zone": settings.TIME_ZONE,
            "words": words,
            "announce": shown.get("announce") or {},
            "chapters": {kind: str(text) for kind, text in (shown.get("chapters") or {}).items()},
        },
        "records": script_words["range"].replace("{last}", str(seq)).replace("{head}", str(seq)),
        "feed_words": script_words,
    }


def _script_words() -> dict[str, str]:
    """What the script says; {n}, {seq} and the like are filled there."""
    return {
        "range": pgettext("records", "1–{last} of {head}"),
        "caught_up": _("Caught up on {n} records"),
        "broken": _("The chain check failed at record {seq}. Nothing after it is shown."),
        "refused": _("This stream is not open to you."),
        "polling": _("In step by repeated requests · record {seq}"),
        "play": pgettext("replay", "Play"),
        "pause": pgettext("replay", "Pause"),
        "position": pgettext("replay", "Record {seq} of {head}, {time}"),
    }
