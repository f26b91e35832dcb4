"""The addresses of owners: their own pages, and the office's."""

from django.urls import path

from . import owner_office_views as office
from . import owner_views as views

urlpatterns = [
    path("owners/register/", views.owner_register, name="owner_register"),
    path("desk/owner/", views.owner_entry, name="owner_entry"),
    path("desk/owner/data/", views.owner_data, name="owner_data"),
    path("desk/owner/files/", views.owner_files, name="owner_files"),
    path("desk/owner/submit/", views.owner_submit, name="owner_submit"),
    path("desk/owner/change/", views.owner_change, name="owner_change"),
    path("desk/owner/change/withdraw/", views.owner_change_withdraw, name="owner_change_withdraw"),
    path("desk/owner/withdraw/", views.owner_withdraw, name="owner_withdraw"),
    path("desk/owner/again/", views.owner_again, name="owner_again"),
    path("office/owners/", office.office_owners, name="office_owners"),
    path("office/owners/<str:code>/", office.office_owner, name="office_owner"),
    path("office/owner-changes/<int:pk>/", office.office_owner_change, name="office_owner_change"),
]
