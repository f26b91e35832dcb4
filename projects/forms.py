"""The forms of selection. They read what was typed and say what is wrong with it; the acts judge."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.forms.models import fields_for_model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from agencies.forms import day_field
from agencies.models import Agency
from marketplace import clock
from marketplace.deadlines import calendar, deadline
from marketplace.errors import FieldErrors
from marketplace.models import ServiceItem, Upload, User
from marketplace.parameters import number

from . import rules
from .actions import field_faults
from .fields import AmountField, ManyFilesField, WhenField
from .models import SelectionTask
from .states import Quality

SPARE_ROWS = 3
MAX_ROWS = 20
# Between reading a page and sending it some time goes by; short demo periods get this much more.
SLACK = timedelta(seconds=30)
# What a new notice proposes: sign-up ends with the office's day, the selection is held on the next working morning.
OFFICE_CLOSES, SESSIONS_BEGIN = time(17, 30), time(10, 0)
RESERVES_LIMIT = 20


def add_field_errors(form: forms.Form, error: FieldErrors) -> None:
    """Put the sentences of a refused act beside their fields; what has no field goes above the form."""
    for name, sentences in error.fields.items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, str(sentence))


# ---------- the notice ----------

NOTICE_FIELDS = (
    "item",
    "name",
    "project_code",
    "is_investment_approval",
    "approval_code",
    "approval_name",
    "investment_yuan",
    "scale",
    "content",
    "requirements",
    "service_time",
    "fund_government",
    "fund_social",
    "amount_kind",
    "amount_yuan",
    "amount_note",
    "mode",
    "mode_reason",
    "reserves",
    "signup_deadline",
    "selection_at",
    "contact_name",
    "contact_phone",
    "complaint_phone",
)
# The parts of the form, in the order of the notice.
SECTIONS: tuple[tuple[Promise | str, tuple[str, ...]], ...] = (
    (pgettext_lazy("form section", "Project"), NOTICE_FIELDS[:8]),
    (pgettext_lazy("form section", "Service"), NOTICE_FIELDS[8:11]),
    (pgettext_lazy("form section", "Money"), NOTICE_FIELDS[11:16]),
    (pgettext_lazy("form section", "Selection"), NOTICE_FIELDS[16:19]),
    (pgettext_lazy("form section", "Times"), NOTICE_FIELDS[19:21]),
    (pgettext_lazy("form section", "Contacts"), NOTICE_FIELDS[21:]),
)
MIDNIGHT = _("Chinese time. 00:00 is the end (24:00) of the day before.")
HELP: dict[str, Any] = {
    "name": _("As in the approval document."),
    "project_code": _("The code of the project the service belongs to, if there is one."),
    "approval_code": _("Only for investment-approval projects."),
    "scale": _("Investment, floor area, assets or land area."),
    "content": _("What is to be done, what is delivered, to which standard."),
    "requirements": _(
        "What the service item demands is added by itself. Region, past performance, ownership or size "
        "may not be demanded."
    ),
    "service_time": _("For example: 30 days from the signing of the contract."),
    "fund_government": _("Government and social funds add up to 100 %."),
    "amount_yuan": _("In yuan, for example 128,600.00."),
    "amount_note": _("The standard or inquiry it rests on; needed when the price is not estimated."),
    "mode_reason": _("Why this mode fits the task; it is printed on the notice."),
    "reserves": _("If the selected agency declines, the next one in the drawn order is offered the award."),
    "signup_deadline": MIDNIGHT,
    "complaint_phone": _("Printed on the notice."),
}
WIDGETS: dict[str, Any] = {
    "content": forms.Textarea(attrs={"rows": 6}),
    "requirements": forms.Textarea(attrs={"rows": 4}),
    "amount_kind": forms.RadioSelect(),
    "mode": forms.RadioSelect(),
    "fund_government": forms.TextInput(attrs={"inputmode": "numeric"}),
    "fund_social": forms.TextInput(attrs={"inputmode": "numeric"}),
    "reserves": forms.TextInput(attrs={"inputmode": "numeric"}),
    "contact_name": forms.TextInput(attrs={"autocomplete": "name"}),
    "contact_phone": forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
}


class ItemField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.pk} {obj}"


def _notice_fields() -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = fields_for_model(
        SelectionTask,
        fields=NOTICE_FIELDS,
        widgets=WIDGETS,
        help_texts=HELP,
        field_classes={
            "amount_yuan": AmountField,
            "investment_yuan": AmountField,
            "signup_deadline": WhenField,
            "selection_at": WhenField,
            "item": ItemField,
        },
    )
    for name in ("fund_government", "fund_social"):
        fields[name] = forms.IntegerField(
            label=fields[name].label,
            min_value=0,
            max_value=100,
            widget=WIDGETS[name],
            help_text=HELP.get(name, ""),
        )
    fields["reserves"] = forms.IntegerField(
        label=fields["reserves"].label,
        min_value=0,
        max_value=RESERVES_LIMIT,
        widget=WIDGETS["reserves"],
        help_text=HELP["reserves"],
    )
    item = fields["item"]
    assert isinstance(item, forms.ModelChoiceField)
    item.queryset = ServiceItem.objects.filter(is_active=True)
    return fields


class TaskForm(forms.Form):
    """The purchase notice of an owner. `avoid_code_n` and `avoid_reason_n` are its rows of agencies to keep away.

    After `is_valid`: `notice_fields()`, `avoidances()`, `new_files()`, `kept()` are what `actions.draft_task` takes.
    """

    def __init__(self, *args: Any, task: SelectionTask | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.task = task
        self.fields.update(_notice_fields())
        self.attached: list[Upload] = list(task.attachments.order_by("created_at", "pk")) if task else []
        self.rows = self._row_count()
        for row in range(self.rows):
            self.fields[f"avoid_code_{row}"] = forms.CharField(
                label=_("Credit code of the agency"), max_length=40, required=False
            )
            self.fields[f"avoid_reason_{row}"] = forms.CharField(
                label=pgettext_lazy("avoidance", "Reason"), max_length=200, required=False
            )
        if self.attached:
            self.fields["remove"] = forms.MultipleChoiceField(
                label=_("Remove attachments"),
                choices=[(str(one.pk), one.name) for one in self.attached],
                widget=forms.CheckboxSelectMultiple,
                required=False,
            )
        self.fields["files"] = ManyFilesField(
            label=_("Add attachments"),
            help_text=_("PDF, PNG or JPEG, at most 10 MB each; everybody can read them once the notice is public."),
            required=False,
        )

    def _row_count(self) -> int:
        if self.is_bound:
            given = [int(found[1]) for key in self.data if (found := re.fullmatch(r"avoid_code_([0-9]{1,2})", key))]
            return min(MAX_ROWS, max(given, default=SPARE_ROWS - 1) + 1)
        known = sum(1 for key in self.initial if key.startswith("avoid_code_"))
        return min(MAX_ROWS, known + SPARE_ROWS)

    # ---------- reading ----------

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, sentences in field_faults(cleaned).items():
            for sentence in sentences:
                self.add_error(name, str(sentence))
        closes = cleaned.get("signup_deadline")
        if closes is not None and closes <= clock.now():
            self.add_error("signup_deadline", _("The sign-up deadline has passed already; choose a later one."))
        if cleaned.get("amount_kind") == SelectionTask.AmountKind.NOT_ESTIMATED and cleaned.get("amount_yuan"):
            self.add_error("amount_yuan", _("Remove the amount, or choose the fixed price."))
        self._clean_avoidances(cleaned)
        return cleaned

    def _clean_avoidances(self, cleaned: dict[str, Any]) -> None:
        self._agencies: dict[int, Agency] = {}
        codes = {row: _code(cleaned.get(f"avoid_code_{row}", "")) for row in range(self.rows)}
        wanted = {code for code in codes.values() if code}
        known = {
            agency.organisation.code: agency
            for agency in Agency.objects.filter(organisation__code__in=wanted).select_related("organisation")
        }
        seen: set[str] = set()
        for row, code in codes.items():
            reason = cleaned.get(f"avoid_reason_{row}", "")
            if not code:
                if reason and f"avoid_code_{row}" not in self.errors:
                    self.add_error(f"avoid_code_{row}", _("Name the agency by its credit code."))
                continue
            if code not in known:
                self.add_error(f"avoid_code_{row}", _("No agency is registered under this credit code."))
            elif code in seen:
                self.add_error(f"avoid_code_{row}", _("This agency is named twice."))
            elif not reason:
                self.add_error(f"avoid_reason_{row}", _("State the reason; it is printed on the notice."))
            else:
                self._agencies[row] = known[code]
            seen.add(code)

    # ---------- what the acts take ----------

    def notice_fields(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in NOTICE_FIELDS}

    def avoidances(self) -> list[tuple[Agency, str]]:
        return [(agency, self.cleaned_data[f"avoid_reason_{row}"]) for row, agency in self._agencies.items()]

    def new_files(self) -> list[UploadedFile]:
        return list(self.cleaned_data["files"])

    def kept(self) -> list[Upload]:
        """The attachments that stay."""
        removed = set(self.cleaned_data.get("remove", ()))
        return [one for one in self.attached if str(one.pk) not in removed]

    # ---------- what the page shows ----------

    @property
    def sections(self) -> list[dict[str, Any]]:
        return [{"title": title, "fields": [self[name] for name in names]} for title, names in SECTIONS]

    @property
    def avoidance_rows(self) -> list[dict[str, Any]]:
        return [
            {"number": row + 1, "code": self[f"avoid_code_{row}"], "reason": self[f"avoid_reason_{row}"]}
            for row in range(self.rows)
        ]

    @property
    def attachment_fields(self) -> list[Any]:
        return [self[name] for name in ("remove", "files") if name in self.fields]

    @property
    def forgotten_files(self) -> list[str]:
        """Names of the chosen files that the browser does not keep when the form comes back with errors."""
        if not self.is_bound or self.is_valid():
            return []
        getlist = getattr(self.files, "getlist", None)
        return [str(one.name) for one in getlist("files")] if getlist else []


def _code(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper()


# ---------- the end of the service ----------


class CompletionForm(forms.Form):
    """The day on which the service was completed, and the owner's grade."""

    finished_on = day_field(_("Completed on"))
    quality = forms.TypedChoiceField(
        label=_("Your grade"),
        choices=Quality.choices,
        coerce=int,
        widget=forms.RadioSelect,
        help_text=_("Public, with the day. A bad grade enters the credit ledger after the agency could reply."),
    )


