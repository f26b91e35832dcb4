"""A change as it is judged: when it is proposed, and once more from the stored row when it is to take effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from marketplace import identity, uploads
from marketplace.clock import local_date
from marketplace.errors import FieldErrors, RuleBroken, Text
from marketplace.models import Requirement, Upload

from .. import certificates, rules
from ..models import Agency, AuthorisedAgent, Change, Practitioner, Qualification
from ..people_rules import person_faults
from ..rules import Errors
from ..states import OPEN_CHANGES
from . import kinds
from .kinds import Kind, Spec

NEEDED = _("This entry is needed.")
HINT_MARK = "····"


@dataclass
class Proposal:
    """What a change says. `values` are typed (dates are dates, `requirements` a list of pks); `number` is the number
    of an identity document, opened; `files` were sent just now, `kept` are stored already."""

    agency: Agency
    kind: Change.Kind
    # A certificate or person of the agency.
    target: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    number: str = ""
    files: Mapping[str, UploadedFile] = field(default_factory=dict)
    kept: Mapping[str, Upload] = field(default_factory=dict)
    # The row it is stored in; None before it is stored.
    change: Change | None = None

    @property
    def spec(self) -> Spec:
        return kinds.SPECS[self.kind]

    def faults(self, *, at: datetime) -> Errors:
        """Everything that keeps the change from taking effect at this moment, by field."""
        on = local_date(at)
        errors: Errors = {}
        if self.kind == Kind.NAME:
            errors |= self._text_faults("name", 120)
        elif self.kind == Kind.ADDRESS:
            errors |= rules.check_basic_data({key: self.values.get(key) for key in ("address", "origin")}, on=on)
            errors |= self._text_faults("address", 160)
        elif self.kind == Kind.LEGAL_REPRESENTATIVE:
            errors |= self._text_faults("legal_representative", 60) | self._number_faults()
        elif self.kind in {Kind.QUALIFICATION_ADD, Kind.QUALIFICATION_UPDATE}:
            errors |= self._certificate_faults(at)
        elif self.kind in {Kind.PRACTITIONER_ADD, Kind.AGENT_ADD}:
            errors |= self._person_faults(on)
        for name, said in self._file_faults().items():
            errors.setdefault(name, []).extend(said)
        if not errors and not self.spec.about and not self.difference():
            errors["change"] = [_("Nothing is different from what is registered.")]
        return errors

    def _text_faults(self, name: str, limit: int) -> Errors:
        text = self.values.get(name) or ""
        if not text:
            return {name: [NEEDED]}
        return {name: [_("At most {limit} characters.").format(limit=limit)]} if len(text) > limit else {}

    def _number_faults(self) -> Errors:
        name = kinds.NUMBER[self.kind]
        if not self.number:
            return {name: [NEEDED]}
        said = identity.check(self.values.get(kinds.ID_KIND[self.kind], ""), self.number)[1]
        return {name: said} if said else {}

    def _certificate_faults(self, at: datetime) -> Errors:
        known = self.target if isinstance(self.target, Qualification) else None
        paper = Qualification(agency=self.agency, pk=known.pk if known else None, **self.paper_values())
        wanted = self.values.get("requirements") or []
        errors = certificates.faults(self.agency, paper, wanted, at=at)
        if self._proposed_twice(kind=paper.kind, number=paper.number):
            errors.setdefault("number", []).append(_("A change with this certificate is under check already."))
        if known and not errors and not self.difference():
            errors["change"] = [_("Nothing is different from what is registered.")]
        return errors

    def paper_values(self) -> dict[str, Any]:
        return {name: self.values[name] for name in certificates.FIELDS if name in self.values}

    def _person_faults(self, on: date) -> Errors:
        model = Practitioner if self.kind == Kind.PRACTITIONER_ADD else AuthorisedAgent
        values = self.values | {"id_number": self.number}
        errors: Errors = dict(person_faults(self.agency, model, values, on=on))
        if self.number and self.digest() in {
            Proposal.of(other).digest() for other in self._others() if other.kind == self.kind and other.secret
        }:
            errors.setdefault("id_number", []).append(_("A change with this person is under check already."))
        return errors

    def digest(self) -> str:
        id_kind = self.values.get(kinds.ID_KIND[self.kind], "")
        return identity.digest(id_kind, identity.check(id_kind, self.number)[0])

    def _file_faults(self) -> Errors:
        errors: Errors = {}
        for name in self.spec.files:
            if (file := self.files.get(name)) is not None:
                try:
                    uploads.check(file, name)
                except FieldErrors as refusal:
                    errors |= refusal.fields
            elif (kept := self.kept.get(name)) is not None:
                if kept.organisation_id != self.agency.pk:
                    errors[name] = [_("This file belongs to somebody else.")]
            elif self._needs(name):
                errors[name] = [_("Attach this paper.")]
        return errors

    def _needs(self, name: str) -> bool:
        """A certificate that only comes to meet other requirements keeps its scan."""
        if self.kind != Kind.QUALIFICATION_UPDATE:
            return True
        scanned = isinstance(self.target, Qualification) and self.target.certificate_id is not None
        return not scanned or bool({row["field"] for row in self.difference()} - {"requirements"})

    # ---------- other open changes ----------

    def _others(self) -> list[Change]:
        found = self.agency.changes.filter(state__in=OPEN_CHANGES)
        return list(found.exclude(pk=self.change.pk) if self.change else found)

    def _proposed_twice(self, *, kind: str, number: str) -> bool:
        about = (Kind.QUALIFICATION_ADD, Kind.QUALIFICATION_UPDATE)
        return any(
            (other.values.get("kind"), other.values.get("number")) == (kind, number)
            for other in self._others()
            if other.kind in about
        )

    def demand_only_one(self) -> None:
        """Raises RuleBroken while another change of the same thing is open."""
        family = [kind for kind, spec in kinds.SPECS.items() if spec.about is self.spec.about and spec.has_target]
        for other in self._others():
            if self.spec.has_target:
                clash = other.kind in family and self.target is not None and other.target == self.target.pk
            else:
                clash = self.spec.about is None and other.kind == self.kind
            if clash:
                raise RuleBroken(
                    "one_change_at_a_time",
                    _("A change of the same thing is open already."),
                    remedy=_("Wait for its check, or withdraw it first."),
                    change=other.pk,
                )

    # ---------- before and after ----------

    def difference(self) -> list[dict[str, Any]]:
        """[{"field", "old", "new"}] of what becomes different; all fields of what joins or leaves."""
        if leaving := kinds.LEAVING.get(self.kind):
            old = self._present(leaving)
            return [{"field": name, "old": old[name], "new": None} for name in leaving if old[name]]
        new = self._proposed()
        if self.spec.about is not None and not self.spec.has_target:
            return [{"field": name, "old": None, "new": new[name]} for name in self.spec.fields if new[name]]
        old = self._present(self.spec.fields)
        rows = [{"field": name, "old": old[name], "new": new[name]} for name in self.spec.fields]
        return [row for row in rows if row["old"] != row["new"] or self._other_person(row["field"])]

    def _present(self, fields: tuple[str, ...]) -> dict[str, Any]:
        """What is registered now, as stored in a comparison."""
        source: Any = self.target if self.spec.has_target else self.agency
        found: dict[str, Any] = {}
        for name in fields:
            if name == "requirements" and isinstance(source, Qualification):
                found[name] = _named(source.uses.values_list("requirement", flat=True))
            elif name == "id_number" and source is self.target:
                found[name] = HINT_MARK + source.id_hint
            elif name == "legal_id_number":
                sealed = bytes(self.agency.legal_id_sealed)
                found[name] = HINT_MARK + identity.unseal(sealed)[1][-4:] if sealed else None
            else:
                found[name] = _stored(getattr(source, name, None))
        return found

    def _proposed(self) -> dict[str, Any]:
        found = {name: _stored(self.values.get(name)) for name in self.spec.fields}
        if "requirements" in found:
            found["requirements"] = _named(self.values.get("requirements") or [])
        if name := kinds.NUMBER.get(self.kind):
            id_kind = self.values.get(kinds.ID_KIND[self.kind], "")
            found[name] = HINT_MARK + identity.check(id_kind, self.number)[0][-4:]
        return found

    def _other_person(self, name: str) -> bool:
        """Four characters of two numbers may be alike by chance."""
        return name == "legal_id_number" and self.agency.legal_id_digest != self.digest()

    def what(self) -> str:
        """The public name of the certificate a change is about; empty for data and for persons' own names."""
        source: Any = self.target or self.values
        if self.spec.about is Qualification:
            return " ".join(str(_of(source, name)) for name in ("name", "number"))
        return str(_of(source, "certificate_name")) if self.spec.about is Practitioner else ""

    # ---------- stored and read again ----------

    def stored_values(self) -> dict[str, Any]:
        """What goes into Change.values."""
        numbers = set(kinds.NUMBER.values())
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in self.values.items()
            if name in self.spec.fields and name not in numbers
        }

    def secret(self) -> bytes:
        if self.kind not in kinds.NUMBER or not self.number:
            return b""
        id_kind = self.values[kinds.ID_KIND[self.kind]]
        return identity.seal(id_kind, identity.check(id_kind, self.number)[0]).sealed

    @classmethod
    def of(cls, change: Change, *, files: Mapping[str, Upload] | None = None) -> Proposal:
        """From the stored row. A target that is gone is None."""
        kind = Change.Kind(change.kind)
        values = {
            name: date.fromisoformat(value) if name in kinds.DATES and value else value
            for name, value in change.values.items()
        }
        number = identity.unseal(bytes(change.secret))[1] if change.secret else ""
        target = target_of(change.agency, kind, change.target)
        return cls(change.agency, kind, target, values, number, kept=files or {}, change=change)


def target_of(agency: Agency, kind: Change.Kind, pk: int | None) -> Model | None:
    """The certificate of the agency, or the person who has not left it."""
    spec = kinds.SPECS[kind]
    if pk is None or not spec.has_target:
        return None
    if spec.about is Qualification:
        return agency.qualifications.filter(pk=pk).first()
    if spec.about is Practitioner:
        return agency.practitioners.filter(pk=pk, left_on__isnull=True).first()
    return agency.agents.filter(pk=pk, left_on__isnull=True).first()


def gone() -> FieldErrors:
    said: Text = _("What this change is about is not registered any more.")
    return FieldErrors({"change": [said]})


def _stored(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return None if value == "" else value


def _named(requirements: Any) -> list[str]:
    """Requirements as texts that stay readable when the catalogue changes."""
    pks = list(requirements)
    if not pks:
        return []
    found = Requirement.objects.filter(pk__in=pks).order_by("item", "group", "pk")
    return [f"{item} {text}" for item, text in found.values_list("item", "text")]


def _of(source: Any, name: str) -> Any:
    return source.get(name, "") if isinstance(source, Mapping) else getattr(source, name)
