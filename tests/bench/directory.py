"""What a page of the directory costs at many agencies, beside the same page at few: the ratio, in one run.

    python -m tests.bench.directory --rows 1000 100000 [--rounds 15] [--only word] [--keep FOLDER]

Fills one database for each number of agencies, SQLite files or, where DATABASE_URL names a PostgreSQL server, databases
of their own, and asks for whole pages through Django's test client, the sizes taking turns. Prints a table: the case, its
page, the median in ms at each size, the ratio, the rows each page shows and how many agencies fit. Processor time on
SQLite, which works inside the process; time on the clock on PostgreSQL. Nothing is written to the database that DATABASE_URL names.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)
PLACES = ["江西", "瑞昌", "九江", "南昌", "浔阳", "柴桑", "武汉", "上海", "杭州", "深圳"]
TRADES = [
    "工程咨询",
    "测绘",
    "环境检测",
    "勘察设计",
    "造价咨询",
    "招标代理",
    "安全评价",
    "会计师",
    "规划设计",
    "房地产评估",
]
TAILS = ["有限公司", "有限责任公司", "事务所", "研究院", "集团有限公司"]
SYLLABLES = "华信诚达宏远博瑞天正大地金鼎恒泰中科建联安平嘉和明德永兴众鑫盛世方圆东方长江赣北庐山鄱阳"
STATES = {
    "active": 900,
    "committed": 20,
    "publicity": 20,
    "suspended": 25,
    "removed": 15,
    "withdrawn": 10,
    "draft": 10,
}
CASES: dict[str, dict[str, str]] = {
    "all": {},
    "state=active": {"state": "active"},
    "state=removed": {"state": "removed"},
    "origin": {"origin": "local"},
    "stars=5": {"stars": "5"},
    "stars=1": {"stars": "1"},
    "way=commitment": {"way": "commitment"},
    "class": {"service_class": "1"},
    "item, of many": {"item": "COMMON"},
    "item, of few": {"item": "RARE"},
    "q, one character": {"q": "华"},
    "q, in most names": {"q": "有限公司"},
    "q, a trade": {"q": "工程咨询"},
    "q, a name": {"q": "NAME"},
    "q, a code": {"q": "CODE"},
    "q, part of every code": {"q": "60481"},
    "q, tail of a code": {"q": "CODE_TAIL"},
    "q, nothing": {"q": "不存在的名称"},
    "q, nothing, of common pairs": {"q": "司有限公"},
    "state, origin, stars": {"state": "active", "origin": "local", "stars": "4"},
    "suspended, two stars": {"state": "suspended", "stars": "2"},
    "removed, commitment": {"state": "removed", "way": "commitment"},
    "class, removed": {"service_class": "2", "state": "removed"},
    "class, origin, five stars": {"service_class": "3", "origin": "province", "stars": "5"},
    "item, suspended": {"item": "COMMON", "state": "suspended"},
    "item, one star": {"item": "COMMON", "stars": "1"},
    "item, origin, stars": {"item": "COMMON", "origin": "city", "stars": "4"},
    "item, class of another": {"item": "COMMON", "service_class": "4"},
    "q, item": {"q": "测绘", "item": "COMMON"},
    "q, class, active": {"q": "咨询", "service_class": "1", "state": "active"},
    "q, removed": {"q": "有限公司", "state": "removed"},
    "everything": {
        "q": "咨询", "state": "active", "origin": "local", "stars": "5", "way": "check_first", "item": "COMMON",
    },
}  # fmt: skip


def set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    import django

    django.setup()


def fill(rows: int) -> None:
    """A world of so many agencies, the same for the same number. Names, states, places, stars and items are mixed."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from agencies import directory
    from agencies.models import Agency, AgencyGram, AgencyItem, Qualification, QualificationUse
    from marketplace import catalogue, parameters
    from marketplace.models import Organisation, Requirement, ServiceItem, User
    from tests.factories import credit_code

    call_command("migrate", verbosity=0)
    if Agency.objects.count() >= rows:
        return
    dice = random.Random(rows)
    with transaction.atomic():
        catalogue.load()
        parameters.load_file("parameters.json")
        checker = User.objects.create(username="bench")
        items = list(ServiceItem.objects.order_by("pk"))
        # The first item is offered by a quarter, the last ones by a handful, however many agencies there are.
        asked = {one.item_id: one for one in Requirement.objects.exclude(kind="commitment").filter(is_mandatory=True)}
        states, weights = list(STATES), list(STATES.values())
        for begin in range(0, rows, 5000):
            span = range(begin, min(rows, begin + 5000))
            organisations = Organisation.objects.bulk_create(
                Organisation(kind="agency", name=_name(dice), code=credit_code(n * 271 + 7)) for n in span
            )
            agencies = []
            for organisation in organisations:
                state = dice.choices(states, weights)[0]
                since = AT - timedelta(minutes=dice.randrange(2_000_000))
                marks = dice.choice([0, 0, dice.randrange(40)])
                agencies.append(
                    Agency(
                        organisation=organisation, state=state, sort_name=organisation.name,
                        sort_code=organisation.code, origin=dice.choice(Agency.Origin.values),
                        stars=dice.choices([5, 4, 3, 2, 1], [60, 25, 10, 3, 2])[0],
                        way="commitment" if state == "committed" or dice.random() < 0.1 else "check_first",
                        registered_at=since, active_since=since, submitted_at=since,
                        publicity_from=since, publicity_until=since + timedelta(days=7), checked_by=checker,
                        checked_at=since, on_commitment=state == "committed", commitment_signed_at=since,
                        documents_due=since, suspended_until=AT + timedelta(days=dice.randrange(90)),
                        left_at=since, left_reason="x", introduction="简介" * 60,
                        form_check_derivation={"filler": "x" * 600}, publicity_derivation={"filler": "x" * 600},
                        services_done=marks + dice.choice([0, 0, 3]), quality_count=marks,
                        quality_sum=sum(dice.randrange(3, 6) for _ in range(marks)),
                    )
                )  # fmt: skip
            Agency.objects.bulk_create(agencies)
            offered = [
                AgencyItem(agency=agency, item=item, sort_name=agency.sort_name)
                for agency in agencies
                for item in {
                    items[int(len(items) * dice.random() ** 2.2)] if dice.random() < 0.98 else items[0]
                    for _ in range(4)
                }
                if item.pk != items[-1].pk
            ]
            offered += [
                AgencyItem(agency=agency, item=items[-1], sort_name=agency.sort_name)
                for n, agency in zip(span, agencies, strict=True)
                if n * 20 // rows != (n - 1) * 20 // rows
            ]
            offered = AgencyItem.objects.bulk_create(offered)
            entitled = [entry for entry in offered if entry.item_id in asked and dice.random() < 0.9]
            papers = Qualification.objects.bulk_create(
                Qualification(
                    agency=entry.agency, kind=asked[entry.item_id].kind, name="证书", number=f"No {entry.item_id}",
                    valid_from=date(2024, 1, 1), valid_until=date(2028, 12, 31), checked=True,
                )
                for entry in entitled
            )  # fmt: skip
            QualificationUse.objects.bulk_create(
                QualificationUse(agency_item=entry, requirement=asked[entry.item_id], qualification=paper)
                for entry, paper in zip(entitled, papers, strict=True)
            )
            gram_rows = [
                (gram, agency.sort_name, agency.pk)
                for agency in agencies
                for gram in directory.grams(agency.sort_name, agency.sort_code)
            ]
            with connection.cursor() as cursor:
                table = AgencyGram._meta.db_table
                sql = f"INSERT INTO {table} (gram, sort_name, agency_id) VALUES "
                if connection.vendor == "sqlite":
                    cursor.executemany(f"{sql}(%s, %s, %s)", gram_rows)
                else:
                    with cursor.copy(f"COPY {table} (gram, sort_name, agency_id) FROM STDIN") as copy:
                        for row in gram_rows:
                            copy.write_row(row)
            print(f"  {span.stop} agencies", file=sys.stderr, flush=True)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _name(dice: random.Random) -> str:
    own = "".join(dice.choice(SYLLABLES) for _ in range(dice.choice([2, 2, 3, 4])))
    return f"{dice.choice(PLACES)}{dice.choice(['', '省', '市'])}{own}{dice.choice(TRADES)}{dice.choice(TAILS)}"


