"""What a reviewer should look at twice: the same people, addresses and certificates in other agencies, and dates.

A hint is no judgement and is never published; it stands beside the field it is about, with the way to the other agency.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, Func, Q, QuerySet, Value
from django.db.models.functions import Lower, Replace
from django.urls import reverse
from django.utils.translation import gettext as _

from marketplace import clock, parameters
from marketplace.templatetags.ui import day_text

from .models import Agency, AuthorisedAgent, Practitioner, Qualification
from .states import LEFT

WARN, INFO = "warn", "info"
# More than these tell a reviewer nothing new; each kind is read no further.
LIMIT = 30


@dataclass(frozen=True)
class Hint:
    """`field` is a defect field (see rules.DEFECT_FIELDS), `url` the other agency's case, or empty."""

    level: str
    text: str
    field: str
    url: str = ""


@dataclass(frozen=True)
class _Own:
    """The agency and its people and papers, as they are compared."""

    agency: Agency
    practitioners: list[Practitioner]
    agents: list[AuthorisedAgent]
    papers: list[Qualification]

    def digests(self) -> dict[str, list[tuple[str, str]]]:
        """Digest of an identity document → whose it is here: [(name, defect field)]."""
        people: dict[str, list[tuple[str, str]]] = defaultdict(list)
        if self.agency.legal_id_digest:
            people[self.agency.legal_id_digest].append((self.agency.legal_representative, "legal_representative"))
        for one in self.practitioners:
            people[one.id_digest].append((one.full_name, f"practitioner:{one.pk}"))
        for agent in self.agents:
            people[agent.id_digest].append((agent.full_name, f"agent:{agent.pk}"))
        people.pop("", None)
        return dict(people)


def hints_for(agency: Agency, on: date) -> list[Hint]:
    """Every hint about the agency's entry as it stands, those that warn first.

    Other agencies count unless they have left. Phone numbers are compared by their digits, addresses without spaces,
    e-mail addresses without case. At most nine queries, whatever the number of people and papers.
    """
    own = _Own(
        agency,
        list(agency.practitioners.filter(left_on__isnull=True)),
        list(agency.agents.filter(left_on__isnull=True)),
        list(agency.qualifications.all()),
    )
    people = own.digests()
    found = [
        *_same_agency_data(own, people),
        *_same_people(own, people),
        *_same_papers(own),
        *_dates(own, on),
    ]
    return sorted(dict.fromkeys(found), key=lambda hint: hint.level != WARN)


def by_field(hints: Iterable[Hint]) -> dict[str, list[Hint]]:
    fields: dict[str, list[Hint]] = defaultdict(list)
    for hint in hints:
        fields[hint.field].append(hint)
    return dict(fields)


# ---------- the agency's own data ----------


def _digits(phone: str) -> str:
    """The digits alone, without the country's 86 before a number of eleven."""
    digits = "".join(sign for sign in phone if sign in "0123456789")
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits


def _plain(address: str) -> str:
    return "".join(unicodedata.normalize("NFKC", address).lower().split())


def _without(column: str, *signs: str) -> Func:
    value: Any = F(column)
    for sign in signs:
        value = Replace(value, Value(sign), Value(""))
    return Lower(value)


def _others() -> QuerySet[Agency]:
    """Agencies that have not left, with their contact as it is compared."""
    return Agency.objects.exclude(state__in=LEFT).annotate(
        plain_phone=_without("contact_phone", " ", "-", "+"),
        plain_email=Lower("contact_email"),
        plain_address=_without("address", " ", "\u3000"),
    )


def _same_agency_data(own: _Own, people: dict[str, list[tuple[str, str]]]) -> list[Hint]:
    """The legal representative, contact and address in other agencies; also people of ours who represent others."""
    agency = own.agency
    phone, email, address = _digits(agency.contact_phone), agency.contact_email.lower(), _plain(agency.address)
    alike = Q(legal_id_digest__in=list(people))
    if agency.legal_representative:
        alike |= Q(legal_representative=agency.legal_representative)
    if phone:
        alike |= Q(plain_phone__in=[phone, f"86{phone}"])
    if email:
        alike |= Q(plain_email=email)
    if address:
        alike |= Q(plain_address__in=[address, "".join(agency.address.lower().split())])
    found = []
    for other in _others().exclude(pk=agency.pk).filter(alike)[:LIMIT]:
        same_person = bool(agency.legal_id_digest) and other.legal_id_digest == agency.legal_id_digest
        if same_person:
            found.append(
                _about(other, WARN, _("The same person is legal representative of {other}."), "legal_representative")
            )
        elif agency.legal_representative and other.legal_representative == agency.legal_representative:
            words = _("The legal representative of {other} has the same name.")
            found.append(_about(other, INFO, words, "legal_representative"))
        for name, field in people.get(other.legal_id_digest, []):
            if field != "legal_representative":
                found.append(_about(other, WARN, _("{name} is legal representative of {other}."), field, name=name))
        if phone and _digits(other.contact_phone) == phone:
            found.append(_about(other, WARN, _("{other} has the same contact phone."), "contact_phone"))
        if email and other.contact_email.lower() == email:
            found.append(_about(other, WARN, _("{other} has the same contact e-mail."), "contact_email"))
        if address and _plain(other.address) == address:
            found.append(_about(other, INFO, _("{other} has the same address."), "address"))
    return found


