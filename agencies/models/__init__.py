"""The tables of registration, people, changes, credit and exit."""

from .cases import Change, ChangeFile, DataImport, EntryObjection, PreCheck
from .credit import CreditEntry, CreditPetition, CreditRule, Penalty, ServiceRecord
from .entry import BASIS, Agency, IdKind
from .grams import AgencyGram
from .offers import AgencyItem, Qualification, QualificationUse
from .people import AgencyDocument, AuthorisedAgent, Practitioner

__all__ = [
    "BASIS",
    "Agency",
    "AgencyDocument",
    "AgencyGram",
    "AgencyItem",
    "AuthorisedAgent",
    "Change",
    "ChangeFile",
    "CreditEntry",
    "CreditPetition",
    "CreditRule",
    "DataImport",
    "EntryObjection",
    "IdKind",
    "Penalty",
    "Practitioner",
    "PreCheck",
    "Qualification",
    "QualificationUse",
    "ServiceRecord",
]
