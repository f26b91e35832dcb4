"""The office's work: taking, reassigning, acting in another's place, the list of all cases, and batch reading."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from agencies.models import Agency
from agencies.states import AgencyState
from marketplace import accounts, casework, clock, events, parameters, work_desk
from marketplace.casework import Work
from marketplace.errors import FieldErrors, NotAllowed, RuleBroken
from marketplace.models import CaseHandler, Event, Membership, Notification, Organisation, User
from tests.factories import MONDAY, AgencyFactory, person_at, person_of
from tests.stories.test_races import together

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def clerk() -> User:
    return person_of("office", full_name="Clerk One")


@pytest.fixture
def colleague(clerk: User) -> User:
    return person_of("office", full_name="Clerk Two")


@pytest.fixture
def agency() -> Agency:
    found: Agency = AgencyFactory(state=AgencyState.SUBMITTED)
    return found


def work_of(agency: Agency, due: datetime | None = None) -> Work:
    return Work(
        f"entry:{agency.code}",
        agency.stream_name(),
        "form check",
        agency.name,
        reverse("office_check", args=[agency.code]),
        MONDAY,
        due or MONDAY + 3 * DAY,
    )


def recorded() -> list[str]:
    return list(Event.objects.filter(type__startswith="case.").order_by("pk").values_list("type", flat=True))


# ---------- taking ----------


def test_the_first_who_takes_a_case_received_it_and_answers_for_it(
    clerk: User, colleague: User, agency: Agency
) -> None:
    work = work_of(agency)

    casework.take_case(work, actor=clerk, at=MONDAY)
    for who in (clerk, colleague):
        row = casework.take_case(work.case, work.stream, actor=who, at=MONDAY + DAY)

    assert (row.first_receiver, row.handler, row.taken_at) == (clerk, clerk, MONDAY)
    assert recorded() == ["case.taken"]
    assert list(events.verify()) == []


def test_the_public_log_names_the_office_and_no_clerk(clerk: User, colleague: User, agency: Agency) -> None:
    work = work_of(agency)
    casework.reassign_case(work, colleague, "On leave.", actor=clerk, at=MONDAY)

    shown = [entry for entry in events.read_all(work.stream) if entry["type"].startswith("case.")]

    assert [entry["data"] for entry in shown] == [{"case": work.case}] * 2
    assert {entry["actor"]["role"] for entry in shown} == {"office"}
    assert not any(word in str(shown) for word in ("Clerk", "On leave"))


@pytest.mark.parametrize("kind", ["agency", "owner", "authority", "supervisor"])
def test_only_the_office_takes_cases(kind: str, agency: Agency) -> None:
    with pytest.raises(NotAllowed):
        casework.take_case(work_of(agency), actor=person_of(kind), at=MONDAY)
    assert (CaseHandler.objects.count(), recorded()) == (0, [])


def test_who_belongs_to_the_agency_neither_takes_nor_gets_its_case(
    clerk: User, colleague: User, agency: Agency
) -> None:
    Membership.objects.create(user=colleague, organisation=agency.organisation, role=Membership.Role.DELEGATE)

    with pytest.raises(RuleBroken) as broken:
        casework.take_case(work_of(agency), actor=colleague, at=MONDAY)
    with pytest.raises(FieldErrors) as refusal:
        casework.reassign_case(work_of(agency), colleague, "On leave.", actor=clerk, at=MONDAY)

    assert broken.value.code == "handler_is_independent"
    assert set(refusal.value.fields) == {"to"}
    assert (CaseHandler.objects.count(), recorded()) == (0, [])


# ---------- reassigning ----------


def test_a_reassigned_case_keeps_its_first_receiver_and_the_new_handler_is_told(
    clerk: User, colleague: User, agency: Agency
) -> None:
    work = work_of(agency)
    casework.take_case(work, actor=clerk, at=MONDAY)

    row = casework.reassign_case(work, colleague, " On leave. ", actor=clerk, at=MONDAY + DAY)

    assert (row.first_receiver, row.handler) == (clerk, colleague)
    [letter] = Notification.objects.all()
    assert (letter.user, letter.kind, letter.link) == (colleague, "case.reassigned", work.url)
    assert letter.params == {"title": agency.name, "by": "Clerk One", "reason": "On leave."}
    private = Event.objects.get(type="case.reassigned").private
    assert private is not None
    assert private["fields"] == {
        "handler_before": clerk.pk,
        "handler": colleague.pk,
        "reason": "On leave.",
        "user": clerk.pk,
    }


@pytest.mark.parametrize(
    ("to", "reason", "field"),
    [
        ("colleague", " ", "reason"),
        ("colleague", "x" * 501, "reason"),
        ("clerk", "Why.", "to"),
        ("owner", "Why.", "to"),
    ],
)
def test_a_faulty_reassignment_is_refused_and_changes_nothing(
    clerk: User, colleague: User, agency: Agency, to: str, reason: str, field: str
) -> None:
    casework.take_case(work_of(agency), actor=clerk, at=MONDAY)
    people = {"clerk": clerk, "colleague": colleague, "owner": person_of("owner")}

    with pytest.raises(FieldErrors) as refusal:
        casework.reassign_case(work_of(agency), people[to], reason, actor=clerk, at=MONDAY)

    assert set(refusal.value.fields) == {field}
    assert CaseHandler.objects.get().handler == clerk
    assert recorded() == ["case.taken"]
    assert Notification.objects.count() == 0


def test_acting_in_anothers_case_takes_it_over_and_tells_him(clerk: User, colleague: User, agency: Agency) -> None:
    case = work_of(agency).case
    casework.take_case(case, agency.stream_name(), actor=clerk, at=MONDAY)

    done = casework.act_as_handler(case, agency, lambda: "done", actor=colleague, at=MONDAY + DAY)

    row = CaseHandler.objects.get()
    assert (done, row.first_receiver, row.handler) == ("done", clerk, colleague)
    assert recorded() == ["case.taken", "case.reassigned"]
    assert [(letter.user, letter.kind) for letter in Notification.objects.all()] == [(clerk, "case.taken_over")]


def test_a_refused_act_takes_no_case(clerk: User, agency: Agency) -> None:
    def refuse() -> None:
        raise RuleBroken("no", "No.")

    with pytest.raises(RuleBroken):
        casework.act_as_handler(work_of(agency).case, agency, refuse, actor=clerk, at=MONDAY)
    assert (CaseHandler.objects.count(), recorded()) == (0, [])


# ---------- the list ----------


def source(*works: Work) -> Callable[[datetime], list[Work]]:
    return lambda _at: list(works)


def failing(_at: datetime) -> list[Work]:
    raise RuntimeError("no table")


LATE, SOON, NEVER = (
    Work(f"change:{number}", "agency:x", "change", name, f"/desk/{name}/", MONDAY, due)
    for number, (name, due) in enumerate([("late", MONDAY + 9 * DAY), ("soon", MONDAY + DAY), ("never", None)])
)
some_work = source(LATE, NEVER)
other_work = source(SOON)


def test_a_source_that_fails_takes_no_other_cases_away(settings: Any) -> None:
    settings.OFFICE_WORK = [f"{__name__}.some_work", f"{__name__}.failing", f"{__name__}.other_work"]

    assert casework.gather(MONDAY) == ([SOON, LATE, NEVER], 1)
    assert casework.all_work(MONDAY) == [SOON, LATE, NEVER]


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def _monday(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    parameters.load_file("parameters.json")
    monkeypatch.setattr(clock, "now", lambda: MONDAY)
    settings.LANGUAGE_CODE = "en"
    settings.OFFICE_WORK = ["agencies.desk.entry_work", f"{__name__}.other_work"]


@pytest.mark.usefixtures("_monday")
@pytest.mark.parametrize(
    ("kind", "status"), [("office", 200), ("supervisor", 200), ("agency", 403), ("owner", 403), ("authority", 403)]
)
def test_the_work_list_is_for_office_and_supervisor_and_only_the_office_acts(
    kind: str, status: int, agency: Agency
) -> None:
    client = as_user(person_of(kind))

    assert client.get(reverse("office_work")).status_code == status
    taken = client.post(reverse("office_take"), {"case": work_of(agency).case})

    assert taken.status_code == (302 if kind == "office" else 403)
    assert CaseHandler.objects.count() == (1 if kind == "office" else 0)


@pytest.mark.usefixtures("_monday")
def test_reading_pages_takes_nothing(clerk: User, agency: Agency) -> None:
    client = as_user(clerk)
    for url in (reverse("office_work"), reverse("office_check", args=[agency.code])):
        assert client.get(url).status_code == 200
    client.get(reverse("office_read"), {"case": work_of(agency).case})
    assert (CaseHandler.objects.count(), recorded()) == (0, [])


@pytest.mark.usefixtures("_monday")
def test_the_list_has_tabs_by_kind_and_ones_own_cases(clerk: User, colleague: User) -> None:
    for name in ("a", "b"):
        AgencyFactory(state=AgencyState.SUBMITTED, organisation__name=name, form_check_due=MONDAY + 5 * DAY)
    mine = casework.all_work(MONDAY)[1]
    casework.take_case(mine, actor=clerk, at=MONDAY)
    client = as_user(clerk)

    def shown(**query: str) -> list[str]:
        return [row["title"] for row in client.get(reverse("office_work"), query).context["rows"]]

    assert shown() == ["soon", mine.title, casework.all_work(MONDAY)[2].title]
    assert shown(kind="change") == ["soon"]
    assert shown(who="mine") == [mine.title]
    assert len(shown(who="free", kind="entry")) == 1
    assert shown(kind="nonsense", who="nobody", page="x") == shown()
    tabs = client.get(reverse("office_work")).context["tabs"]
    assert [(tab["label"], tab["count"]) for tab in tabs] == [("All", 3), ("change", 1), ("form check", 2)]
    cards = work_desk.cards(clerk, MONDAY)
    assert [(card["title"], card["count"]) for card in cards] == [
        ("Cases you answer for", 1),
        ("Open cases of the office", 3),
    ]
    assert work_desk.cards(person_of("owner"), MONDAY) == []


@pytest.mark.usefixtures("_monday")
def test_the_list_costs_the_same_at_one_and_at_three_rows(
    clerk: User, settings: Any, django_assert_max_num_queries: Any
) -> None:
    settings.OFFICE_WORK = ["agencies.desk.entry_work"]
    client, counts = as_user(clerk), []
    for more in (1, 2):
        for _ in range(more):
            casework.take_case(work_of(AgencyFactory(state=AgencyState.SUBMITTED)), actor=clerk, at=MONDAY)
        with django_assert_max_num_queries(10) as seen:
            response = client.get(reverse("office_work"))
        counts.append((len(response.context["rows"]), len(seen)))
    assert [rows for rows, _ in counts] == [1, 3]
    assert counts[0][1] == counts[1][1]


@pytest.mark.usefixtures("_monday")
def test_selected_cases_are_reassigned_together_or_not_at_all(clerk: User, colleague: User) -> None:
    rows = [AgencyFactory(state=AgencyState.SUBMITTED) for _ in range(2)]
    cases = [work_of(row).case for row in rows]
    client, url = as_user(clerk), reverse("office_reassign")
    Membership.objects.create(user=colleague, organisation=rows[1].organisation, role=Membership.Role.DELEGATE)

    page = client.get(url, {"case": cases})
    assert [row["case"] for row in page.context["rows"]] == sorted(cases)
    refused = client.post(url, {"case": cases, "to": colleague.pk, "reason": "On leave."})

    assert refused.status_code == 422
    assert "On leave." in refused.content.decode()
    assert CaseHandler.objects.count() == 0
    assert client.post(url, {"case": cases[:1], "to": colleague.pk, "reason": "On leave."}).status_code == 302
    assert CaseHandler.objects.get().handler == colleague


@pytest.mark.usefixtures("_monday")
def test_a_posted_address_of_another_site_is_not_followed(clerk: User, agency: Agency) -> None:
    given = {"case": work_of(agency).case, "next": "https://example.org/"}
    assert as_user(clerk).post(reverse("office_take"), given)["Location"] == reverse("office_work")


# ---------- batch reading ----------


@pytest.mark.usefixtures("_monday")
def test_a_batch_is_read_one_after_another_and_a_verdict_leads_to_the_next(clerk: User, settings: Any) -> None:
    settings.OFFICE_WORK = ["agencies.desk.entry_work"]
    rows = [AgencyFactory(state=AgencyState.SUBMITTED, form_check_due=MONDAY + DAY) for _ in range(3)]
    cases = [work_of(row).case for row in rows]
    pages = [work_of(row).url for row in rows]
    client = as_user(clerk)

    first = client.get(reverse("office_read"), {"case": [*cases, "entry:unknown"]})
    assert first["Location"] == pages[0]
    bar = client.get(pages[0]).context["reading"]
    assert (bar["number"], bar["total"], bar["previous_url"]) == (1, 3, "")
    assert client.get(bar["next_url"])["Location"] == pages[1]
    assert client.get(reverse("office_work")).context["reading"] is None

    # Taking leads back to the same page, a refused verdict stays on it, a verdict leads on.
    taken = client.post(reverse("office_take"), {"case": cases[1], "next": pages[1]})
    assert taken["Location"] == pages[1]
    refuse = pages[1] + "refuse/"
    assert client.post(refuse, {"reason": ""}).context["reading"]["number"] == 2
    onwards = client.post(refuse, {"reason": "Not a company."})
    assert client.get(onwards["Location"])["Location"] == pages[2]
    # The decided one is still shown when one goes back to it.
    assert client.get(client.get(pages[2]).context["reading"]["previous_url"])["Location"] == pages[1]

    last = client.post(pages[2] + "refuse/", {"reason": "Not a company."})
    end = client.get(last["Location"], follow=True)
    assert end.redirect_chain == [(reverse("office_work"), 302)]
    assert "1 of them is still open" in end.content.decode()
    assert client.get(pages[0]).context["reading"] is None


@pytest.mark.usefixtures("_monday")
def test_reading_nothing_ends_the_reading(clerk: User, agency: Agency) -> None:
    client = as_user(clerk)
    client.get(reverse("office_read"), {"case": work_of(agency).case})
    assert client.get(reverse("office_read"))["Location"] == reverse("office_work")
    assert client.get(reverse("office_read"), {"case": "entry:gone"})["Location"] == reverse("office_work")
    assert client.get(work_of(agency).url).context["reading"] is None


# ---------- at once ----------


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_six_who_take_a_case_at_once_make_one_first_receiver() -> None:
    assert connection.vendor == "postgresql", "races are run on PostgreSQL: set DATABASE_URL"
    office = person_of("office").memberships.get().organisation
    agency = AgencyFactory(state=AgencyState.SUBMITTED)
    people = [person_at(office) for _ in range(6)]
    case = work_of(agency).case

    takes = [lambda who=who: casework.take_case(work_of(agency), actor=who, at=MONDAY) for who in people[:3]]
    acts = [
        lambda who=who: casework.act_as_handler(case, agency, lambda: who.pk, actor=who, at=MONDAY)
        for who in people[3:]
    ]
    found = together(*takes, *acts)

    assert None not in found
    row = CaseHandler.objects.get()
    assert recorded().count("case.taken") == 1
    first = Event.objects.get(type="case.taken").private
    assert first is not None
    assert first["fields"]["handler"] == row.first_receiver_id
    assert accounts.staff(Organisation.Kind.OFFICE).filter(pk=row.handler_id).exists()
    assert list(events.verify()) == []
