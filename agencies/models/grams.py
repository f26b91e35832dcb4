"""The index of names and credit codes: which agencies contain a few characters in a row."""

from __future__ import annotations

from django.db import models

from .entry import Agency


class AgencyGram(models.Model):
    """`gram` occurs in the agency's name or credit code; see `directory.grams`. Written by `directory.index_name`."""

    gram = models.CharField(max_length=3)
    # The agency's sort_name, so that those who contain a gram can be walked in the order of the directory.
    sort_name = models.CharField(max_length=120)
    agency = models.ForeignKey(Agency, models.CASCADE, related_name="grams")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gram", "sort_name", "agency"], name="agency_gram_once")]

    def __str__(self) -> str:
        return self.gram
