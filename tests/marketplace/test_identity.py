"""The frame of the pages: the style guide, the preferences, the pages of the accounts, dates, amounts, forms."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import override

from marketplace import form_rendering
from marketplace.templatetags import ui

CHINA = ZoneInfo("Asia/Shanghai")


@pytest.mark.django_db
def test_the_style_guide_shows_every_component(client: Client) -> None:
    page = client.get("/styleguide/")
    assert page.status_code == 200
    for mark in (
        'class="clock',
        'class="timeline',
        'class="tickets',
        'role="log"',
        'class="error-summary',
        'class="stepper',
    ):
        assert mark in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["login", "signup", "password/reset"])
def test_account_pages_wear_the_identity(client: Client, path: str) -> None:
    page = client.get(f"/accounts/{path}/").content.decode()
    assert 'class="skip-link"' in page
    assert 'class="btn btn-primary" type="submit"' in page


@pytest.mark.django_db
def test_theme_and_larger_text_are_kept_in_cookies_and_shown_by_the_server(client: Client) -> None:
    answer = client.post("/preferences/", {"theme": "dark", "care": "1", "next": "/styleguide/"})
    assert (answer.status_code, answer["Location"]) == (302, "/styleguide/")
    page = client.get("/styleguide/").content.decode()
    assert 'data-bs-theme="dark"' in page
    assert 'class="care ' in page


@pytest.mark.django_db
def test_preferences_ignore_unknown_values_and_foreign_addresses(client: Client) -> None:
    answer = client.post("/preferences/", {"theme": "pink", "care": "2", "next": "https://example.org/"})
    assert answer["Location"] == "/"
    assert not answer.cookies


@pytest.mark.django_db
def test_preferences_are_changed_by_post_only(client: Client) -> None:
    assert client.get("/preferences/?theme=dark").status_code == 405


def test_the_page_of_a_fault_needs_no_database_and_no_context() -> None:
    assert "<main" in render_to_string("500.html")


def test_dates_are_written_as_people_say_them() -> None:
    moment = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
    with override("en"):
        assert ui.datetime_text(moment) == "2026-11-25 (Wed) 17:30"
        midnight = datetime(2026, 11, 26, tzinfo=CHINA)
        assert ui.datetime_text(midnight, end_of_day=True) == "2026-11-25 (Wed) 24:00"
        assert ui.datetime_text(midnight) == "2026-11-26 (Thu) 00:00"
        assert ui.cn_date(date(2026, 11, 25)) == '<time datetime="2026-11-25">2026-11-25 (Wed)</time>'


def test_amounts_are_exact() -> None:
    assert ui.money(128600) == "¥128,600.00"
    assert ui.money("-0.5") == "−¥0.50"
    assert ui.money(None) == ""
    assert 'title="¥128,600.00"' in ui.wan(128600)


def test_hashes_stand_in_groups_of_four() -> None:
    assert ui.hex_text("7c1e90ab33d2") == "7c1e 90ab 33d2"
    assert ui.hex_text("7c1e90ab33d2", 2) == "7c1e 90ab …"


def test_a_chip_of_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        ui.chip("purple", "x")


class Sample(forms.Form):
    name = forms.CharField(help_text="As on the licence")
    mode = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)


def test_a_field_names_its_hint_and_its_error_and_keeps_what_was_typed() -> None:
    form = Sample({"name": " ", "mode": "c"})
    html = str(form_rendering.render_widget(form["name"]))
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'aria-invalid="true"' in html
    page = render_to_string("components/form_fields.html", {"form": Sample({"name": "x" * 3, "mode": "c"})})
    assert 'value="xxx"' in page
    assert 'id="id_mode_error"' in page


def test_the_summary_links_each_error_to_its_input() -> None:
    lines = form_rendering.error_lines(Sample({"name": "", "mode": "c"}))
    assert [line["target"] for line in lines] == ["id_name", "id_mode_0"]
