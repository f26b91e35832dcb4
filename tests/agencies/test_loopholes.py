"""Ways around a rule that were found by trying: each is closed, and stays closed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from agencies import actions, ledger
from agencies.export import OfficeFilter, agencies_file
from agencies.models import Agency, CreditRule
from agencies.states import AgencyState
from marketplace.errors import RuleBroken
from marketplace.models import Upload, User
from tests.agencies.credit_story import REPLY_UNTIL, make_story
from tests.agencies.test_commitment import SUPPLY_DUE, draft, enter, supply
from tests.factories import MONDAY, AgencyFactory, UserFactory, pdf

__all__ = ["draft"]
HOUR = timedelta(hours=1)


def fresh(agency: Agency) -> Agency:
    return Agency.objects.get(pk=agency.pk)


def test_a_commitment_cannot_be_renewed_by_leaving_and_coming_back(draft: Agency, newcomer: User) -> None:
    enter(draft, newcomer)
    at = SUPPLY_DUE - HOUR
    actions.withdraw(fresh(draft), "x", actor=newcomer, at=at)
    actions.begin_again(fresh(draft), actor=newcomer, at=at)
    actions.sign_commitment(fresh(draft), actor=newcomer, at=at)

    with pytest.raises(RuleBroken) as refusal:
        actions.enter_on_commitment(fresh(draft), actor=newcomer, at=at)

    assert refusal.value.code == "commitment_is_open"
    assert fresh(draft).state == AgencyState.DRAFT


def test_a_suspension_is_not_wiped_by_withdrawing_from_publicity() -> None:
    story = make_story(state=AgencyState.PUBLICITY)
    rule = CreditRule.objects.filter(consequence="suspension").order_by("threshold").first()
    assert rule is not None
    for _ in range(rule.threshold):
        story.counted(rule.code)
    barred = story.fresh().reentry_from
    assert barred is not None

    actions.withdraw(story.fresh(), "x", actor=story.member, at=REPLY_UNTIL + timedelta(days=1))

    assert story.fresh().reentry_from == barred


def test_why_an_agency_withdraws_is_read_by_the_office_only(client: Client) -> None:
    story = make_story()
    actions.withdraw(story.agency, "An illness in the family", actor=story.member, at=MONDAY)
    pages = [reverse("agency_detail", args=[story.agency.code]), reverse("agency_penalties") + "?state=withdrawn"]
    assert ["illness" in client.get(page).content.decode() for page in pages] == [False, False]


def test_an_entry_begun_again_is_not_shown_before_it_was_checked(
    client: Client, draft: Agency, newcomer: User
) -> None:
    enter(draft, newcomer)
    actions.withdraw(fresh(draft), "x", actor=newcomer, at=MONDAY)
    actions.begin_again(fresh(draft), actor=newcomer, at=MONDAY)
    assert client.get(reverse("agency_detail", args=[draft.code])).status_code == 404


def test_a_lapse_that_was_none_opens_commitment_first_again(draft: Agency, newcomer: User, officer: User) -> None:
    enter(draft, newcomer)
    actions.lapse_commitment(fresh(draft), at=SUPPLY_DUE)
    entry = fresh(draft).ledger.get()
    ledger.reply(entry, "The post was closed by the flood.", actor=newcomer, at=SUPPLY_DUE + HOUR)
    ledger.drop(entry, "True.", actor=officer, at=SUPPLY_DUE + HOUR)
    assert fresh(draft).commitment_barred is False


def test_one_false_commitment_is_entered_once(draft: Agency, newcomer: User, officer: User) -> None:
    enter(draft, newcomer)
    supply(draft, newcomer)
    actions.remove_for_false_commitment(fresh(draft), "Forged.", actor=officer, at=MONDAY)
    defects = [{"field": "other", "sentence": "Unreadable."}]
    actions.return_documents(fresh(draft), defects=defects, actor=officer, at=MONDAY)
    actions.supply_documents(fresh(draft), actor=newcomer, at=MONDAY)
    actions.remove_for_false_commitment(fresh(draft), "Forged.", actor=officer, at=MONDAY)
    assert fresh(draft).ledger.count() == 1


def test_a_pasted_control_character_does_not_break_the_export(officer: User) -> None:
    AgencyFactory(address="1 Station\x0bRoad")
    assert agencies_file(OfficeFilter({}).narrow(Agency.objects.all()), "xlsx")


def test_claims_of_a_code_that_nobody_has_do_not_fill_the_offices_room(client: Client, officer: User) -> None:
    client.force_login(UserFactory())
    answer = client.post(reverse("access_claim"), {"code": "x", "text": "Mine.", "file": pdf()})
    assert (answer.status_code, Upload.objects.count()) == (422, 0)
