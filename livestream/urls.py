"""Addresses of the live pages and of the log over HTTP."""

from django.urls import path

from . import views

urlpatterns = [
    path("streams/<str:name>/events", views.stream_events, name="stream_events"),
    path("live/<str:sid>/", views.live_page, name="live_page"),
    path("live/<str:sid>/hall/", views.live_hall, name="live_hall"),
    path("live/<str:sid>/replay/", views.live_replay, name="live_replay"),
]