# ---------- one size, in a process of its own ----------


def serve() -> None:
    """Answer lines on standard input: `fill N`, or a query string; print ms, rows and queries."""
    import json

    set_up()
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from agencies import directory, queries
    from agencies.models import Agency
    from marketplace import clock
    from marketplace.models import ServiceItem

    settings.LANGUAGE_CODE = "en"
    clock.now = lambda: AT
    # SQLite works inside this process: its processor time leaves out what other programs take meanwhile.
    watch = time.process_time if connection.vendor == "sqlite" else time.perf_counter
    client = Client()
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        answer: dict[str, Any] = {}
        if command == "fill":
            fill(int(rest))
            some = list(Agency.objects.filter(state="active").order_by("sort_name", "pk")[:1001:100])
            name = some[-1].name
            answer = {
                "NAME": name, "CODE": some[-1].code, "CODE_TAIL": some[-1].code[-7:],
                "COMMON": ServiceItem.objects.order_by("pk").first().pk,
                "RARE": ServiceItem.objects.order_by("pk").last().pk, "vendor": connection.vendor,
            }  # fmt: skip
        elif command == "edge":
            # Where the middle and the last page begin: keys of the agencies before them.
            asked = directory.Conditions(**json.loads(rest))
            lists = directory._lists(asked)
            keys = [row[1] for row in directory._walk(lists[0], asked).order_by("sort_name", lists[0].key)]
            answer = {"deep": keys[len(keys) // 2] if len(keys) > 75 else None,
                      "last": keys[-26] if len(keys) > 50 else None, "count": len(keys)}  # fmt: skip
        elif command == "eligible":
            item = ServiceItem.objects.get(pk=rest)
            begun = watch()
            found = queries.eligible_agencies(item, AT.date()).order_by().count()
            answer = {"ms": (watch() - begun) * 1000, "rows": found}
        else:
            begun = watch()
            response = client.get(rest)
            answer = {"ms": (watch() - begun) * 1000, "status": response.status_code}
            body = response.content.decode()
            answer["rows"] = body.count('<th scope="row">') + body.count('<li class="panel">')
        print(json.dumps(answer), flush=True)


class Size:
    """A process with a database of its own."""

    def __init__(self, rows: int, folder: Path) -> None:
        self.rows = rows
        environment = dict(os.environ, VAR_DIR=str(folder / f"var{rows}"), BENCH_SERVE="1")
        if url := os.environ.get("DATABASE_URL"):
            base = url.rsplit("/", 1)[0]
            name = f"directory_bench_{rows}"
            subprocess.run(
                ["psql", "-q", f"{base}/postgres", "-c", f'CREATE DATABASE "{name}"'], stderr=subprocess.DEVNULL
            )
            environment["DATABASE_URL"] = f"{base}/{name}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.directory"],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, line: str) -> dict[str, Any]:
        import json

        assert self.process.stdin and self.process.stdout
        print(line, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"the process of {self.rows} agencies ended")
        found: dict[str, Any] = json.loads(answer)
        return found