# ---------- first values ----------


def earliest_times(at: datetime, on: Any) -> tuple[datetime, datetime]:
    """The earliest lawful sign-up deadline and selection for a notice published at `at`, as a form proposes them.

    Periods shorter than days get some slack up to a whole minute: they must still be lawful when the form is sent.
    """
    earliest = rules.earliest_signup_deadline(at, on)
    closes = earliest.due
    if "period" not in earliest.derivation:
        closes = (closes + SLACK + timedelta(minutes=1)).replace(second=0, microsecond=0)
    return closes, closes + timedelta(seconds=number("session.roster_lead", on))


def first_values(user: User, at: datetime) -> dict[str, Any]:
    """What a new notice starts with; its times leave agencies more than the lawful minimum."""
    today = clock.local_date(at)
    closes, opens = earliest_times(at, today)
    usual = deadline("signup.window_default", at, on=today)
    if "period" in usual.derivation:
        last_day = clock.local_date(usual.due - timedelta(microseconds=1))
        closes = datetime.combine(last_day, OFFICE_CLOSES, clock.SHANGHAI)
        opens = datetime.combine(calendar().add_workdays(last_day, 1), SESSIONS_BEGIN, clock.SHANGHAI)
    elif usual.due > closes:
        closes, opens = usual.due.replace(second=0, microsecond=0), usual.due.replace(second=0) + (opens - closes)
    return {
        "fund_government": 100,
        "fund_social": 0,
        "amount_kind": SelectionTask.AmountKind.FIXED,
        "mode": SelectionTask.Mode.RANDOM,
        "reserves": number("draw.reserves", today),
        "signup_deadline": closes,
        "selection_at": opens,
        "contact_name": user.full_name,
        "contact_phone": user.phone,
        "complaint_phone": settings.SITE_PHONE,
    }


