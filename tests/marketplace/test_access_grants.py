"""Who has access to an organisation: invitations, members, claims, and their pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from agencies import changes
from marketplace import access_claims, access_grants, accounts, clock, events, parameters, uploads
from marketplace.errors import DomainError, FieldErrors, NotAllowed, RuleBroken, WrongState
from marketplace.models import AccessClaim, Event, Invitation, Membership, Notification, Organisation, Upload, User
from tests.factories import (
    MONDAY,
    AgencyFactory,
    AgentFactory,
    OrganisationFactory,
    UserFactory,
    pdf,
    person_at,
    person_of,
)

pytestmark = pytest.mark.django_db
Kind, Role = Organisation.Kind, Membership.Role
LATER = MONDAY + timedelta(hours=1)
TEXT = "I am the new clerk of the unit."


@pytest.fixture(autouse=True)
def _ready(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    parameters.load_file("parameters.json")
    settings.UPLOADS_DIR = tmp_path
    settings.LANGUAGE_CODE = "en"
    monkeypatch.setattr(clock, "now", lambda: MONDAY)
    with override("en"):
        yield


@pytest.fixture
def owner() -> Organisation:
    found: Organisation = OrganisationFactory(kind=Kind.OWNER, nature="public", name="Water Bureau")
    return found


@pytest.fixture
def manager(owner: Organisation) -> User:
    return person_at(owner, Role.MANAGER)


@pytest.fixture
def officer() -> User:
    return person_of(Kind.OFFICE)


def snapshot() -> tuple[Any, ...]:
    return (
        list(Membership.objects.order_by("pk").values()),
        list(Invitation.objects.order_by("pk").values()),
        list(AccessClaim.objects.order_by("pk").values()),
        Event.objects.count(),
        Notification.objects.count(),
    )


def refused(kind: type[DomainError], act: Any) -> Any:
    """What the act is refused with; nothing has changed."""
    before = snapshot()
    with pytest.raises(kind) as refusal:
        act()
    assert snapshot() == before
    return refusal.value


def invited(owner: Organisation, manager: User, role: str = Role.DELEGATE, email: str = "") -> tuple[Invitation, str]:
    return access_grants.invite(owner, "Li Na", email, role, actor=manager, at=MONDAY)


def claimed(organisation: Organisation, user: User, code: str = "") -> AccessClaim:
    return access_claims.claim_access(code or organisation.code, TEXT, pdf("proof.pdf"), actor=user, at=MONDAY)


def browser(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def body(response: Any) -> str:
    found: str = response.content.decode()
    return found


# ---------- invitations ----------


def test_the_code_is_long_and_only_its_digest_is_kept(owner: Organisation, manager: User) -> None:
    invitation, code = invited(owner, manager)

    assert len(code) >= 32
    assert code not in str(list(Invitation.objects.values())) + str(list(Event.objects.values()))
    assert invitation.expires_at - MONDAY > timedelta(days=7)
    assert access_grants.find_invitation(code) == invitation
    assert access_grants.find_invitation(code[:-1]) is None


def test_whoever_holds_the_code_joins_once(owner: Organisation, manager: User) -> None:
    _invitation, code = invited(owner, manager)
    newcomer = UserFactory()
    assert not accounts.belongs_to(newcomer, owner)

    access_grants.accept_invitation(code, actor=newcomer, at=LATER)

    assert accounts.belongs_to(newcomer, owner)
    assert not accounts.is_manager(newcomer, owner)
    assert Notification.objects.get(user=manager).kind == "access.joined"
    again = refused(RuleBroken, lambda: access_grants.accept_invitation(code, actor=UserFactory(), at=LATER))
    assert again.code == "invitation_used"


@pytest.mark.usefixtures("officer")
def test_names_stay_out_of_the_public_part_of_the_log(owner: Organisation, manager: User) -> None:
    _invitation, code = invited(owner, manager, email="li.na@example.org")
    access_grants.accept_invitation(code, actor=UserFactory(full_name="Li Na"), at=LATER)
    claimed(owner, UserFactory(full_name="Wu Min"))

    told = str(events.read_all(f"owner:{owner.code}"))
    for personal in ("Li Na", "li.na@", "Wu Min", TEXT):
        assert personal not in told
    assert not events.is_public(f"owner:{owner.code}")
    assert list(events.verify()) == []


def test_an_invitation_ends_by_time_by_cancelling_and_with_its_manager(owner: Organisation, manager: User) -> None:
    invitation, code = invited(owner, manager)
    newcomer = UserFactory()

    def reason(at: Any) -> str:
        return str(refused(RuleBroken, lambda: access_grants.accept_invitation(code, actor=newcomer, at=at)).code)

    assert reason(invitation.expires_at) == "invitation_expired"
    refused(NotAllowed, lambda: access_grants.cancel_invitation(invitation, actor=newcomer, at=LATER))
    access_grants.cancel_invitation(invitation, actor=manager, at=LATER)
    assert reason(LATER) == "invitation_cancelled"
    _another, code = invited(owner, manager)
    person_at(owner, Role.MANAGER)
    access_grants.remove_member(Membership.objects.get(user=manager), actor=manager, at=LATER)
    assert reason(LATER) == "invitation_cancelled"
    assert reason(LATER - timedelta(days=1)) == "invitation_cancelled"
    unknown = refused(RuleBroken, lambda: access_grants.accept_invitation("x", actor=newcomer, at=LATER))
    assert unknown.code == "invitation_unknown"


@pytest.mark.parametrize(("kind", "code"), [(Kind.AGENCY, "one_agency_each"), (Kind.OWNER, "one_owner_each")])
def test_one_account_serves_one_organisation_of_a_kind(kind: str, code: str) -> None:
    organisation = OrganisationFactory(kind=kind)
    _invitation, secret = invited(organisation, person_at(organisation, Role.MANAGER))
    elsewhere = person_of(kind)

    refusal = refused(RuleBroken, lambda: access_grants.accept_invitation(secret, actor=elsewhere, at=LATER))

    assert refusal.code == code
    # One that has left keeps nobody.
    Organisation.objects.filter(memberships__user=elsewhere).update(is_active=False)
    access_grants.accept_invitation(secret, actor=elsewhere, at=LATER)


def test_only_a_manager_invites_and_only_to_the_roles_of_the_kind(owner: Organisation, manager: User) -> None:
    delegate, stranger = person_at(owner, Role.DELEGATE), person_of(Kind.OWNER)
    for person in (delegate, stranger, None):
        refused(NotAllowed, lambda person=person: invited(owner, person))
    agency = AgencyFactory().organisation
    of_agency = person_at(agency, Role.MANAGER)
    assert list(refused(FieldErrors, lambda: invited(agency, of_agency, Role.MANAGER)).fields) == ["role"]
    bad = refused(
        FieldErrors, lambda: access_grants.invite(owner, " ", "nobody", "officer", actor=manager, at=MONDAY)
    )
    assert sorted(bad.fields) == ["email", "full_name", "role"]
    office = OrganisationFactory(kind=Kind.OFFICE)
    chief = person_at(office, Role.MANAGER)
    refused(NotAllowed, lambda: invited(office, chief))


def test_a_known_address_is_told_without_the_code(owner: Organisation, manager: User) -> None:
    known = UserFactory(email="Li.Na@example.org")

    _invitation, code = invited(owner, manager, email="li.na@example.org")

    letter = Notification.objects.get(user=known)
    assert (letter.kind, letter.link) == ("access.invited", "")
    assert code not in str(letter.params)


# ---------- members ----------


def test_the_last_manager_stays(owner: Organisation, manager: User) -> None:
    mine = Membership.objects.get(user=manager)
    delegate = person_at(owner, Role.DELEGATE)
    person_at(owner, Role.MANAGER, is_active=False)
    for act in (
        lambda: access_grants.remove_member(mine, actor=manager, at=LATER),
        lambda: access_grants.change_role(mine, Role.DELEGATE, actor=manager, at=LATER),
    ):
        assert refused(RuleBroken, act).code == "last_manager"

    access_grants.change_role(Membership.objects.get(user=delegate), Role.MANAGER, actor=manager, at=LATER)
    access_grants.change_role(mine, Role.DELEGATE, actor=manager, at=LATER)

    assert accounts.is_manager(delegate, owner)
    assert not accounts.is_manager(manager, owner)


def test_a_delegate_may_leave_and_end_no_other_access(owner: Organisation, manager: User) -> None:
    delegate = person_at(owner, Role.DELEGATE)
    mine, his = Membership.objects.get(user=delegate), Membership.objects.get(user=manager)
    refused(NotAllowed, lambda: access_grants.remove_member(his, actor=delegate, at=LATER))
    refused(NotAllowed, lambda: access_grants.change_role(mine, Role.MANAGER, actor=delegate, at=LATER))
    refused(FieldErrors, lambda: access_grants.change_role(mine, Role.OFFICER, actor=manager, at=LATER))

    access_grants.remove_member(mine, actor=delegate, at=LATER)

    assert not accounts.belongs_to(delegate, owner)
    assert Notification.objects.count() == 0
    assert refused(RuleBroken, lambda: access_grants.remove_member(mine, actor=manager, at=LATER)).code == "no_member"


def test_an_office_is_not_run_from_here() -> None:
    officer, colleague = person_of(Kind.OFFICE), person_of(Kind.OFFICE)
    theirs = Membership.objects.get(user=colleague)
    refused(NotAllowed, lambda: access_grants.remove_member(theirs, actor=officer, at=LATER))
    refused(NotAllowed, lambda: access_grants.remove_member(theirs, actor=colleague, at=LATER))


# ---------- claims ----------


def test_a_claim_tells_the_office_and_the_present_managers(owner: Organisation, manager: User, officer: User) -> None:
    claimant = UserFactory(full_name="Wu Min")

    claim = claimed(owner, claimant, code=f" {owner.code[:8]} {owner.code[8:].lower()}")

    assert dict(Notification.objects.values_list("user", "kind")) == {
        officer.pk: "access.claim_to_decide",
        manager.pk: "access.claimed",
    }
    [work] = access_claims.work(MONDAY)
    assert (work.case, work.stream, work.due) == (f"claim:{claim.pk}", f"owner:{owner.code}", claim.due)
    assert not accounts.belongs_to(claimant, owner)


def test_the_proof_is_for_the_office_and_the_supervisor(owner: Organisation, manager: User, officer: User) -> None:
    claimant = UserFactory()
    proof = claimed(owner, claimant).proof

    assert uploads.may_read(officer, proof)
    assert uploads.may_read(person_of(Kind.SUPERVISOR), proof)
    for other in (manager, claimant, person_of(Kind.AGENCY), None):
        assert not uploads.may_read(other, proof)


@pytest.mark.parametrize("members", [0, 1])
def test_a_granted_claim_makes_a_manager_also_of_what_nobody_looks_after(members: int, officer: User) -> None:
    agency = AgencyFactory().organisation
    present = [person_at(agency, Role.MANAGER) for _ in range(members)]
    claimant = UserFactory()
    claim = claimed(agency, claimant)

    access_claims.decide_claim(claim, True, actor=officer, at=LATER)

    accounts.forget(claimant)
    assert accounts.is_manager(claimant, agency)
    assert Notification.objects.filter(user=claimant, kind="access.claim_granted").count() == 1
    assert Notification.objects.filter(user__in=present, kind="access.new_manager").count() == members
    assert Notification.objects.filter(kind="access.claim_to_decide", read_at=None).count() == 0
    assert access_claims.work(LATER) == []
    refused(WrongState, lambda: access_claims.decide_claim(claim, False, "No.", actor=officer, at=LATER))


def test_a_refused_claim_has_a_reason_and_tells_nothing_of_the_organisation(
    owner: Organisation, manager: User, officer: User
) -> None:
    claimant = UserFactory()
    claim = claimed(owner, claimant)
    bad = refused(FieldErrors, lambda: access_claims.decide_claim(claim, False, " ", actor=officer, at=LATER))
    assert list(bad.fields) == ["reason"]

    access_claims.decide_claim(claim, False, "The seal is another one.", actor=officer, at=LATER)

    assert not accounts.belongs_to(claimant, owner)
    letter = Notification.objects.get(user=claimant)
    assert letter.params == {"code": owner.code, "reason": "The seal is another one."}
    page = body(browser(claimant).get(reverse("access_claim")))
    assert "The seal is another one." in page
    for known in ("Water Bureau", manager.full_name, manager.username):
        assert known not in page
    assert claimed(owner, claimant).decided_at is None


def test_nobody_decides_a_claim_that_concerns_him(owner: Organisation, manager: User, officer: User) -> None:
    claim = claimed(owner, UserFactory())
    Membership.objects.create(user=officer, organisation=owner, role=Role.DELEGATE)
    own_claim = claimed(AgencyFactory().organisation, officer)
    for case in (claim, own_claim):
        no = refused(RuleBroken, lambda case=case: access_claims.decide_claim(case, True, actor=officer, at=LATER))
        assert no.code == "decider_is_independent"
    for actor in (person_of(Kind.SUPERVISOR), person_of(Kind.AGENCY), None):
        refused(NotAllowed, lambda by=actor: access_claims.decide_claim(claim, True, actor=by, at=LATER))


def test_a_claim_is_refused_beside_its_fields(owner: Organisation, manager: User, officer: User) -> None:
    claimant = UserFactory()

    def faults(code: str, text: str = TEXT, file: Any = None, user: User = claimant) -> list[str]:
        act = lambda: access_claims.claim_access(code, text, file, actor=user, at=MONDAY)  # noqa: E731
        return list(refused(FieldErrors, act).fields)

    assert faults("", "", None) == ["code", "text", "file"]
    office = Organisation.objects.get(kind=Kind.OFFICE)
    assert faults(office.code, file=pdf()) == ["code"]
    assert faults(owner.code, file=pdf(), user=manager) == ["code"]
    claimed(owner, claimant)
    assert faults(owner.code, file=pdf()) == ["code"]
    agencies = [AgencyFactory().organisation for _ in range(3)]
    member = person_at(agencies[0])
    assert refused(RuleBroken, lambda: claimed(agencies[1], member)).code == "one_agency_each"
    claimed(agencies[0], claimant)
    claimed(agencies[1], claimant)
    assert refused(RuleBroken, lambda: claimed(agencies[2], claimant)).code == "too_many_claims"
    second = AccessClaim.objects.filter(user=claimant).exclude(organisation=owner)
    access_claims.decide_claim(second[0], True, actor=officer, at=LATER)
    no = refused(RuleBroken, lambda: access_claims.decide_claim(second[1], True, actor=officer, at=LATER))
    assert no.code == "one_agency_each"


# ---------- the pages ----------


def test_the_link_is_shown_once_and_works(owner: Organisation, manager: User) -> None:
    page = reverse("organisation_members")
    given = {"act": "invite", "full_name": "Li Na", "email": "", "role": "delegate"}
    made = browser(manager).post(page, given)
    link = next(word for word in body(made).replace("<", " ").replace(">", " ").split() if "/invitation/" in word)

    assert made["Cache-Control"] == "no-store"
    assert link.startswith("http://testserver/invitation/")
    assert link not in body(browser(manager).get(page))
    newcomer = UserFactory()
    visitor = body(browser().get(link))
    assert "Water Bureau" in visitor
    assert reverse("account_signup") in visitor
    assert browser().post(link)["Location"].startswith(reverse("account_login"))
    assert browser(newcomer).post(link)["Location"] == reverse("desk")
    assert Membership.objects.filter(user=newcomer, organisation=owner, role=Role.DELEGATE).exists()
    assert "used already" in body(browser(UserFactory()).get(link))
    assert browser().get(reverse("invitation", args=["nothing"])).status_code == 404


def test_the_people_of_an_organisation_are_seen_by_its_own_only(owner: Organisation, manager: User) -> None:
    page = access_grants.members_url(owner)
    delegate = person_at(owner, Role.DELEGATE)
    assert browser(person_of(Kind.OWNER)).get(page).status_code == 404
    assert browser(person_of(Kind.OFFICE)).get(reverse("organisation_members")).status_code == 404
    seen = body(browser(delegate).get(page))
    assert manager.full_name in seen
    assert 'value="invite"' not in seen
    assert browser(delegate).post(page, {"act": "invite", "full_name": "X", "role": "delegate"}).status_code == 403
    other = Membership.objects.get(user=person_of(Kind.OWNER))
    assert browser(manager).post(page, {"act": "remove", "pk": other.pk}).status_code == 404


def test_roles_and_access_change_on_the_page(owner: Organisation, manager: User) -> None:
    page = access_grants.members_url(owner)
    theirs = Membership.objects.get(user=person_at(owner, Role.DELEGATE))
    assert browser(manager).post(page, {"act": "role", "pk": theirs.pk, "role": "manager"})["Location"] == page
    theirs.refresh_from_db()
    assert theirs.role == Role.MANAGER
    invitation, _code = invited(owner, manager)
    browser(manager).post(page, {"act": "cancel", "pk": invitation.pk})
    invitation.refresh_from_db()
    assert invitation.cancelled_at == MONDAY
    mine = Membership.objects.get(user=manager)
    assert browser(manager).post(page, {"act": "remove", "pk": mine.pk})["Location"] == reverse("desk")
    faulty = browser(theirs.user).post(page, {"act": "invite", "full_name": "", "email": "x", "role": "delegate"})
    assert (faulty.status_code, 'value="x"' in body(faulty)) == (422, True)


def test_a_claim_page_keeps_what_was_typed_and_chosen(owner: Organisation, officer: User) -> None:
    claimant, page = UserFactory(), reverse("access_claim")
    assert f'value="{owner.code}"' in body(browser(claimant).get(f"{page}?code={owner.code}"))
    faulty = browser(claimant).post(page, {"code": owner.code, "text": "", "file": pdf("proof.pdf")})
    kept = Upload.objects.get()
    assert (faulty.status_code, str(kept.pk) in body(faulty)) == (422, True)
    # The file of somebody else is no proof.
    stolen = browser(UserFactory()).post(page, {"code": owner.code, "text": TEXT, "kept": str(kept.pk)})
    assert stolen.status_code == 422

    done = browser(claimant).post(page, {"code": owner.code, "text": TEXT, "kept": str(kept.pk)})

    assert done.status_code == 302
    assert AccessClaim.objects.get().proof == kept
    assert reverse("account_reset_password") in body(browser(claimant).get(page))


def test_the_office_decides_on_its_page(owner: Organisation, manager: User, officer: User) -> None:
    claim = claimed(owner, UserFactory(full_name="Wu Min"))
    page = reverse("office_claim", args=[claim.pk])
    assert browser(manager).get(page).status_code == 403
    watched = body(browser(person_of(Kind.SUPERVISOR)).get(page))
    assert "Wu Min" in watched
    assert 'value="grant"' not in watched
    assert browser(officer).post(page, {"act": "refuse", "reason": ""}).status_code == 422
    assert browser(officer).post(page, {"act": "x"}).status_code == 404
    assert browser(officer).post(page, {"act": "grant", "reason": ""})["Location"] == page
    claim.refresh_from_db()
    assert claim.granted
    assert 'value="grant"' not in body(browser(officer).get(page))


def test_pages_ask_the_same_at_one_row_and_at_three(owner: Organisation, manager: User, officer: User) -> None:
    claimant = UserFactory()
    claim = claimed(owner, claimant)
    clients = {
        access_grants.members_url(owner): browser(manager),
        reverse("access_claim"): browser(claimant),
        reverse("office_claim", args=[claim.pk]): browser(officer),
    }
    counts: list[list[int]] = []
    for number in range(2):
        row = []
        for page, client in clients.items():
            client.get(page)
            with CaptureQueriesContext(connection) as asked:
                assert client.get(page).status_code == 200
            row.append(len(asked))
        counts.append(row)
        for _ in range(2 * (1 - number)):
            invited(owner, manager)
            person_at(owner, Role.DELEGATE)
            claimed(AgencyFactory().organisation, claimant)
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 25


def test_an_invited_agent_loses_access_with_his_authority() -> None:
    agency = AgencyFactory()
    manager = person_at(agency.organisation, Role.MANAGER)
    agent = AgentFactory(agency=agency, full_name="Zhao Yun")
    newcomer = UserFactory()

    _invitation, code = access_grants.invite(
        agency.organisation, "Zhao Yun", "", Role.DELEGATE, actor=manager, at=MONDAY
    )
    access_grants.accept_invitation(code, actor=newcomer, at=MONDAY)
    agent.refresh_from_db()
    assert agent.user == newcomer

    change = changes.propose_change(
        agency,
        "agent_remove",
        values={"left_on": MONDAY.date()},
        target=agent.pk,
        reason="Left.",
        actor=manager,
        at=LATER,
    )
    changes.approve_change(change, actor=person_of(Kind.OFFICE), at=LATER)
    assert not Membership.objects.filter(user=newcomer).exists()
