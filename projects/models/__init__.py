"""The tables of selection, and of the owners who buy."""

from .owners import OwnerChange, OwnerEntry
from .selection import (
    Avoidance,
    Award,
    DrawResult,
    Freeze,
    LiveSession,
    PotLine,
    SelectionTask,
    SignUp,
    standing,
)

__all__ = [
    "Avoidance",
    "Award",
    "DrawResult",
    "Freeze",
    "LiveSession",
    "OwnerChange",
    "OwnerEntry",
    "PotLine",
    "SelectionTask",
    "SignUp",
    "standing",
]
