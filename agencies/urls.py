"""Addresses of the agencies' pages."""

from django.urls import include, path

from . import check_views, data_views, directory_views, import_views, office_views

urlpatterns = [
    path("", include("agencies.entry_urls")),
    path("", include("agencies.credit_urls")),
    path("", include("agencies.change_urls")),
    path("", include("agencies.directory_urls")),
    path("data/agencies/", data_views.agency_statistics, name="agency_statistics"),
    path("data/agencies.csv", data_views.agency_statistics_csv, name="agency_statistics_csv"),
    path("agencies/<str:code>/", directory_views.agency_detail, name="agency_detail"),
    path("office/import/", import_views.office_import, name="office_import"),
    path("office/import/template.xlsx", import_views.import_template, name="import_template"),
    path("office/import/<int:pk>/", import_views.office_import_page, name="office_import_page"),
    path("office/import/<int:pk>/faults.csv", import_views.import_faults, name="import_faults"),
    path("office/agencies/export/", import_views.agency_export, name="agency_export"),
    path("office/entries/", office_views.office_queue, name="office_queue"),
    path("office/entries/<str:code>/", check_views.office_check, name="office_check"),
    path("office/entries/<str:code>/approve/", check_views.office_approve, name="office_approve"),
    path("office/entries/<str:code>/return/", check_views.office_return, name="office_return"),
    path("office/entries/<str:code>/refuse/", check_views.office_refuse, name="office_refuse"),
    path(
        "office/entries/<str:code>/documents/confirm/",
        check_views.office_confirm_documents,
        name="office_confirm_documents",
    ),
    path(
        "office/entries/<str:code>/documents/return/",
        check_views.office_return_documents,
        name="office_return_documents",
    ),
    path(
        "office/entries/<str:code>/documents/false/",
        check_views.office_false_commitment,
        name="office_false_commitment",
    ),
    path("office/prechecks/<int:pk>/", check_views.office_precheck, name="office_precheck"),
    path("office/objections/<int:pk>/", office_views.office_objection, name="office_objection"),
]
