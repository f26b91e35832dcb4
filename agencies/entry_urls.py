"""Addresses of registration and of the agency's own pages of its entry."""

from django.urls import path

from . import certificate_views, entry_views, objection_views, people_views, views

urlpatterns = [
    path("agencies/register/", views.agency_register, name="agency_register"),
    path("agencies/demo-documents.zip", views.demo_documents, name="demo_documents"),
    path("agencies/<str:code>/objection/", objection_views.agency_objection, name="agency_objection"),
    path("desk/agency/", entry_views.agency_entry, name="agency_entry"),
    path("desk/agency/data/", entry_views.agency_data, name="agency_data"),
    path("desk/agency/documents/", entry_views.agency_documents, name="agency_documents"),
    path("desk/agency/checklist/", entry_views.agency_checklist, name="agency_checklist"),
    path("desk/agency/items/", entry_views.agency_items, name="agency_items"),
    path("desk/agency/qualifications/", certificate_views.agency_qualifications, name="agency_qualifications"),
    path("desk/agency/qualifications/add/", certificate_views.qualification_add, name="qualification_add"),
    path("desk/agency/qualifications/<int:pk>/", certificate_views.qualification_change, name="qualification_change"),
    path(
        "desk/agency/qualifications/<int:pk>/remove/",
        certificate_views.qualification_remove,
        name="qualification_remove",
    ),
    path("desk/agency/agents/", people_views.agency_agents, name="agency_agents"),
    path("desk/agency/agents/add/", people_views.agent_add, name="agent_add"),
    path("desk/agency/agents/<int:pk>/", people_views.agent_change, name="agent_change"),
    path("desk/agency/agents/<int:pk>/remove/", people_views.agent_remove, name="agent_remove"),
    path("desk/agency/practitioners/", people_views.agency_practitioners, name="agency_practitioners"),
    path("desk/agency/practitioners/add/", people_views.practitioner_add, name="practitioner_add"),
    path("desk/agency/practitioners/<int:pk>/", people_views.practitioner_change, name="practitioner_change"),
    path("desk/agency/practitioners/<int:pk>/remove/", people_views.practitioner_remove, name="practitioner_remove"),
    path("desk/agency/submission/", entry_views.agency_submission, name="agency_submission"),
    path("desk/agency/commitment/", entry_views.agency_commitment, name="agency_commitment"),
    path("desk/agency/submit/", entry_views.agency_submit, name="agency_submit"),
    path("desk/agency/commit/", entry_views.agency_commit, name="agency_commit"),
    path("desk/agency/supply/", entry_views.agency_supply, name="agency_supply"),
    path("desk/agency/precheck/", entry_views.agency_precheck, name="agency_precheck"),
    path("desk/agency/begin-again/", entry_views.agency_begin_again, name="agency_begin_again"),
]
