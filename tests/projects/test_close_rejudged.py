"""At the close of the list every sign-up is judged again; who no longer qualifies is left out, publicly and with reasons."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agencies import credit_rules, ledger
from agencies.models import Agency, AgencyItem, Qualification
from agencies.states import AgencyState
from marketplace import clock, events, vault
from marketplace.errors import NotAllowed
from marketplace.models import Notification, Organisation
from projects import actions, conductor, delay, draw, queries, verify
from projects.actions import roster
from projects.models import Avoidance, SelectionTask
from projects.open_services import open_services
from projects.states import TaskState
from tests import project_factories as make
from tests.live import CLOSES, NOW, OPENS, Scene, scene

pytestmark = pytest.mark.django_db
S = timedelta(seconds=1)
CLOSED_AT = CLOSES + S


def suspend(agency: Agency) -> None:
    Agency.objects.filter(pk=agency.pk).update(
        state=AgencyState.SUSPENDED, suspended_at=NOW, suspended_until=NOW + timedelta(days=90)
    )


def signed_up(agencies: int = 4) -> tuple[Scene, SelectionTask]:
    world = scene(agencies=agencies)
    task = world.published()
    world.sign_up(task)
    return world, task


def code(agency: Agency) -> str:
    return agency.organisation.code


def kinds(stream: str) -> list[str]:
    return [event["type"] for event in events.read_all(stream)]


def lose(world: Scene, task: SelectionTask, how: str) -> Agency:
    """Something that happens to the first agency between sign-up and close."""
    agency = world.agencies[0]
    if how == "suspended":
        suspend(agency)
    elif how in ("removed", "withdrawn"):
        Agency.objects.filter(pk=agency.pk).update(state=how)
    elif how == "closed down":
        Organisation.objects.filter(pk=agency.pk).update(is_active=False)
    elif how == "certificate expired":
        last = clock.local_date(CLOSED_AT) - timedelta(days=1)
        Qualification.objects.filter(agency=agency).update(valid_until=last)
    elif how == "item struck":
        AgencyItem.objects.filter(agency=agency).update(is_active=False)
    else:
        Avoidance.objects.create(task=task, agency=agency, reason="Relative")
    return agency


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("suspended", "agency_not_active"),
        ("removed", "agency_not_active"),
        ("withdrawn", "agency_not_active"),
        ("closed down", "agency_not_active"),
        ("certificate expired", "requirement_not_met"),
        ("item struck", "item_not_offered"),
        ("kept away", "not_avoided"),
    ],
)
def test_who_lost_what_it_needs_between_sign_up_and_close_is_not_on_the_list(how: str, reason: str) -> None:
    world, task = signed_up()
    gone = lose(world, task, how)

    task = actions.close_signup(task, at=CLOSED_AT)

    assert task.state == TaskState.CLOSED
    assert task.closing["roster"] == sorted(code(one) for one in world.agencies[1:])
    mine = task.sign_ups.get(agency=gone)
    assert (mine.excluded_at, mine.withdrawn_at, mine.exclusion[0]["code"]) == (CLOSED_AT, None, reason)
    assert task.sign_ups.filter(excluded_at=None).count() == 3
    assert queries.signup_count(task) == 3


def test_a_certificate_that_holds_on_the_day_of_the_close_is_enough() -> None:
    world, task = signed_up()
    Qualification.objects.filter(agency=world.agencies[0]).update(valid_until=clock.local_date(CLOSED_AT))
    assert len(actions.close_signup(task, at=CLOSED_AT).closing["roster"]) == 4
    assert "draw.exclusion" not in kinds(task.session.stream_name() if task.session else "")


def test_the_exclusion_is_public_with_its_reason_and_the_agency_is_told_once() -> None:
    world, task = signed_up()
    gone = world.agencies[0]
    suspend(gone)
    task = actions.close_signup(task, at=CLOSED_AT)

    assert task.session is not None
    told = events.read_all(task.session.stream_name())
    assert kinds(task.session.stream_name())[-3:] == ["draw.exclusion", "draw.close", "session.roster"]
    leaf = task.sign_ups.get(agency=gone).leaf
    assert told[-3]["data"] == {"draw_id": task.draw_id, "signup": leaf, "reasons": ["agency_not_active"]}
    assert kinds(task.stream_name())[-2:] == ["signup.closed", "signup.excluded"]
    public = events.read_all(task.stream_name())
    assert public[-2]["data"]["signups"] == 3
    assert public[-1]["data"]["agency"] == {"id": code(gone), "name": gone.organisation.name}
    assert public[-1]["data"]["reasons"][0]["code"] == "agency_not_active"
    letters = Notification.objects.filter(kind="signup.excluded")
    assert [letter.user for letter in letters] == [world.agent(gone)]
    assert not Notification.objects.filter(kind="signup.closed", user=world.agent(gone)).exists()
    assert list(events.verify()) == []


def test_the_draw_with_an_exclusion_is_verified_and_a_roster_without_its_event_is_not() -> None:
    world, task = signed_up()
    gone = world.agencies.pop(0)
    suspend(gone)
    task = actions.close_signup(task, at=CLOSED_AT)
    session = world.sealed(task)
    found = delay.evaluate(draw.vdf_seed(bytes.fromhex(session.seal.leaf)), session.iters)
    conductor.publish_results(session, at=OPENS + 20 * S, found=found)
    task = SelectionTask.objects.get()
    evidence = queries.transcript(task)

    report = verify.check(json.dumps(evidence).encode(), {"sunshine-marketplace": vault.log_public_key()})

    assert (report.accepted, report.reason) == (True, "")
    assert report.excluded == {code(gone): ["agency_not_active"]}
    assert code(gone) not in report.ranking
    assert task.award_notice.winner_id in {one.pk for one in world.agencies}
    main = verify.Session(session.sid, task.draw_id, evidence["log"], evidence["entries"]["signups"])
    with pytest.raises(verify.Rejected, match="roster is not"):
        for event in evidence["streams"][session.stream_name()]:
            if event["type"] != "draw.exclusion":
                main.take(event)


def test_after_the_roster_nobody_is_left_out_and_an_excluded_agency_throws_nothing() -> None:
    world, task = signed_up()
    gone = world.agencies[0]
    suspend(gone)
    task = actions.close_signup(task, at=CLOSED_AT)
    suspend(world.agencies[1])
    assert task.session is not None
    session = conductor.open_session(task.session, at=OPENS)
    with pytest.raises(NotAllowed):
        conductor.throw_into_pot(session, actor=world.agent(gone), at=OPENS + S, agency=gone, r="ab" * 32)
    task.refresh_from_db()
    assert len(task.closing["roster"]) == 3
    assert open_services(gone, OPENS) == []
    assert len(open_services(world.agencies[1], OPENS)) == 1


def test_too_few_that_still_qualify_extend_once_and_what_is_mended_by_then_counts() -> None:
    world, task = signed_up(agencies=3)
    doubtful = world.agencies[0]
    Qualification.objects.filter(agency=doubtful).update(valid_until=date(2026, 3, 15))

    task = actions.close_signup(task, at=CLOSED_AT)

    assert (task.state, task.extensions) == (TaskState.PUBLISHED, 1)
    assert events.read_all(task.stream_name())[-1]["data"]["signups"] == 2
    assert task.sign_ups.filter(excluded_at=None).count() == 3
    letter = Notification.objects.get(kind="signup.doubtful")
    assert (letter.user, letter.params["until"]) == (world.agent(doubtful), "2026-03-20 17:30")

    Qualification.objects.filter(agency=doubtful).update(valid_until=None)
    task = actions.close_signup(task, at=task.signup_deadline + S)
    assert (task.state, len(task.closing["roster"])) == (TaskState.CLOSED, 3)


def test_too_few_after_the_extension_fail_without_naming_who_signed_up() -> None:
    world, task = signed_up(agencies=3)
    gone = world.agencies[0]
    suspend(gone)
    task = actions.close_signup(task, at=CLOSED_AT)
    task = actions.close_signup(task, at=task.signup_deadline + S)

    assert (task.state, task.failure) == (TaskState.FAILED, "too_few_signups")
    assert task.session is not None
    streams = [task.stream_name(), task.session.stream_name()]
    assert "draw.exclusion" in kinds(streams[1])
    assert "signup.excluded" not in kinds(streams[0])
    assert all(code(one) not in json.dumps(events.read_all(stream)) for stream in streams for one in world.agencies)
    assert queries.exclusions_of(task) == []
    assert Notification.objects.filter(kind="signup.excluded", user=world.agent(gone)).count() == 1


@pytest.mark.parametrize(("government", "left_out"), [(100, 1), (0, 0)])
def test_one_star_is_left_out_where_government_funds_pay(government: int, left_out: int) -> None:
    world = scene()
    task = world.published(fund_government=government, fund_social=100 - government)
    world.sign_up(task)
    names = dict.fromkeys(("code", "name_zh", "name_en", "basis"), "x")
    credit_rules.load([{**names, "gravity": "breach", "points": -50, "months": 12, "valid_from": "2019-01-01"}])
    earlier = NOW - timedelta(days=14)
    entry = ledger.add_entry(
        world.agencies[0], "x", summary="x", source="x", happened_on=clock.local_date(earlier), actor=None, at=earlier
    )
    ledger.let_stand(entry, at=NOW + timedelta(hours=2))

    task = actions.close_signup(task, at=CLOSED_AT)

    assert len(task.closing["roster"]) == 4 - left_out
    reasons = [one.exclusion for one in queries.exclusions_of(task)]
    assert reasons == [[{"code": "stars_suffice", "text": ""}]] * left_out


def test_many_sign_ups_are_judged_with_the_queries_of_one() -> None:
    _world, task = signed_up(agencies=3)
    sign_ups = list(task.sign_ups.select_related("agency__organisation"))
    roster.unfit_sign_ups(task, sign_ups[:1], CLOSED_AT)
    counts = []
    for some in (sign_ups[:1], sign_ups):
        with CaptureQueriesContext(connection) as seen:
            assert roster.unfit_sign_ups(task, some, CLOSED_AT) == []
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_pages_say_who_is_not_on_the_list_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    world, task = signed_up()
    gone = world.agencies[0]
    suspend(gone)
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=2))
    client = Client(headers={"accept-language": "en"})
    client.force_login(world.agent(gone))
    address = reverse("notice_detail", args=[task.code])
    assert "Today your sign-up would not count" in client.get(address).content.decode()

    actions.close_signup(task, at=CLOSED_AT)
    monkeypatch.setattr(clock, "now", lambda: CLOSED_AT)

    page = client.get(address)
    assert page.context["box"]["kind"] == "excluded"
    assert "Your agency is not on the list" in page.content.decode()
    row = client.get(reverse("my_sign_ups")).context["rows"][0]
    assert (row["chip"]["kind"], len(row["reasons"])) == ("bad", 1)
    mine = task.sign_ups.get(agency=gone)
    assert "no longer active" in client.get(reverse("receipt", args=[mine.pk])).content.decode()
    visitor = Client(headers={"accept-language": "en"}).get(address)
    assert [one["code"] for one in visitor.context["excluded"]] == [code(gone)]
    assert "Signed up, but not on the list" in visitor.content.decode()
    assert any("is not on the list" in entry["act"] for entry in visitor.context["timeline"])


def test_a_list_that_everybody_left_fails_or_is_extended_but_is_never_published_empty() -> None:
    world = make.make_world(agencies=3)
    task = make.published(world, fund_government=0, fund_social=100)
    make.sign_up(world, task)
    Agency.objects.update(state=AgencyState.WITHDRAWN)
    task = actions.close_signup(task, at=task.signup_deadline + S)
    task = actions.close_signup(task, at=task.signup_deadline + S)
    assert (task.state, task.closing) == (TaskState.FAILED, {})
