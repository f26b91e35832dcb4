"""The acts of registration: one verb, one function. Each is an event in the agency's stream."""

from .entry import (
    LETTER,
    add_item,
    approve_entry,
    choose_items,
    end_publicity,
    open_for_change,
    refuse_entry,
    register_agency,
    remove_item,
    return_entry,
    sign_commitment,
    submit_entry,
    update_basic_data,
    why_not_change,
)

__all__ = [
    "LETTER",
    "add_item",
    "approve_entry",
    "choose_items",
    "end_publicity",
    "open_for_change",
    "refuse_entry",
    "register_agency",
    "remove_item",
    "return_entry",
    "sign_commitment",
    "submit_entry",
    "update_basic_data",
    "why_not_change",
]
