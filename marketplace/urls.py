"""Every address of the site. Each app brings its own; this is the only module that knows them all."""

from django.urls import include, path

from . import pages, rules_page, styleguide, uploads
from .preferences import set_preferences

urlpatterns = [
    path("desk/", pages.desk, name="desk"),
    path("messages/", pages.messages, name="messages"),
    path("catalogue/", pages.catalogue, name="catalogue"),
    path("catalogue/<str:code>/", pages.catalogue_item, name="catalogue_item"),
    path("rules/", rules_page.rules, name="rules"),
    path("help/", pages.guide, name="help"),
    path("about/", pages.about, name="about"),
    path("accessibility/", pages.accessibility, name="accessibility"),
    path("files/<uuid:pk>/", uploads.download, name="download"),
    path("preferences/", set_preferences, name="preferences"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    # The home page comes with the projects.
    path("", include("agencies.urls")),
    path("", include("projects.urls")),
    path("", include("livestream.urls")),
]
