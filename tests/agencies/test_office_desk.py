"""The office's pages of entries: the queue, the check with everything beside it, pre-checks and objections."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agencies import actions, desk, rules
from agencies.models import Agency, CreditEntry, EntryObjection, PreCheck
from agencies.states import AgencyState, ObjectionState
from marketplace import casework, clock
from marketplace.models import CaseHandler, Membership, Organisation, ServiceItem, User
from tests.factories import (
    MONDAY,
    AgencyFactory,
    AgentFactory,
    PractitionerFactory,
    QualificationFactory,
    entered_agency,
    person_at,
    person_of,
)

DAY = timedelta(days=1)
DUE = MONDAY + 3 * DAY


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY)
    settings.LANGUAGE_CODE = "en"


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: Any) -> str:
    found: str = response.content.decode()
    return found


def precheck_of(agency: Agency) -> PreCheck:
    person = agency.organisation.memberships.first()
    asked_by = person.user if person else person_at(agency.organisation)
    return PreCheck.objects.create(agency=agency, asked_at=MONDAY, asked_by=asked_by, due=DUE, question="Is it all?")


def objection_against(agency: Agency, **fields: Any) -> EntryObjection:
    given = {"lodged_by": person_of("owner"), "lodged_at": MONDAY, "text": "They are two.", "due": DUE}
    return EntryObjection.objects.create(agency=agency, **given | fields)


# ---------- the queue and the work list ----------

TABS = [*desk.ENTRY_ORDER, "prechecks", "objections"]


def fill(tab: str) -> None:
    if tab == "prechecks":
        precheck_of(AgencyFactory(state=AgencyState.DRAFT))
    elif tab == "objections":
        objection_against(AgencyFactory(state=AgencyState.PUBLICITY))
    else:
        AgencyFactory(state=tab)


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_costs_the_same_at_one_and_at_three_rows(
    officer: User, django_assert_max_num_queries: Any, tab: str
) -> None:
    client, counts = as_user(officer), []
    for more in (1, 2):
        for _ in range(more):
            fill(tab)
        with django_assert_max_num_queries(12) as seen:
            response = client.get(reverse("office_queue"), {"state": tab})
        shown = {entry["label"]: entry["count"] for entry in response.context["tabs"] if entry["current"]}
        counts.append((len(response.context["rows"]), list(shown.values()), len(seen)))

    assert [count[:2] for count in counts] == [(1, [1]), (3, [3])]
    assert counts[0][2] == counts[1][2]


def test_entries_prechecks_and_objections_stand_in_the_work_list_by_their_clocks(
    django_assert_num_queries: Any,
) -> None:
    form = AgencyFactory(state=AgencyState.SUBMITTED, form_check_due=MONDAY + 4 * DAY)
    documents = AgencyFactory(state=AgencyState.VERIFYING, documents_due=MONDAY + DAY)
    for state in (AgencyState.DRAFT, AgencyState.COMMITTED, AgencyState.RETURNED, AgencyState.PUBLICITY):
        AgencyFactory(state=state)
    asked = precheck_of(AgencyFactory(state=AgencyState.DRAFT))
    lodged = objection_against(form, due=MONDAY + 2 * DAY)
    objection_against(form, state=ObjectionState.DISMISSED)

    with django_assert_num_queries(4):
        found = [work for source in SOURCES for work in source(MONDAY)]

    assert [(work.case, work.due) for work in sorted(found, key=lambda work: work.due or DUE)] == [
        (f"entry:{documents.code}", documents.documents_due),
        (f"objection:{lodged.pk}", lodged.due),
        (f"precheck:{asked.pk}", asked.due),
        (f"entry:{form.code}", form.form_check_due),
    ]
    assert {work.stream for work in found} == {row.stream_name() for row in (form, documents, asked.agency)}


SOURCES = (desk.entry_work, desk.precheck_work, desk.objection_work)


# ---------- the check page ----------


def test_the_check_page_shows_every_paper_and_person_with_a_line(officer: User, surveying: ServiceItem) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED)
    agent = AgentFactory(agency=agency, checked=False)
    one = PractitionerFactory(agency=agency, checked=False)
    gone = AgentFactory(agency=agency, left_on=clock.local_date(MONDAY))

    page = as_user(officer).get(reverse("office_check", args=[agency.code]))
    shown = text(page)

    lines = {name for name in page.context["defects_form"].fields if f'name="{name}"' in shown}
    assert lines == set(page.context["defects_form"].fields)
    assert {f"defect_agent_{agent.pk}", f"defect_practitioner_{one.pk}", "defect_document_legal_id"} <= lines
    assert f"defect_agent_{gone.pk}" not in lines
    assert f"ending in {one.id_hint}" in shown
    for paper in agency.qualifications.all():
        assert f"defect_qualification_{paper.pk}" in lines


@pytest.mark.parametrize("state", [AgencyState.SUBMITTED, AgencyState.VERIFYING])
def test_the_check_page_costs_the_same_for_one_person_and_for_three(
    officer: User, django_assert_max_num_queries: Any, state: AgencyState
) -> None:
    agency = AgencyFactory(state=state)
    url, client, counts = reverse("office_check", args=[agency.code]), as_user(officer), []
    for more in (1, 2):
        for _ in range(more):
            PractitionerFactory(agency=agency)
            AgentFactory(agency=agency)
            QualificationFactory(agency=agency)
        agency.returned_facts = rules.notice_facts(agency, ["address"])
        agency.save(update_fields=["returned_facts"])
        with django_assert_max_num_queries(60) as seen:
            assert client.get(url).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_hint_stands_beside_its_field_with_the_way_to_the_other_agency(officer: User) -> None:
    one, other = (AgencyFactory(state=AgencyState.SUBMITTED, address=f"{n} Lake Road") for n in (1, 2))

    page = as_user(officer).get(reverse("office_check", args=[one.code]))

    row = next(row for row in page.context["basic"] if row["field"] == "contact_phone")
    assert [hint.url for hint in row["mark"]["hints"]] == [reverse("office_check", args=[other.code])]
    assert f"{other.name} has the same contact phone." in text(page)


def test_after_a_supplement_the_page_marks_what_changed_and_what_may_be_named(
    officer: User, surveying: ServiceItem, newcomer: User
) -> None:
    agency = entered_agency(surveying, until=AgencyState.SUBMITTED, member=newcomer)
    said = [{"field": "address", "sentence": "Not the registered one."}]
    agency = actions.return_entry(agency, defects=said, actor=officer, at=MONDAY)
    agency = actions.update_basic_data(
        agency, {"contact_name": "Zhou Jie", "address": "2 Station Road"}, actor=newcomer, at=MONDAY
    )
    agency = actions.submit_entry(agency, actor=newcomer, at=MONDAY)
    client, url = as_user(officer), reverse("office_check", args=[agency.code])

    page = client.get(url)
    marks = {row["field"]: row["mark"] for row in page.context["basic"]}
    [notice] = page.context["notices"]

    assert notice["defects"] == [{"label": "Registered address", "sentence": "Not the registered one."}]
    assert {field for field, mark in marks.items() if mark["changed"]} == {"address", "contact_name"}
    assert {field for field, mark in marks.items() if mark["named"]} == {"address"}
    assert {field for field, mark in marks.items() if mark["line"]} == {"address", "contact_name"}
    refused = client.post(reverse("office_return", args=[agency.code]), {"defect_contact_phone": "Too short."})
    assert refused.status_code == 422
    assert "Too short." in text(refused)
    assert Agency.objects.get().state == AgencyState.SUBMITTED


# ---------- who answers for a case ----------


def test_the_first_verdict_takes_the_case_and_a_refused_one_does_not(officer: User) -> None:
    agency = AgencyFactory(state=AgencyState.SUBMITTED)
    client = as_user(officer)

    assert client.post(reverse("office_return", args=[agency.code]), {}).status_code == 422
    assert CaseHandler.objects.count() == 0
    assert client.post(reverse("office_refuse", args=[agency.code]), {"reason": "A copy."}).status_code == 302
    assert CaseHandler.objects.get().first_receiver == officer


def test_the_page_names_the_handler_and_a_verdict_in_his_place_takes_over(
    office: Organisation, officer: User
) -> None:
    agency = AgencyFactory(state=AgencyState.SUBMITTED)
    handler = person_at(office, full_name="Clerk Two")
    casework.take_case(desk.entry_case(agency), agency.stream_name(), actor=handler, at=MONDAY)
    client = as_user(officer)

    page = text(client.get(reverse("office_check", args=[agency.code])))
    assert "Clerk Two" in page
    assert "Have it reassigned before you work on it" in page
    client.post(reverse("office_refuse", args=[agency.code]), {"reason": "A copy."})

    row = CaseHandler.objects.get()
    assert (row.first_receiver, row.handler) == (handler, officer)


# ---------- documents of an entry on commitment ----------


def test_documents_are_confirmed_or_returned_on_their_own_check(officer: User) -> None:
    one, other = (AgencyFactory(state=AgencyState.VERIFYING) for _ in range(2))
    client = as_user(officer)

    assert "Confirm the documents" in text(client.get(reverse("office_check", args=[one.code])))
    assert client.post(reverse("office_confirm_documents", args=[one.code])).status_code == 302
    assert client.post(reverse("office_return_documents", args=[other.code]), {}).status_code == 422
    returned = client.post(reverse("office_return_documents", args=[other.code]), {"defect_address": "Unlike."})

    assert returned.status_code == 302
    assert [Agency.objects.get(pk=row.pk).state for row in (one, other)] == [
        AgencyState.ACTIVE,
        AgencyState.COMMITTED,
    ]


def test_a_false_commitment_is_entered_in_the_ledger(officer: User) -> None:
    agency = AgencyFactory(state=AgencyState.VERIFYING)
    client, url = as_user(officer), reverse("office_false_commitment", args=[agency.code])

    assert client.post(url, {"summary": ""}).status_code == 422
    assert CreditEntry.objects.count() == 0
    assert client.post(url, {"summary": "The licence is not theirs."}).status_code == 302
    assert CreditEntry.objects.get().summary == "The licence is not theirs."
    assert client.get(reverse("office_check", args=[agency.code])).status_code == 200


# ---------- pre-checks ----------


def test_a_precheck_is_answered_with_remarks_or_with_none(officer: User) -> None:
    one, other = (precheck_of(AgencyFactory(state=AgencyState.DRAFT)) for _ in range(2))
    client = as_user(officer)

    page = text(client.get(reverse("office_precheck", args=[one.pk])))
    assert "Is it all?" in page
    client.post(reverse("office_precheck", args=[one.pk]), {"defect_address": "Give the whole address."})
    client.post(reverse("office_precheck", args=[other.pk]), {})

    one.refresh_from_db()
    other.refresh_from_db()
    assert one.remarks == [{"field": "address", "sentence": "Give the whole address."}]
    assert (one.answered_by, other.remarks, other.answered_at) == (officer, [], MONDAY)
    assert set(CaseHandler.objects.values_list("case", flat=True)) == {f"precheck:{one.pk}", f"precheck:{other.pk}"}
    assert "Give the whole address." in text(client.get(reverse("office_precheck", args=[one.pk])))
    assert client.post(reverse("office_precheck", args=[one.pk]), {}).status_code == 409


def test_a_member_of_the_agency_answers_no_precheck_and_decides_no_objection(officer: User) -> None:
    agency = AgencyFactory(state=AgencyState.PUBLICITY)
    Membership.objects.create(user=officer, organisation=agency.organisation, role=Membership.Role.DELEGATE)
    asked, lodged = precheck_of(agency), objection_against(agency)
    client = as_user(officer)

    for url, data in (
        (reverse("office_precheck", args=[asked.pk]), {}),
        (reverse("office_objection", args=[lodged.pk]), {"decision": "dismiss", "reason": "No."}),
    ):
        assert "You belong to this agency" in text(client.get(url))
        assert client.post(url, data).status_code == 422
    asked.refresh_from_db()
    assert (asked.answered_at, EntryObjection.objects.get().state) == (None, ObjectionState.LODGED)
    assert CaseHandler.objects.count() == 0


# ---------- objections ----------


@pytest.mark.parametrize(
    ("decision", "state", "entry"),
    [
        ("dismiss", ObjectionState.DISMISSED, AgencyState.PUBLICITY),
        ("return", ObjectionState.UPHELD, AgencyState.RETURNED),
        ("refuse", ObjectionState.UPHELD, AgencyState.REFUSED),
    ],
)
def test_an_objection_is_decided_with_its_consequence(
    officer: User, decision: str, state: ObjectionState, entry: AgencyState
) -> None:
    agency = AgencyFactory(state=AgencyState.PUBLICITY)
    objection = objection_against(agency)
    client, url = as_user(officer), reverse("office_objection", args=[objection.pk])

    assert "They are two." in text(client.get(url))
    assert client.post(url, {"decision": decision, "reason": ""}).status_code == 422
    assert EntryObjection.objects.get().state == ObjectionState.LODGED
    assert client.post(url, {"decision": decision, "reason": "Seen the register."}).status_code == 302

    assert (EntryObjection.objects.get().state, Agency.objects.get().state) == (state, entry)
    assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status"), [("office", 200), ("supervisor", 200), ("agency", 403), ("owner", 403), ("authority", 403)]
)
def test_prechecks_and_objections_are_for_the_office_and_the_supervisor(kind: str, status: int) -> None:
    agency = AgencyFactory(state=AgencyState.PUBLICITY)
    asked, lodged = precheck_of(agency), objection_against(agency)
    client = as_user(person_of(kind))

    for name, case in (("office_precheck", asked), ("office_objection", lodged)):
        assert client.get(reverse(name, args=[case.pk])).status_code == status
    if kind == "supervisor":
        assert client.post(reverse("office_precheck", args=[asked.pk]), {}).status_code == 403
        assert (
            client.post(
                reverse("office_objection", args=[lodged.pk]), {"decision": "dismiss", "reason": "No."}
            ).status_code
            == 403
        )
