"""Addresses of the portal: what everybody may read about selections."""

from django.urls import path

from . import feeds, notice_page, portal, verify_pages

urlpatterns = [
    path("", portal.home, name="home"),
    path("notices/", portal.notice_list, name="notice_list"),
    path("notices.csv", portal.notice_csv, name="notice_csv"),
    path("notices.rss", feeds.notice_rss, name="notice_rss"),
    path("notices/<str:code>/", notice_page.notice_detail, name="notice_detail"),
    path("notices/<str:code>/transcript.json", notice_page.transcript, name="transcript"),
    path("live/", portal.live_list, name="live_list"),
    path("verify/", verify_pages.verify_page, name="verify_page"),
    path("verify/verify.py", verify_pages.verify_py, name="verify_py"),
    path("how-it-works/", portal.how_it_works, name="how_it_works"),
]
