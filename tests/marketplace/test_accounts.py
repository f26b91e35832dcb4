"""Who acts for whom, also where the person is a lazy request user."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from marketplace import accounts
from marketplace.models import Notification, Organisation
from tests.factories import MembershipFactory, OrganisationFactory, UserFactory, person_of
from tests.live import NOW, scene

pytestmark = pytest.mark.django_db


def test_a_new_membership_counts_at_once_for_a_lazy_user() -> None:
    user = UserFactory()
    lazy = SimpleLazyObject(lambda: user)
    assert accounts.public_label(lazy) == ("public", "")
    agency = OrganisationFactory(kind=Organisation.Kind.AGENCY, name="Surveyors")
    MembershipFactory(user=user, organisation=agency)
    accounts.forget(lazy)
    assert accounts.public_label(lazy) == ("agency", "Surveyors")
    accounts.forget(lazy)
    accounts.forget(lazy)


def test_a_checked_notice_leaves_no_unread_call_to_check_it() -> None:
    world = scene()
    world.checked()
    calls = Notification.objects.filter(kind="task.submitted")
    assert calls.count() == 2  # both people of the office were called
    assert calls.filter(read_at=None).count() == 0
    assert {call.read_at for call in calls} == {NOW}


def test_a_refusal_leads_back_to_the_page_it_came_from_and_nowhere_else(client: Client) -> None:
    client.force_login(person_of(Organisation.Kind.OWNER))
    office = reverse("office_tasks")
    here = client.get(office, headers={"referer": "http://testserver/notices/", "accept-language": "en"})
    assert here.status_code == 403
    assert 'href="http://testserver/notices/"' in here.content.decode()
    elsewhere = client.get(office, headers={"referer": "https://evil.example/", "accept-language": "en"})
    assert "evil.example" not in elsewhere.content.decode()
