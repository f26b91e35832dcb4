"""An agency with its manager, an office of three, and the acts of the ledger with their usual words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from agencies import credit, ledger
from agencies.models import Agency, CreditEntry, CreditPetition
from marketplace import events
from marketplace.clock import local_date
from marketplace.models import Event, Membership, Notification, Organisation, User
from tests.factories import MONDAY, AgencyFactory, OrganisationFactory, person_at

TICK = timedelta(microseconds=1)
# 24:00 in China five working days after Monday 9 March: Monday the 16th.
REPLY_UNTIL = datetime(2026, 3, 16, 16, 0, tzinfo=UTC)


@dataclass
class Story:
    agency: Agency
    member: User
    maker: User
    other: User
    third: User
    count: int = field(default=0)

    def enter(self, rule: str = "late_signing", *, at: datetime = MONDAY, **given: Any) -> CreditEntry:
        self.count += 1
        given = {
            "summary": "The contract was signed ten days late.",
            "source": f"test:{self.count}",
            "happened_on": local_date(at),
            "actor": self.maker,
        } | given
        return ledger.add_entry(self.agency, rule, at=at, **given)

    def counted(self, rule: str = "late_signing", *, at: datetime = MONDAY) -> CreditEntry:
        """An entry nobody replied to, which counts from the end of its right of reply."""
        entry = self.enter(rule, at=at)
        assert entry.reply_until is not None
        return ledger.let_stand(entry, at=entry.reply_until)

    def replied(self, rule: str = "late_signing", *, at: datetime = MONDAY) -> CreditEntry:
        return ledger.reply(self.enter(rule, at=at), "The owner was late.", actor=self.member, at=at)

    def objected(self, entry: CreditEntry, *, at: datetime) -> CreditPetition:
        return ledger.lodge_petition(entry, "objection", "That was not us.", actor=self.member, at=at)

    def strike_out(self, entry: CreditEntry, *, at: datetime) -> CreditPetition:
        petition = self.objected(entry, at=at)
        return ledger.decide_petition(petition, grant=True, reason="True.", actor=self.third, at=at)

    def fresh(self) -> Agency:
        return Agency.objects.get(pk=self.agency.pk)

    def types(self) -> list[str]:
        return [row["type"] for row in events.read_all(self.agency.stream_name())]

    def last(self, kind: str) -> dict[str, Any]:
        """The public data of the newest event of a kind."""
        return [row for row in events.read_all(self.agency.stream_name()) if row["type"] == kind][-1]["data"]

    def from_log(self, at: datetime) -> credit.Standing:
        """The standing as anybody computes it from the public log."""
        on = local_date(at)
        found = credit.from_events(events.read_all(self.agency.stream_name()))
        return credit.standing(found, on, start=100, star_limits=[95, 85, 70, 60])


def make_story(**fields: Any) -> Story:
    agency: Agency = AgencyFactory(**fields)
    office: Organisation = OrganisationFactory(kind=Organisation.Kind.OFFICE, nature=Organisation.Nature.PUBLIC)
    return Story(
        agency=agency,
        member=person_at(agency.organisation, Membership.Role.MANAGER),
        maker=person_at(office),
        other=person_at(office),
        third=person_at(office),
    )


def snapshot() -> tuple[Any, ...]:
    """Everything the ledger could have changed."""
    return (
        list(CreditEntry.objects.order_by("pk").values()),
        list(CreditPetition.objects.order_by("pk").values()),
        list(Agency.objects.order_by("pk").values()),
        Event.objects.count(),
        Notification.objects.count(),
    )
