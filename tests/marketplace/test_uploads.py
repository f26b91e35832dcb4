"""Files that are too large, too many or not what they seem: refused beside the field, and nothing typed is lost."""

from __future__ import annotations

import asyncio
import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.test import Client, RequestFactory

from marketplace import uploads
from marketplace.body_limit import SPOOLED, BodyLimit, TooLongRequests
from marketplace.errors import FieldErrors
from marketplace.models import Upload
from marketplace.upload_handlers import TooLargeFile
from marketplace.web_server import Request, Spool
from tests.factories import MONDAY, OrganisationFactory, pdf

LIMIT = 100_000
MIB = 1024 * 1024
TYPE = "multipart/form-data; boundary=B"


@pytest.fixture(autouse=True)
def _limits(settings: Any, tmp_path: Path) -> None:
    settings.LANGUAGE_CODE = "en"
    settings.UPLOADS_DIR = tmp_path / "uploads"
    settings.UPLOAD_MAX_BYTES = LIMIT


class Lazy(io.RawIOBase):
    """A form that is made while it is read: a text, a file of `size` bytes, a small file, another text."""

    HEAD = (
        b'--B\r\nContent-Disposition: form-data; name="before"\r\n\r\nfirst\r\n'
        b'--B\r\nContent-Disposition: form-data; name="big"; filename="big.pdf"\r\n'
        b"Content-Type: application/pdf\r\n\r\n"
    )
    TAIL = (
        b'\r\n--B\r\nContent-Disposition: form-data; name="small"; filename="small.pdf"\r\n'
        b"Content-Type: application/pdf\r\n\r\n%PDF- small %%EOF\r\n"
        b'--B\r\nContent-Disposition: form-data; name="after"\r\n\r\nlast\r\n--B--\r\n'
    )

    def __init__(self, size: int) -> None:
        self.length = len(self.HEAD) + size + len(self.TAIL)
        self.head, self.left, self.tail = self.HEAD, size, self.TAIL

    def read(self, size: int = -1) -> bytes:
        size = size if size > 0 else 65536
        if self.head:
            out, self.head = self.head[:size], self.head[size:]
        elif self.left:
            out = b"x" * min(size, self.left)
            self.left -= len(out)
        else:
            out, self.tail = self.tail[:size], self.tail[size:]
        return out


def parsed(size: int) -> Any:
    body = Lazy(size)
    environ = {"CONTENT_TYPE": TYPE, "CONTENT_LENGTH": str(body.length), "wsgi.input": body}
    return RequestFactory().request(REQUEST_METHOD="POST", **environ)


def test_a_file_beyond_the_limit_is_not_kept_and_everything_typed_around_it_is() -> None:
    tracemalloc.start()
    request = parsed(30 * MIB)
    big, small = request.FILES["big"], request.FILES["small"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (request.POST["before"], request.POST["after"]) == ("first", "last")
    assert isinstance(big, TooLargeFile)
    assert (big.name, big.size, big.read()) == ("big.pdf", 30 * MIB, b"")
    assert uploads.check(small) == "application/pdf"
    assert peak < 3 * MIB
    with pytest.raises(FieldErrors) as caught:
        uploads.check(big, "big")
    assert [str(said).replace("\xa0", " ") for said in caught.value.fields["big"]] == [
        "The file has 30.0 MB; at most 97.7 KB are accepted."
    ]


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
def test_a_file_up_to_the_limit_is_whole(size: int) -> None:
    big = parsed(size).FILES["big"]
    assert (big.size, len(big.read())) == (size, size)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("paper.pdf", b"MZ\x90\x00 program"),
        ("paper.pdf", b"%PDF-1.4 without an end"),
        ("list.csv", b"name,code\n"),
        ("list.xlsx", b"PK\x03\x04 PK\x05\x06"),
    ],
)
def test_only_papers_are_accepted_where_nothing_else_is_named(name: str, data: bytes) -> None:
    with pytest.raises(FieldErrors) as caught:
        uploads.check(SimpleUploadedFile(name, data, "application/pdf"), "scan")
    assert "Only PDF, PNG and JPEG" in str(caught.value.fields["scan"][0])


@pytest.mark.parametrize("data", [b"%PDF-1.4\n%%EOF", b"\x89PNG\r\n\x1a\nIEND", b"PK\x03\x04", b"a\x00b"])
def test_papers_and_binaries_are_no_spreadsheets(data: bytes) -> None:
    with pytest.raises(FieldErrors) as caught:
        uploads.check(SimpleUploadedFile("list.csv", data, "text/csv"), accept=uploads.SPREADSHEETS)
    assert "Only XLSX and CSV" in str(caught.value.fields["file"][0])