def values_of(task: SelectionTask) -> dict[str, Any]:
    """What the form of an existing task starts with."""
    values: dict[str, Any] = {name: getattr(task, name) for name in NOTICE_FIELDS}
    rows = task.avoidances.select_related("agency__organisation").order_by("pk")
    for row, avoidance in enumerate(rows):
        values[f"avoid_code_{row}"] = avoidance.agency.organisation.code
        values[f"avoid_reason_{row}"] = avoidance.reason
    return values


# ---------- the office ----------


class ReturnForm(forms.Form):
    """Every defect at once, one a line."""

    reasons = forms.CharField(
        label=_("Defects, one a line"),
        help_text=_("Name all of them at once; the owner mends them in one round."),
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=4000,
        error_messages={"required": _("Name every defect; the owner must be able to mend them all at once.")},
    )

    def lines(self) -> list[str]:
        return [line for line in self.cleaned_data["reasons"].splitlines() if line.strip()]


class PublishForm(forms.Form):
    """The two moments of a publication: later than the owner asked is possible, earlier is not."""

    signup_deadline = WhenField(label=_("Sign-up deadline"), help_text=MIDNIGHT)
    selection_at = WhenField(label=_("Selection time"))

    @classmethod
    def proposed(cls, task: SelectionTask, at: datetime) -> dict[str, datetime]:
        """The owner's wishes, or the earliest lawful times when these have become later."""
        closes, opens = earliest_times(at, task.rules_on)
        lead = opens - closes
        deadline = max(task.signup_deadline, closes)
        return {"signup_deadline": deadline, "selection_at": max(task.selection_at, deadline + lead)}
