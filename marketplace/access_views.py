"""The pages of access: the people of an organisation, an invitation, a claim and its decision."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from . import access_claims, access_grants, accounts, casefile, clock
from .access_forms import ClaimForm, DecisionForm, InvitationForm, add_errors, role_words
from .deadlines import deadline
from .errors import DomainError, FieldErrors, NotAllowed
from .models import AccessClaim, Invitation, Membership, Organisation, Upload, User
from .permissions import access

form_page = require_http_methods(["GET", "HEAD", "POST"])
# A person has made this many claims on his page; the office has no use for older ones either.
CLAIMS_SHOWN = 10


def person(request: HttpRequest) -> User:
    """The person behind a page that demands a login."""
    user = accounts.current_user(request)
    if user is None:
        raise NotAllowed("login")
    return user


def crumbs(title: str) -> list[dict[str, str]]:
    return [{"label": _("My desk"), "url": reverse("desk")}, {"label": title, "url": ""}]


def words_of(refusal: DomainError) -> str:
    return " ".join(str(part) for part in (refusal.sentence, refusal.remedy) if part)


def _number(text: str) -> int:
    """A row's key as it was posted; 0, which no row has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


# ---------- the people of an organisation ----------


@access("login")
@form_page
def organisation_members(request: HttpRequest) -> HttpResponse:
    """GET /desk/organisation/members/?of=<code>: who acts for it, and open invitations. POST act=invite, cancel,
    remove or role. 404 for whoever acts for neither an agency nor an owner."""
    user, at = person(request), clock.now()
    own = access_grants.own_memberships(user)
    wanted = request.GET.get("of", "")
    mine = next((m for m in own if not wanted or m.organisation.code == wanted), None)
    if mine is None:
        raise Http404
    organisation, act = mine.organisation, request.POST.get("act", "")
    form = InvitationForm(request.POST if act == "invite" else None, organisation=organisation)
    link = ""
    if act == "invite":
        link = _invite(request, organisation, form, user, at)
    elif request.method == "POST":
        _change_members(request, organisation, act, user, at)
        still = access_grants.own_memberships(user)
        gone = all(m.organisation_id != organisation.pk for m in still)
        return redirect("desk" if gone else access_grants.members_url(organisation))
    context = {
        "organisation": organisation,
        "manager": mine.role == Membership.Role.MANAGER,
        "tabs": [
            {"label": m.organisation.name, "url": access_grants.members_url(m.organisation), "current": m == mine}
            for m in own
        ]
        if len(own) > 1
        else [],
        "rows": _member_rows(organisation, user),
        "invitations": _invitation_rows(organisation, at),
        "form": InvitationForm(organisation=organisation) if link else form,
        "link": link,
        "breadcrumb": crumbs(_("People and access")),
    }
    response = render(request, "marketplace/members.html", context, status=422 if form.errors else 200)
    # The link is shown once; no copy of it stays in a cache.
    response["Cache-Control"] = "no-store"
    return response


def _invite(request: HttpRequest, organisation: Organisation, form: InvitationForm, user: User, at: datetime) -> str:
    """The link of the new invitation; "" when the form has to be shown again."""
    if not form.is_valid():
        return ""
    try:
        _invitation, code = access_grants.invite(organisation, **form.cleaned_data, actor=user, at=at)
    except FieldErrors as refusal:
        add_errors(form, refusal)
        return ""
    return request.build_absolute_uri(reverse("invitation", args=[code]))


def _change_members(request: HttpRequest, organisation: Organisation, act: str, user: User, at: datetime) -> None:
    pk = _number(request.POST.get("pk", ""))
    if act == "cancel":
        invitation = get_object_or_404(Invitation.objects.filter(organisation=organisation), pk=pk)
        access_grants.cancel_invitation(invitation, actor=user, at=at)
        messages.success(request, _("The invitation is cancelled."))
        return
    if act not in {"remove", "role"}:
        raise Http404
    membership = get_object_or_404(Membership.objects.filter(organisation=organisation), pk=pk)
    if act == "remove":
        access_grants.remove_member(membership, actor=user, at=at)
        messages.success(request, _("The access is ended."))
    else:
        access_grants.change_role(membership, request.POST.get("role", ""), actor=user, at=at)
        messages.success(request, _("The role is changed."))


