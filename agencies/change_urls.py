"""Addresses of changes: the agency's pages and the office's."""

from django.urls import path

from . import change_office_views, change_views

urlpatterns = [
    path("desk/agency/changes/", change_views.agency_changes, name="agency_changes"),
    path("desk/agency/changes/contact/", change_views.change_contact, name="change_contact"),
    path("desk/agency/changes/services/", change_views.change_offer, name="change_offer"),
    path("desk/agency/changes/new/<str:kind>/", change_views.change_new, name="change_new"),
    path("desk/agency/changes/new/<str:kind>/<int:target>/", change_views.change_new, name="change_new_of"),
    path("desk/agency/changes/<int:pk>/", change_views.change_case_page, name="change_case"),
    path("desk/agency/changes/<int:pk>/correct/", change_views.change_correct, name="change_correct"),
    path("desk/agency/changes/<int:pk>/withdraw/", change_views.change_withdraw, name="change_withdraw"),
    path("office/changes/", change_office_views.office_changes, name="office_changes"),
    path("office/changes/<int:pk>/", change_office_views.office_change, name="office_change"),
    path("office/changes/<int:pk>/approve/", change_office_views.office_change_approve, name="office_change_approve"),
    path("office/changes/<int:pk>/return/", change_office_views.office_change_return, name="office_change_return"),
    path("office/changes/<int:pk>/refuse/", change_office_views.office_change_refuse, name="office_change_refuse"),
]
