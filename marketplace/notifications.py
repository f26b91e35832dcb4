"""Notifications and their outbox. A message is a row of the transaction that caused it; sending comes after, and is retried.

Each kind of message registers its words; a reader sees them in his own language. The same `key` reaches a person once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils.translation import override

from .errors import Text
from .models import Notification, OutboxMessage, User

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
RETRIES = (1, 5, 30, 120, 600)  # minutes before each further try


@dataclass(frozen=True)
class Words:
    subject: Text
    body: Text


_words: dict[str, Words] = {}


def register(kind: str, subject: Text, body: Text) -> str:
    """Declare a kind of message; both texts are format strings over its params. Returns the kind."""
    _words[kind] = Words(subject, body)
    return kind


def kinds() -> dict[str, Words]:
    return dict(_words)


def words(notification: Notification) -> tuple[str, str]:
    """(subject, body) in the active language."""
    entry = _words[notification.kind]
    return str(entry.subject).format(**notification.params), str(entry.body).format(**notification.params)


def notify(
    users: Iterable[User], kind: str, params: dict[str, Any], *, key: str, at: datetime, link: str = ""
) -> int:
    """Put one message to each person into the outbox, in the caller's transaction; returns how many were new."""
    new = 0
    for user in users:
        notification, created = Notification.objects.get_or_create(
            user=user, key=key, defaults={"kind": kind, "params": params, "link": link, "created_at": at}
        )
        if created:
            new += 1
            if user.email:
                OutboxMessage.objects.create(
                    notification=notification, channel="email", address=user.email, due_at=at
                )
    return new


def mark_read(user: User, *, at: datetime, pk: int | None = None) -> int:
    """Mark one of the person's messages, or all of them, as read; returns how many were unread."""
    unread = Notification.objects.filter(user=user, read_at=None)
    return (unread if pk is None else unread.filter(pk=pk)).update(read_at=at)


def settle(kind: str, link: str, *, at: datetime) -> int:
    """The work a message called for is done: it is read for everybody who had it. Returns how many were unread."""
    return Notification.objects.filter(kind=kind, link=link, read_at=None).update(read_at=at)


def _claim(now: datetime) -> OutboxMessage | None:
    """Take one waiting message for the time of the lease; a sender that dies leaves it to the next."""
    with transaction.atomic():
        message = (
            OutboxMessage.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(state=OutboxMessage.State.WAITING, due_at__lte=now)
            .order_by("due_at", "pk")
            .first()
        )
        if message is not None:
            message.due_at = now + LEASE
            message.attempts += 1
            message.save(update_fields=["due_at", "attempts"])
        return message


def send_due(now: datetime, limit: int = 5) -> int:
    """Send waiting messages, oldest first; returns how many left. A failed one is tried again after a growing pause.

    `limit` times settings.EMAIL_TIMEOUT stays below LEASE, so that no second sender takes a message that is being sent.
    """
    sent = 0
    for _ in range(limit):
        message = _claim(now)
        if message is None:
            break
        try:
            with override(settings.LANGUAGE_CODE):
                subject, text = words(message.notification)
            # A name may hold a line break, which no header may.
            send_mail(" ".join(subject.split()), text, settings.DEFAULT_FROM_EMAIL, [message.address])
        except Exception as error:  # whatever a mail server may do, the message is kept
            logger.warning("message %s not sent: %s", message.pk, error)
            message.last_error = (str(error) or type(error).__name__)[:200]
            if message.attempts > len(RETRIES):
                message.state = OutboxMessage.State.FAILED
            else:
                message.due_at = now + timedelta(minutes=RETRIES[message.attempts - 1])
        else:
            message.state, message.sent_at = OutboxMessage.State.SENT, now
            sent += 1
        message.save(update_fields=["state", "sent_at", "due_at", "last_error"])
    return sent