def main() -> None:
    import json
    from urllib.parse import urlencode

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path, help="folder of the SQLite files, used again when it is full already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sizes = [Size(rows, given.keep or Path(scratch)) for rows in given.rows]
        words = [size.ask(f"fill {size.rows}") for size in sizes]
        print(f"{words[0]['vendor']}; median ms of {given.rounds} at {' and '.join(map(str, given.rows))} agencies")
        worst = 0.0
        for case, conditions in CASES.items():
            if given.only not in case:
                continue
            asked = [{key: word.get(value, value) for key, value in conditions.items()} for word in words]
            edges = []
            for size, query in zip(sizes, asked, strict=True):
                fields = {("text" if key == "q" else key): value for key, value in query.items()}
                if "stars" in fields:
                    fields["stars"] = int(fields["stars"])  # type: ignore[assignment]
                edges.append(size.ask(f"edge {json.dumps(fields)}"))
            for page in ("first", "deep", "last"):
                if page != "first" and edges[-1][page] is None:
                    continue
                lines = []
                for query, edge in zip(asked, edges, strict=True):
                    after = {"after": edge[page]} if page != "first" and edge[page] else {}
                    lines.append(f"get /agencies/?{urlencode({**query, **after})}")
                worst = max(worst, report(case, page, sizes, lines, given.rounds, [edge["count"] for edge in edges]))
        for item in ("COMMON", "RARE"):
            if given.only in f"recommendation, {item}":
                lines = [f"get /recommendations/{word[item]}/" for word in words]
                worst = max(worst, report(f"recommendation, {item}", "first", sizes, lines, given.rounds))
                lines = [f"eligible {word[item]}" for word in words]
                report(f"all eligible, {item} (one query)", "-", sizes, lines, 3)
        print(f"worst of the pages that show the same number of rows: {worst:.2f}")
        for size in sizes:
            assert size.process.stdin
            size.process.stdin.close()
            size.process.wait()


def report(case: str, page: str, sizes: list[Size], lines: list[str], rounds: int, counts: Any = "") -> float:
    times: list[list[float]] = [[] for _ in sizes]
    ratios = []
    for turn in range(rounds + 2):
        answers = [size.ask(line) for size, line in zip(sizes, lines, strict=True)]
        if turn >= 2:
            for series, answer in zip(times, answers, strict=True):
                series.append(answer["ms"])
            ratios.append(answers[-1]["ms"] / answers[0]["ms"])
    medians = "  ".join(f"{statistics.median(series):7.1f}" for series in times)
    ratio = statistics.median(ratios)
    rows = [answer["rows"] for answer in answers]
    print(f"{case:34} {page:5}  {medians}   {ratio:5.2f}   rows {rows} of {counts}", flush=True)
    # A page that shows more rows is another page.
    return ratio if rows[0] == rows[-1] else 0.0


if __name__ == "__main__":
    if os.environ.get("BENCH_SERVE"):
        serve()
    else:
        main()
