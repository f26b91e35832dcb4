"""The office's work: every open case with its clock, who received it first, and who answers for it now (首问负责).

Locks are always taken in the order case row, stream, handler, so that taking, reassigning and verdicts never wait for
each other in a circle.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from . import accounts, events, notifications
from .errors import FieldErrors, NotAllowed, RuleBroken
from .models import CaseHandler, Organisation, Stream, User
from .workflow import StatefulModel, locked

logger = logging.getLogger(__name__)

T = TypeVar("T")
REASON_LIMIT = 500
IN_PLACE = "acted in place of the handler"
RECUSAL = "中华人民共和国公务员法第七十六条（回避）"

TAKEN = events.register(
    "case.taken",
    _("The office took the case in hand; who received it first answers for it."),
    data={"case": str},
    private={"handler": int},
)
REASSIGNED = events.register(
    "case.reassigned",
    _("The office gave the case to another member of the office; the clock goes on."),
    data={"case": str},
    private={"handler_before": int, "handler": int, "reason": str},
)
NOTE_REASSIGNED = notifications.register(
    "case.reassigned",
    _("A case was given to you: {title}"),
    _("{by} gave you the case “{title}”. Reason: {reason} Its clock goes on."),
)
NOTE_TAKEN_OVER = notifications.register(
    "case.taken_over",
    _("Somebody acted in a case of yours: {title}"),
    _("{by} acted in the case “{title}” in your place and answers for it now."),
)


@dataclass(frozen=True)
class Work:
    """One open case that waits for the office.

    `case` names it for ever (`entry:<code>`, `change:<pk>`), `stream` is the log in which taking and reassigning are
    recorded, `kind` its sort in the reader's language, `due` the end of its clock.
    """

    case: str
    stream: str
    kind: str
    title: str
    url: str
    started: datetime
    due: datetime | None

    @property
    def sort(self) -> str:
        """The first part of the case's name: `entry`, `change`."""
        return self.case.partition(":")[0]


def gather(at: datetime) -> tuple[list[Work], int]:
    """Every open case of settings.OFFICE_WORK, earliest due first, and how many of the sources could not be read.

    At most two queries a source. A source that fails is logged, and takes nothing away from the others.
    """
    found: dict[str, Work] = {}
    broken = 0
    for path in settings.OFFICE_WORK:
        try:
            source: Callable[[datetime], list[Work]] = import_string(path)
            found |= {work.case: work for work in source(at)}
        except Exception:  # whatever an app may do, the cases of the others have their clocks
            logger.exception("%s cannot say what is open", path)
            broken += 1
    return sorted(found.values(), key=_urgency), broken


def _urgency(work: Work) -> tuple[bool, datetime, str]:
    return (work.due is None, work.due or work.started, work.case)


def all_work(at: datetime) -> list[Work]:
    return gather(at)[0]


def handlers_of(cases: Iterable[str]) -> dict[str, CaseHandler]:
    """Who received and who handles each of the cases, by its name; what nobody took is absent. One query."""
    rows = CaseHandler.objects.filter(case__in=list(cases)).select_related("first_receiver", "handler")
    return {row.case: row for row in rows}


def concerned(stream: str) -> str:
    """The credit code of the organisation whose log this is (`agency:<code>`), or what stands in its place."""
    return stream.partition(":")[2]


def is_insider(user: User | None, stream: str) -> bool:
    """The person belongs to the organisation the case is about."""
    return any(m.organisation.code == concerned(stream) for m in accounts.memberships(user))


def _demand_member(actor: User | None, stream: str) -> User:
    if actor is None or not accounts.acts_as(actor, Organisation.Kind.OFFICE):
        raise NotAllowed(verb="take_case")
    if is_insider(actor, stream):
        raise RuleBroken(
            "handler_is_independent",
            _("You belong to the organisation the case is about, so you may not handle it."),
            basis=RECUSAL,
            remedy=_("Another member of the office handles it."),
        )
    return actor


def _hold(stream: str) -> None:
    """Lock the head of the log; a log that does not exist yet is opened, closed to the public."""
    events.open_stream(stream, public=False)
    Stream.objects.select_for_update().get(name=stream)


@transaction.atomic
def take_case(case: Work | str, stream: str = "", *, actor: User | None, at: datetime) -> CaseHandler:
    """首问负责: the first of the office who takes the case received it and answers for it.

    A case that is taken already stays as it is, whoever asks. `stream` is needed where `case` is a name. Raises
    NotAllowed (not of the office) or RuleBroken (belongs to the organisation concerned).
    """
    name, stream = _named(case, stream)
    member = _demand_member(actor, stream)
    _hold(stream)
    row, created = CaseHandler.objects.get_or_create(
        case=name, defaults={"stream": stream, "first_receiver": member, "handler": member, "taken_at": at}
    )
    if created:
        events.record(stream, TAKEN, {"case": name}, actor=actor, at=at, private={"handler": member.pk})
    return row