def _member_rows(organisation: Organisation, user: User) -> list[dict[str, Any]]:
    members = list(
        Membership.objects.filter(organisation=organisation, user__is_active=True)
        .select_related("user")
        .order_by("pk")
    )
    managers = [m for m in members if m.role == Membership.Role.MANAGER]
    manager = any(m.user_id == user.pk for m in managers)
    rows = []
    for member in members:
        other = Membership.Role.DELEGATE if member in managers else Membership.Role.MANAGER
        rows.append(
            {
                "pk": member.pk,
                "name": member.user.get_full_name(),
                "username": member.user.get_username(),
                "role": role_words(organisation, member.role),
                "mine": member.user_id == user.pk,
                "may_remove": manager or member.user_id == user.pk,
                "other_role": other.value,
                "other_words": _("Make manager") if other == Membership.Role.MANAGER else _("Make delegate"),
                "may_change": manager,
                "last": member in managers and len(managers) == 1,
            }
        )
    return rows


def _invitation_rows(organisation: Organisation, at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "pk": row.pk,
            "name": row.full_name,
            "email": row.email,
            "role": role_words(organisation, row.role),
            "until": row.expires_at,
            "expired": at >= row.expires_at,
        }
        for row in access_grants.open_invitations(organisation)
    ]


# ---------- an invitation ----------