def _about(other: Agency, level: str, words: str, field: str, **names: str) -> Hint:
    return Hint(level, words.format(other=other.name, **names), field, reverse("office_check", args=[other.code]))


# ---------- people ----------


def _elsewhere(people: QuerySet[Any], agency: Agency) -> QuerySet[Any]:
    return (
        people.filter(left_on__isnull=True)
        .exclude(agency=agency)
        .exclude(agency__state__in=LEFT)
        .select_related("agency__organisation")
    )


def _same_people(own: _Own, people: dict[str, list[tuple[str, str]]]) -> list[Hint]:
    """People of ours who also work for another agency, and practitioners' certificates that another uses."""
    numbers = {one.certificate_number: one for one in own.practitioners if one.certificate_number}
    found = []
    doubles = Practitioner.objects.filter(Q(id_digest__in=list(people)) | Q(certificate_number__in=list(numbers)))
    for one in _elsewhere(doubles, own.agency)[:LIMIT]:
        for name, field in people.get(one.id_digest, []):
            words = (
                _("{name} is registered as a practitioner of {other} too.")
                if field.startswith("practitioner:")
                else _("{name} is a practitioner of {other}.")
            )
            found.append(_about(one.agency, WARN, words, field, name=name))
        mine = numbers.get(one.certificate_number)
        if mine is not None and mine.id_digest != one.id_digest:
            words = _("The certificate {number} is also held by a practitioner of {other}.")
            found.append(_about(one.agency, WARN, words, f"practitioner:{mine.pk}", number=one.certificate_number))
    agents = AuthorisedAgent.objects.filter(id_digest__in=list(people))
    for agent in _elsewhere(agents, own.agency)[:LIMIT]:
        for name, field in people.get(agent.id_digest, []):
            found.append(_about(agent.agency, WARN, _("{name} is an authorised agent of {other}."), field, name=name))
    return found


# ---------- papers ----------


def _same_papers(own: _Own) -> list[Hint]:
    numbers = {paper.number: paper for paper in own.papers}
    others = Qualification.objects.filter(number__in=list(numbers)).exclude(agency=own.agency)
    return [
        _about(
            paper.agency,
            WARN,
            _("{other} has entered a certificate with the same number, {number}."),
            f"qualification:{numbers[paper.number].pk}",
            number=paper.number,
        )
        for paper in others.exclude(agency__state__in=LEFT).select_related("agency__organisation")[:LIMIT]
    ]


def _dates(own: _Own, on: date) -> list[Hint]:
    """Papers that have expired, do so before the check ends, or within the time of the first reminder."""
    soon = max(int(days) for days in parameters.codes("certificate.reminders", on))
    due = own.agency.documents_due if own.agency.on_commitment else own.agency.form_check_due
    check_ends = clock.local_date(due) if due else on
    dated: list[tuple[str, date | None]] = [
        *((f"qualification:{paper.pk}", paper.valid_until) for paper in own.papers),
        *((f"practitioner:{one.pk}", one.valid_until) for one in own.practitioners),
        *((f"agent:{agent.pk}", agent.valid_until) for agent in own.agents),
    ]
    found = []
    for field, last in dated:
        if last is None or ((last - on).days > soon and last >= check_ends):
            continue
        day = day_text(last)
        if last < on:
            found.append(Hint(WARN, _("Expired on {day}.").format(day=day), field))
        elif last < check_ends:
            found.append(Hint(WARN, _("Expires on {day}, before the check ends.").format(day=day), field))
        else:
            found.append(Hint(INFO, _("Expires on {day}.").format(day=day), field))
    return found
