"""变更: an entered agency changes what was checked. It takes effect when its own check approves it."""

from .acts import (
    approve_change,
    correct_change,
    judge,
    keep_papers,
    papers,
    propose_change,
    refuse_change,
    return_change,
    why_not_propose,
    withdraw_change,
)
from .at_once import change_items, update_contact, why_not_at_once

__all__ = [
    "approve_change",
    "change_items",
    "correct_change",
    "judge",
    "keep_papers",
    "papers",
    "propose_change",
    "refuse_change",
    "return_change",
    "update_contact",
    "why_not_at_once",
    "why_not_propose",
    "withdraw_change",
]
