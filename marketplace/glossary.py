"""The words of the trade, as the guide explains them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .errors import Text

TERMS: tuple[tuple[Text, Text], ...] = (
    (
        pgettext_lazy("glossary", "marketplace"),
        _("The place where public bodies must, and others may, select an intermediary service agency in the open."),
    ),
    (
        pgettext_lazy("glossary", "intermediary service agency"),
        _("A legal person that offers surveys, designs, appraisals and the like, and was admitted here."),
    ),
    (
        pgettext_lazy("glossary", "project owner"),
        _("Who needs the service: a public body, an enterprise or a person."),
    ),
    (
        pgettext_lazy("glossary", "marketplace office"),
        _("Runs the marketplace: checks entries and notices, takes complaints. Two people check and publish."),
    ),
    (
        pgettext_lazy("glossary", "industry authority"),
        _("Answers for the rules of a service item and judges complaints about it."),
    ),
    (pgettext_lazy("glossary", "supervision"), _("Watches all others, sees everything, decides nothing.")),
    (
        pgettext_lazy("glossary", "purchase notice"),
        _("What is wanted, for which price, with which funds, how and when the agency is selected."),
    ),
    (
        pgettext_lazy("glossary", "sign-up"),
        _("An agency takes part in a selection; it may withdraw until the deadline."),
    ),
    (
        pgettext_lazy("glossary", "random selection"),
        _("The owner fixes the price; the winner and an ordered wait list are drawn from all valid sign-ups, live."),
    ),
    (
        pgettext_lazy("glossary", "award notice"),
        _("Names the winner and the wait list; from its publication the time for complaints runs."),
    ),
    (
        pgettext_lazy("glossary", "publicity period"),
        _("The working days in which everybody may object before an entry or an award takes effect."),
    ),
    (
        pgettext_lazy("glossary", "wait list"),
        _("Who moves up, in the order drawn, when the winner declines. Nobody draws again."),
    ),
    (
        pgettext_lazy("glossary", "failed selection"),
        _("Too few agencies signed up, also after one extension; the owner may publish again."),
    ),
    (
        pgettext_lazy("glossary", "avoidance"),
        _("An agency must keep away from a task; name and reason are printed on the notice."),
    ),
    (
        pgettext_lazy("glossary", "complaint"),
        _("Filed within 3 working days of the award notice; answered within 2, decided within 15 working days."),
    ),
    (
        pgettext_lazy("glossary", "all defects at once"),
        _("Whoever returns a document names everything that is wrong with it, in one go."),
    ),
    (
        pgettext_lazy("glossary", "transcript"),
        _("One file with the whole record of a draw, by which anyone can check it without this site."),
    ),
)
