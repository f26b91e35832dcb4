"""Sentences of Django and allauth that our catalogue says in its own words, or that theirs lacks in Chinese.

An application's catalogue wins over the framework's. They are named here so that whoever extracts messages finds them.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop, ngettext_lazy

SENTENCES = (
    gettext_noop("This field is required."),
    gettext_noop("Enter a valid email address."),
    gettext_noop("Enter a whole number."),
    gettext_noop("Ensure this value is greater than or equal to %(limit_value)s."),
    gettext_noop("Ensure this value is less than or equal to %(limit_value)s."),
    gettext_noop("A user with that username already exists."),
    gettext_noop("Successfully signed in as %(name)s."),
)
COUNTED = (
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
)
