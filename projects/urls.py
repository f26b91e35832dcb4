"""The addresses of selection: the desks here, the public pages in `portal_urls`."""

from django.urls import include, path

from . import agency_views, views

urlpatterns = [
    path("", include("projects.portal_urls")),
    path("", include("projects.owner_urls")),
    path("desk/tasks/", views.owner_tasks, name="owner_tasks"),
    path("desk/tasks/new/", views.owner_task_new, name="owner_task_new"),
    path("desk/tasks/<str:code>/", views.owner_task, name="owner_task"),
    path("desk/tasks/<str:code>/edit/", views.owner_task_edit, name="owner_task_edit"),
    path("desk/tasks/<str:code>/submit/", views.owner_task_submit, name="owner_task_submit"),
    path("desk/tasks/<str:code>/service/", views.owner_task_service, name="owner_task_service"),
    path("office/tasks/", views.office_tasks, name="office_tasks"),
    path("office/tasks/<str:code>/", views.office_task, name="office_task"),
    path("desk/open-tasks/", agency_views.open_tasks, name="open_tasks"),
    path("desk/sign-ups/", agency_views.my_sign_ups, name="my_sign_ups"),
    path("desk/sign-ups/<int:pk>/", agency_views.receipt, name="receipt"),
    path("desk/sign-ups/<int:pk>/receipt.json", agency_views.receipt_json, name="receipt_json"),
    path("notices/<str:code>/sign-up/", agency_views.sign_up, name="sign_up"),
    path("notices/<str:code>/withdraw/", agency_views.withdraw, name="withdraw"),
    path("live/<str:sid>/pot/", agency_views.throw_into_pot, name="throw_into_pot"),
]
