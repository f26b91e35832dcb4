"""Refusals. Each has a stable code, an HTTP status and a translated sentence; one middleware shows them all."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class DomainError(Exception):
    """An act the rules do not allow. Nothing has been changed when it is raised.

    `code` is stable and for programs, `sentence` is for people, `basis` names the article it rests on,
    `remedy` says what can be done now.
    """

    status = 409

    def __init__(self, code: str, sentence: Text, *, basis: str = "", remedy: Text = "", **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence
        self.basis = basis
        self.remedy = remedy
        self.facts = facts

    def __str__(self) -> str:
        return str(self.sentence)

    def as_problem(self) -> dict[str, Any]:
        """RFC 9457 problem details."""
        return {
            "type": f"urn:marketplace:{self.code}",
            "title": str(self.sentence),
            "status": self.status,
            "code": self.code,
            "basis": self.basis,
            "remedy": str(self.remedy),
            **self.facts,
        }


class WrongState(DomainError):
    """The verb does not start from the state the case is in (any more)."""

    def __init__(self, verb: str, state: str) -> None:
        super().__init__(
            "wrong_state", _("This step is not open at the present state of the case."), verb=verb, state=state
        )


class NotAllowed(DomainError):
    """The person may see the case but not do this."""

    status = 403

    def __init__(self, code: str = "not_allowed", sentence: Text = "", **facts: Any) -> None:
        super().__init__(code, sentence or _("Your account has no right to this step."), **facts)


class RuleBroken(DomainError):
    """A condition of the regulation is not met."""

    status = 422


class FieldErrors(DomainError):
    """Bad input: `fields` maps a form field to its sentences; forms show them beside the field."""

    status = 422

    def __init__(self, fields: dict[str, list[Text]]) -> None:
        super().__init__("bad_input", _("Some entries need correction."))
        self.fields = fields

    def as_problem(self) -> dict[str, Any]:
        return super().as_problem() | {"errors": {k: [str(s) for s in v] for k, v in self.fields.items()}}