@pytest.mark.django_db
def test_an_organisation_has_a_quota_of_its_own(settings: Any, django_assert_num_queries: Any) -> None:
    one, other = OrganisationFactory(), OrganisationFactory()
    settings.UPLOAD_QUOTA_BYTES = (pdf().size or 0) * 2
    for _ in range(2):
        with django_assert_num_queries(2):
            uploads.store(pdf(), organisation=one, actor=None, at=MONDAY)
    with django_assert_num_queries(1), pytest.raises(FieldErrors) as caught:
        uploads.store(pdf(), organisation=one, actor=None, at=MONDAY, field="scan")
    assert "does not fit any more" in str(caught.value.fields["scan"][0])
    uploads.store(pdf(), organisation=other, actor=None, at=MONDAY)
    assert Upload.objects.count() == len([path for path in settings.UPLOADS_DIR.rglob("*") if path.is_file()]) == 3


# ---------- whole requests ----------


def received(scope: dict[str, Any], *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """What an application behind the limit receives until the disconnect."""
    queue = [*messages, {"type": "http.disconnect"}]
    got: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return queue.pop(0)

    async def application(_scope: Any, receive: Any, _send: Any) -> None:
        while not got or got[-1]["type"] != "http.disconnect":
            got.append(await receive())

    async def send(_message: Any) -> None:
        return None

    asyncio.run(BodyLimit(application)({"type": "http", "headers": [], **scope}, receive, send))
    return got


def piece(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


END, GONE = piece(b"", more=False), {"type": "http.disconnect"}


def test_a_request_that_declares_too_much_is_not_read(settings: Any) -> None:
    settings.REQUEST_MAX_BYTES = 5
    scope = {"headers": [(b"content-length", b"6")]}
    assert received(scope, piece(b"123"), piece(b"456", more=False)) == [END, GONE]


def test_a_request_that_grows_too_long_ends_there(settings: Any) -> None:
    settings.REQUEST_MAX_BYTES = 5
    assert received({}, piece(b"123"), piece(b"456"), piece(b"7", more=False)) == [piece(b"123"), END, GONE]
    plain = [piece(b"123"), piece(b"45", more=False)]
    assert received({}, *plain) == [*plain, GONE]


def test_a_spooled_body_comes_from_its_file_and_not_from_the_queue() -> None:
    scope = {SPOOLED: lambda: iter([b"123", b"456"])}
    assert received(scope, piece(b"", more=False)) == [piece(b"123"), piece(b"456"), END, GONE]


def test_django_itself_reads_through_the_limit() -> None:
    """Its own handler takes the pieces, and waits for nothing but the disconnect afterwards."""
    bodies: list[bytes] = []

    class Handler(ASGIHandler):
        def __init__(self) -> None:  # no middleware is needed
            self.request_class = ASGIRequest

        async def handle(self, scope: Any, receive: Any, send: Any) -> None:
            bodies.append((await self.read_body(receive)).read())
            assert (await receive())["type"] == "http.disconnect"

    async def run() -> None:
        queue = [END, GONE]

        async def receive() -> dict[str, Any]:
            return queue.pop(0)

        scope = {"type": "http", "headers": [], SPOOLED: lambda: iter([b"123", b"456"])}
        await BodyLimit(Handler())(scope, receive, receive)  # type: ignore[arg-type]

    asyncio.run(run())
    assert bodies == [b"123456"]


def test_the_server_keeps_nothing_of_what_is_too_long(settings: Any) -> None:
    settings.REQUEST_MAX_BYTES = 10
    spool = Spool()
    spool.write(b"12345")
    assert list(spool.pieces()) == [b"12345"]
    spool.write(b"6789012")
    assert (spool.tell(), spool.is_too_long, list(spool.pieces())) == (12, True, [])
    spool.write(b"3")
    assert (spool.tell(), spool.read(), list(spool.pieces())) == (13, b"", [])
    spool.close()
    assert spool.closed
    declared = Spool(11)
    declared.write(b"12345")
    assert (declared.is_too_long, list(declared.pieces())) == (True, [])


@pytest.mark.parametrize(("length", "spooled"), [(None, True), (99_999, False), (100_000, True)])
def test_twisted_parses_no_form_and_long_bodies_are_spooled(length: int | None, spooled: bool) -> None:
    request = Request.__new__(Request)
    request.gotLength(length)
    assert (request._parsePOSTFormSubmission, isinstance(request.content, Spool)) == (False, spooled)
    request.content.close()


@pytest.mark.django_db
def test_what_is_too_long_gets_a_page_that_says_the_limit(settings: Any, client: Client) -> None:
    settings.REQUEST_MAX_BYTES = 1000
    response = client.post("/preferences/", b"x" * 1001, content_type=TYPE)
    assert response.status_code == 413
    assert "larger than 1000\xa0bytes altogether" in response.content.decode()
    assert client.post("/preferences/", {"theme": "dark"}).status_code == 302


def test_the_middleware_stands_innermost(settings: Any) -> None:
    """Around it are the person and the language of its page; inside it nobody reads the body before it."""
    name = f"{TooLongRequests.__module__}.{TooLongRequests.__name__}"
    assert settings.MIDDLEWARE[-1] == name
