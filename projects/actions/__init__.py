"""What owners, the office and agencies do with a selection task, one verb one function.

The acts of the live session itself are in `conductor.py`. Every function takes `actor` (None is the clock) and `at`.
"""

from .awards import award_task, confirm_award
from .drafts import (
    check_task,
    draft_task,
    edit_task,
    field_faults,
    fingerprint,
    notice_document,
    publish_notice,
    return_task,
    submit_task,
    why_not_edit,
)
from .services_done import complete_service, earliest_completion, why_not_complete
from .signups import (
    agency_key,
    close_signup,
    extended_deadline,
    fail_task,
    minimum_signups,
    sign_up,
    withdraw_sign_up,
)

__all__ = [
    "agency_key",
    "award_task",
    "check_task",
    "close_signup",
    "complete_service",
    "confirm_award",
    "draft_task",
    "earliest_completion",
    "edit_task",
    "extended_deadline",
    "fail_task",
    "field_faults",
    "fingerprint",
    "minimum_signups",
    "notice_document",
    "publish_notice",
    "return_task",
    "sign_up",
    "submit_task",
    "why_not_complete",
    "why_not_edit",
    "withdraw_sign_up",
]
