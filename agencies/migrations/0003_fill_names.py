"""Fill what the directory finds agencies by, for rows that were there before: sort_name, sort_code, and the grams.

The grams are those of `directory.grams` on the day this was written.
"""

from itertools import islice

from django.db import migrations

BATCH = 500


def grams(name, code):
    text = name.lower()
    found = {one for one in text if not one.isspace()}
    found |= {text[at : at + 2] for at in range(len(text) - 1)}
    for part in (text, code.lower()):
        found |= {part[at : at + 3] for at in range(len(part) - 2) if part[at : at + 3].isascii()}
    return found


def fill_names(apps, schema_editor):
    Agency = apps.get_model("agencies", "Agency")
    AgencyItem = apps.get_model("agencies", "AgencyItem")
    AgencyGram = apps.get_model("agencies", "AgencyGram")
    last = 0
    while True:
        found = Agency.objects.filter(pk__gt=last).order_by("pk").select_related("organisation")
        rows = list(found[:BATCH])
        if not rows:
            return
        last = rows[-1].pk
        for agency in rows:
            agency.sort_name, agency.sort_code = agency.organisation.name, agency.organisation.code
        Agency.objects.bulk_update(rows, ["sort_name", "sort_code"])
        names = {agency.pk: agency.sort_name for agency in rows}
        items = list(AgencyItem.objects.filter(agency__in=rows))
        for item in items:
            item.sort_name = names[item.agency_id]
        AgencyItem.objects.bulk_update(items, ["sort_name"], batch_size=BATCH)
        AgencyGram.objects.filter(agency__in=rows).delete()
        lines = (
            AgencyGram(gram=gram, sort_name=agency.sort_name, agency=agency)
            for agency in rows
            for gram in sorted(grams(agency.organisation.name, agency.organisation.code))
        )
        while part := list(islice(lines, 2000)):
            AgencyGram.objects.bulk_create(part)


class Migration(migrations.Migration):
    dependencies = [("agencies", "0002_agencies_in_full")]

    operations = [migrations.RunPython(fill_names, migrations.RunPython.noop)]
