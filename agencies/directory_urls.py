"""Addresses of the public pages about agencies; an agency's own page, which takes any word, comes after all of them."""

from django.urls import path

from . import directory_views, recommendation_views

urlpatterns = [
    path("agencies/", directory_views.agency_list, name="agency_list"),
    path("agencies/publicity/", directory_views.agency_publicity, name="agency_publicity"),
    path("agencies/penalties/", directory_views.agency_penalties, name="agency_penalties"),
    path("recommendations/<str:code>/", recommendation_views.recommendation, name="recommendation"),
    path("recommendations/<str:code>/list.csv", recommendation_views.recommendation_csv, name="recommendation_csv"),
    path(
        "recommendations/<str:code>/list.json", recommendation_views.recommendation_json, name="recommendation_json"
    ),
]
