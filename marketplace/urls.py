"""Every address of the site. Each app brings its own; this is the only module that knows them all."""

from django.urls import include, path

from . import access_views, pages, reading, rules_page, styleguide, uploads, work_desk
from .preferences import set_preferences

urlpatterns = [
    path("desk/", pages.desk, name="desk"),
    path("messages/", pages.messages, name="messages"),
    path("office/work/", work_desk.office_work, name="office_work"),
    path("office/work/take/", work_desk.office_take, name="office_take"),
    path("office/work/reassign/", work_desk.office_reassign, name="office_reassign"),
    path("office/read/", reading.office_read, name="office_read"),
    path("catalogue/", pages.catalogue, name="catalogue"),
    path("catalogue/<str:code>/", pages.catalogue_item, name="catalogue_item"),
    path("rules/", rules_page.rules, name="rules"),
    path("help/", pages.guide, name="help"),
    path("about/", pages.about, name="about"),
    path("accessibility/", pages.accessibility, name="accessibility"),
    path("files/<uuid:pk>/", uploads.download, name="download"),
    path("preferences/", set_preferences, name="preferences"),
    path("desk/organisation/members/", access_views.organisation_members, name="organisation_members"),
    path("invitation/<str:code>/", access_views.invitation, name="invitation"),
    path("access/claim/", access_views.access_claim, name="access_claim"),
    path("office/claims/<int:pk>/", access_views.office_claim, name="office_claim"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    # The home page comes with the projects.
    path("", include("agencies.urls")),
    path("", include("projects.urls")),
    path("", include("livestream.urls")),
]
