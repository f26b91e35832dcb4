"""Socket routes."""

from typing import Any

from django.urls import path

from .consumers import stream_socket

# Django's path() wants a view; the router of Channels calls an ASGI application in its place.
_application: Any = stream_socket

websocket_urlpatterns = [path("ws/streams/<str:name>/", _application, name="stream_socket")]
