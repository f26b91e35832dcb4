"""The events of selection: their exact payloads and their sentences."""

from django.utils.translation import gettext_lazy as _

from marketplace.events import register

from . import exclusions
from .states import Quality

_ENTRY_TIME = {"t": str}

register("task.drafted", _("The owner drafted the task {name}."), data={"name": str, "item": str})
register("task.edited", _("The owner changed the draft."), data={})
register("task.submitted", _("The owner submitted the notice for the check."), data={})
register(
    "task.returned",
    _("The office returned the notice and named every defect."),
    data={"count": int},
    private={"reasons": list},
)
register("task.checked", _("The office checked the notice."), data={})
register(
    "notice.published", _("The purchase notice was published."), data={"notice": dict, "draw_id": str, "sid": str}
)
register(
    "signup.extended",
    _("Too few agencies signed up: the sign-up time was extended once."),
    data={"signups": int, "minimum": int, "signup_deadline": str, "selection_at": str},
)
register(
    "signup.closed",
    _("Sign-up closed with {signups} agencies; the list is public."),
    data={"signups": int, "sid": str},
)
register(
    "signup.excluded",
    _("{agency[name]} signed up but is not on the list: {reasons}"),
    data={"agency": dict, "signup": str, "reasons": list},
    present=lambda data: {"reasons": exclusions.sentence(data["reasons"])},
)
register("task.failed", _("The selection failed."), data={"reason": str, "signups": int, "minimum": int})
register(
    "award.noticed",
    _("The award notice {number} was published."),
    data={"number": str, "winner": dict, "waitlist": list, "publicity_until": str},
)
register(
    "award.confirmed", _("The publicity period ended: the award is confirmed."), data={"number": str, "winner": dict}
)
register(
    "service.completed",
    _("The service was completed on {finished_on}; the owner's grade: {quality}."),
    data={"finished_on": str, "quality": int, "agency": dict},
    present=lambda data: {"quality": Quality(data["quality"]).label},
)

register(
    "session.planned",
    _("The live session was planned; the platform sealed its number."),
    data={"sid": str, "title": str, "log": dict, "retry_s": int, "demo": bool},
)
register(
    "draw.plan",
    _("The plan was published: opening at {open_at}, window {window_s} seconds."),
    data=_ENTRY_TIME
    | {
        "sid": str,
        "open_at": str,
        "window_s": int,
        "publish_s": int,
        "vdf": dict,
        "beacon": str,
        "op_commit": str,
        "quorum": int,
        "must": list,
        "witnesses": list,
    },
)
register(
    "draw.post",
    _("The draw {draw_id} was posted: {k} wins, {reserves} wait."),
    data=_ENTRY_TIME
    | {"draw_id": str, "plan": str, "task_sha256": str, "k": int, "reserves": int, "signup_close": str},
)
register(
    "draw.signup",
    _("An agency signed up; its name stays hidden until the list is closed."),
    data={"draw_id": str, "signup": str},
)
register("draw.withdrawal", _("An agency withdrew its sign-up."), data={"draw_id": str, "signup": str})
register(
    "draw.exclusion",
    _("A sign-up no longer met the requirements at the close and does not count."),
    data={"draw_id": str, "signup": str, "reasons": list},
)
register(
    "draw.close",
    _("The list was closed; it can no longer change."),
    data=_ENTRY_TIME | {"draw_id": str, "post": str, "roster": list},
)
register("session.roster", _("The names on the list were published."), data={"draw_id": str, "agencies": list})
register(
    "draw.open",
    _("The pot was opened, attempt {attempt}."),
    data=_ENTRY_TIME | {"sid": str, "attempt": int, "plan": str, "closes": str},
)
register(
    "draw.pot",
    _("{who} threw a random number into the pot."),
    data=_ENTRY_TIME | {"open": str, "who": str, "r": str},
    optional={"sig": str},
)
register(
    "draw.freeze",
    _("The pot was sealed with {pot_n} numbers. Fingerprint {pot_root}."),
    data=_ENTRY_TIME | {"sid": str, "attempt": int, "open": str, "pot_root": str, "pot_n": int, "S": str},
)
register(
    "draw.progress",
    _("Slow opening: about {steps} of {iters} steps after {elapsed_s} seconds."),
    data={"sid": str, "attempt": int, "elapsed_s": int, "steps": int, "iters": int},
)
register(
    "draw.result",
    _("The tickets of {draw_id} are out; the smallest wins."),
    data=_ENTRY_TIME | {"draw_id": str, "freeze": str, "y": str, "pi": str, "seed": str, "ranking": list},
)
register(
    "draw.void",
    _("This opening is void: {reason}. The list stays, the pot is thrown away."),
    data=_ENTRY_TIME | {"sid": str, "attempt": int, "open": str, "reason": str},
)
register(
    "session.rescheduled",
    _("The session moves to its next declared time, {open_at}: {reason}."),
    data={"sid": str, "attempt": int, "open_at": str, "reason": str},
)
register("session.abandoned", _("The session is not held."), data={"sid": str, "reason": str})
register("session.finished", _("The live session has ended."), data={"sid": str})
register(
    "draw.attested",
    _("The platform signed the record up to number {seq}."),
    data={"seq": int, "head": str, "sig": str},
)
register(
    "award.published",
    _("{winner[name]} is selected. The publicity period ends at {publicity_until}."),
    data={"draw_id": str, "winner": dict, "waitlist": list, "publicity_until": str},
)
