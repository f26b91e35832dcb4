"""Addresses of the agencies' pages."""

from django.urls import path

from . import certificate_views, office_views, views

urlpatterns = [
    path("agencies/", views.agency_list, name="agency_list"),
    path("agencies/register/", views.agency_register, name="agency_register"),
    path("agencies/<str:code>/", views.agency_detail, name="agency_detail"),
    path("desk/agency/", views.agency_entry, name="agency_entry"),
    path("desk/agency/data/", views.agency_data, name="agency_data"),
    path("desk/agency/items/", views.agency_items, name="agency_items"),
    path("desk/agency/qualifications/", certificate_views.agency_qualifications, name="agency_qualifications"),
    path("desk/agency/qualifications/add/", certificate_views.qualification_add, name="qualification_add"),
    path("desk/agency/qualifications/<int:pk>/", certificate_views.qualification_change, name="qualification_change"),
    path(
        "desk/agency/qualifications/<int:pk>/remove/",
        certificate_views.qualification_remove,
        name="qualification_remove",
    ),
    path("desk/agency/commitment/", views.agency_commitment, name="agency_commitment"),
    path("desk/agency/submit/", views.agency_submit, name="agency_submit"),
    path("office/entries/", office_views.office_queue, name="office_queue"),
    path("office/entries/<str:code>/", office_views.office_check, name="office_check"),
    path("office/entries/<str:code>/approve/", office_views.office_approve, name="office_approve"),
    path("office/entries/<str:code>/return/", office_views.office_return, name="office_return"),
    path("office/entries/<str:code>/refuse/", office_views.office_refuse, name="office_refuse"),
]
