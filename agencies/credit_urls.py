"""Addresses of the credit ledger, of the office's decisions about it, and of leaving."""

from django.urls import path

from . import credit_office, credit_public, credit_views

urlpatterns = [
    path("rules/credit/", credit_public.credit_rules, name="credit_rules"),
    path("agencies/<str:code>/credit/", credit_public.agency_ledger, name="agency_ledger"),
    path("desk/agency/credit/", credit_views.agency_credit, name="agency_credit"),
    path("desk/agency/credit/<int:pk>/", credit_views.agency_credit_entry, name="agency_credit_entry"),
    path("desk/agency/credit/<int:pk>/reply/", credit_views.agency_reply, name="agency_reply"),
    path("desk/agency/credit/<int:pk>/petition/<str:kind>/", credit_views.agency_petition, name="agency_petition"),
    path("desk/agency/withdraw/", credit_views.agency_withdraw, name="agency_withdraw"),
    path("desk/agency/begin-again/", credit_views.agency_begin_again, name="agency_begin_again"),
    path("office/credit/", credit_office.office_credit, name="office_credit"),
    path("office/credit/add/", credit_office.office_credit_add, name="office_credit_add"),
    path("office/credit/<int:pk>/", credit_office.office_credit_entry, name="office_credit_entry"),
    path("office/credit/<int:pk>/<str:verdict>/", credit_office.office_credit_decide, name="office_credit_decide"),
    path(
        "office/credit/petition/<int:pk>/decide/",
        credit_office.office_petition_decide,
        name="office_petition_decide",
    ),
]