@access("public")
@form_page
def invitation(request: HttpRequest, code: str) -> HttpResponse:
    """What the holder of the code is invited to; POST accepts. Without an account he is led to one and back."""
    found = access_grants.find_invitation(code)
    if found is None:
        raise Http404
    user, at = accounts.current_user(request), clock.now()
    if request.method == "POST" and user is None:
        return redirect(_back_to("account_login", request.path))
    if request.method == "POST":
        membership = access_grants.accept_invitation(code, actor=user, at=at)
        words = _("You now act for {name}.").format(name=membership.organisation.name)
        messages.success(request, words)
        return redirect("desk")
    refusal = access_grants.why_not_accept(found, user, at)
    closed = refusal is not None and not isinstance(refusal, NotAllowed)
    context = {
        "rows": [
            {"label": _("Organisation"), "value": found.organisation.name},
            {"label": _("Role"), "value": role_words(found.organisation, found.role)},
            {"label": _("For"), "value": found.full_name},
        ],
        "until": found.expires_at,
        "refused": words_of(refusal) if refusal is not None and closed else "",
        "login_url": "" if user else _back_to("account_login", request.path),
        "signup_url": "" if user else _back_to("account_signup", request.path),
    }
    response = render(request, "marketplace/invitation.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _back_to(name: str, path: str) -> str:
    return f"{reverse(name)}?{urlencode({'next': path})}"


# ---------- claims ----------


@access("login")
@form_page
def access_claim(request: HttpRequest) -> HttpResponse:
    """GET /access/claim/?code=: ask for access with a proof. It shows the code that was given and nothing else."""
    user, at = person(request), clock.now()
    if request.method == "POST":
        form = ClaimForm(request.POST, request.FILES)
        if _claim(form, user, at):
            messages.success(request, _("Your claim is with the office. You are told its decision."))
            return redirect("access_claim")
    else:
        form = ClaimForm(initial={"code": request.GET.get("code", "")[:40]})
    claims = AccessClaim.objects.filter(user=user).select_related("organisation")[:CLAIMS_SHOWN]
    context = {
        "form": form,
        "claims": [_claim_row(claim) for claim in claims],
        "breadcrumb": crumbs(_("Claim access")),
    }
    return render(request, "marketplace/claim.html", context, status=422 if form.errors else 200)


def _claim(form: ClaimForm, user: User, at: datetime) -> bool:
    """Make the claim; False when the form has to be shown again, with a good file kept."""
    valid = form.is_valid()
    chosen: UploadedFile | None = form.files.get("file") if "file" not in form.errors else None
    proof = chosen or access_claims.kept_proof(str(form.data.get("kept", "")), user)
    try:
        if valid:
            given = form.cleaned_data
            access_claims.claim_access(given["code"], given["text"], proof, actor=user, at=at)
            return True
    except FieldErrors as refusal:
        add_errors(form, refusal)
    try:
        # Kept for a second try; a code that nobody has is no try that could succeed.
        if chosen is not None and not {"file", "code"} & set(form.errors):
            proof = access_claims.keep_proof(chosen, actor=user, at=at)
    except FieldErrors as refusal:
        add_errors(form, refusal)
    if isinstance(proof, Upload):
        form.remember(proof)
    return False


def claim_chip(claim: AccessClaim) -> dict[str, str]:
    if claim.decided_at is None:
        return {"kind": "info", "text": _("with the office")}
    return {"kind": "ok", "text": _("granted")} if claim.granted else {"kind": "bad", "text": _("refused")}


def _claim_row(claim: AccessClaim) -> dict[str, Any]:
    return {
        "code": claim.organisation.code,
        "made_at": claim.made_at,
        "due": claim.due if claim.decided_at is None else None,
        "reason": claim.reason,
        "chip": claim_chip(claim),
    }


@access("office", "supervisor")
@form_page
def office_claim(request: HttpRequest, pk: int) -> HttpResponse:
    """A claim with its proof beside what is known of the organisation; POST act=grant or refuse."""
    user, at = person(request), clock.now()
    claims = AccessClaim.objects.select_related("organisation", "user", "proof", "decided_by")
    claim = get_object_or_404(claims, pk=pk)
    act = request.POST.get("act", "")
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if act not in {"grant", "refuse"}:
            raise Http404
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            try:
                access_claims.decide_claim(claim, act == "grant", reason, actor=user, at=at)
            except FieldErrors as refusal:
                add_errors(form, refusal)
            else:
                messages.success(
                    request, _("The claim is granted.") if act == "grant" else _("The claim is refused.")
                )
                return redirect("office_claim", claim.pk)
    refusal_now = access_claims.why_not_decide(claim, user)
    organisation = claim.organisation
    members = Membership.objects.filter(organisation=organisation, user__is_active=True).select_related("user")
    decision = deadline("entry.claim", claim.made_at)
    context = {
        "claim": claim,
        "chip": claim_chip(claim),
        "clock": casefile.deadline_clock(
            _("Decision about the claim"), claim.due, decision.derivation, at=at, met=claim.decided_at is not None
        ),
        "organisation_rows": [
            {"label": _("Name"), "value": organisation.name},
            {"label": _("Kind"), "value": organisation.get_kind_display()},
            {"label": _("Unified social credit code"), "value": organisation.code},
        ],
        "claimant_rows": [
            {"label": _("Full name"), "value": claim.user.get_full_name()},
            {"label": _("Account"), "value": claim.user.get_username()},
            {"label": _("E-mail"), "value": claim.user.email},
            {"label": _("Phone"), "value": claim.user.phone},
            {"label": _("Statement"), "value": claim.text},
        ],
        "proof": {"name": claim.proof.name, "url": reverse("download", args=[claim.proof_id])},
        "members": [
            {"name": m.user.get_full_name(), "username": m.user.get_username(), "role": m.get_role_display()}
            for m in members.order_by("pk")
        ],
        "form": form,
        "refused": words_of(refusal_now) if refusal_now else "",
        "rule": refusal_now.basis if refusal_now else "",
        "breadcrumb": crumbs(_("Access claim")),
    }
    return render(request, "marketplace/office_claim.html", context, status=422 if form.errors else 200)