def _named(case: Work | str, stream: str) -> tuple[str, str]:
    name, stream = (case.case, case.stream) if isinstance(case, Work) else (case, stream)
    if not stream:
        raise ValueError(f"{name} says not in which log it is recorded")
    return name, stream


@transaction.atomic
def reassign_case(
    case: Work | str, to: User, reason: str, *, actor: User | None, at: datetime, stream: str = ""
) -> CaseHandler:
    """Give the case to another member of the office; its clock and its first receiver stay.

    What nobody took is first taken by the actor. Raises FieldErrors (`to`: not of the office, belongs to the
    organisation concerned, or has the case already; `reason`: none), NotAllowed and RuleBroken as `take_case`.
    """
    _name, stream = _named(case, stream)
    reason = reason.strip()
    row = take_case(case, stream, actor=actor, at=at)
    errors: dict[str, list[Any]] = {}
    if not reason:
        errors["reason"] = [_("Say why the case is given to somebody else.")]
    elif len(reason) > REASON_LIMIT:
        errors["reason"] = [_("At most {limit} characters.").format(limit=REASON_LIMIT)]
    if not accounts.staff(Organisation.Kind.OFFICE).filter(pk=to.pk).exists():
        errors["to"] = [_("Only a member of the office can handle a case.")]
    elif to.memberships.filter(organisation__code=concerned(stream)).exists():
        errors["to"] = [
            _("{name} belongs to the organisation the case is about, and may not handle it.").format(
                name=accounts.display_name(to)
            )
        ]
    elif row.handler_id == to.pk:
        errors["to"] = [_("{name} handles the case already.").format(name=accounts.display_name(to))]
    if errors:
        raise FieldErrors(errors)
    return _pass_on(row, to, reason, case, actor=actor, at=at)


def _pass_on(
    row: CaseHandler, to: User, reason: str, case: Work | str, *, actor: User | None, at: datetime
) -> CaseHandler:
    before, row.handler = row.handler, to
    row.save(update_fields=["handler"])
    event = events.record(
        row.stream,
        REASSIGNED,
        {"case": row.case},
        actor=actor,
        at=at,
        private={"handler_before": before.pk, "handler": to.pk, "reason": reason},
    )
    if actor is not None:
        own = to.pk == actor.pk
        params = {"title": _title(case, row), "by": accounts.display_name(actor)}
        notifications.notify(
            [before] if own else [to],
            NOTE_TAKEN_OVER if own else NOTE_REASSIGNED,
            params if own else params | {"reason": reason},
            key=f"{row.stream}:{event.seq}",
            at=at,
            link=case.url if isinstance(case, Work) else reverse("office_work"),
        )
    return row


def _title(case: Work | str, row: CaseHandler) -> str:
    if isinstance(case, Work):
        return case.title
    named = Organisation.objects.filter(code=concerned(row.stream)).values_list("name", flat=True).first()
    return named or row.case


@transaction.atomic
def act_as_handler(
    case: str, about: StatefulModel, act: Callable[[], T], *, actor: User | None, at: datetime, stream: str = ""
) -> T:
    """Do `act`, a verdict in the case, as the one who answers for it; a refusal of the act undoes all.

    The first verdict takes the case. Whoever acts in another's case takes it over, and it is recorded that he acted
    in his place. `about` is the row that the act locks first: the agency for every case of one.
    """
    row = locked(about)
    stream = stream or row.stream_name()
    handled = take_case(case, stream, actor=actor, at=at)
    if actor is not None and handled.handler_id != actor.pk:
        _pass_on(handled, actor, IN_PLACE, case, actor=actor, at=at)
    return act()


def standing(case: str, stream: str, user: User | None, *, url: str = "", is_open: bool = True) -> dict[str, Any]:
    """Who answers for the case, as the context `standing` of components/handler.html (not `only`). One query.

    {"case", "handler", "first", "taken_at": both names, empty while nobody took it; "mine", "insider", "may_act",
    "open", "here", "reassign_url"}; `url` is the case's page, where taking it leads back to.
    """
    row = handlers_of([case]).get(case)
    return {
        "case": case,
        "handler": accounts.display_name(row.handler) if row else "",
        "first": accounts.display_name(row.first_receiver) if row else "",
        "taken_at": row.taken_at if row else None,
        "mine": row is not None and user is not None and row.handler_id == user.pk,
        "insider": is_insider(user, stream),
        "may_act": accounts.acts_as(user, Organisation.Kind.OFFICE),
        "open": is_open,
        "here": url,
        "reassign_url": f"{reverse('office_reassign')}?{urlencode({'case': case, 'next': url})}",
    }
