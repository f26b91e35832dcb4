"""Between machines the doorbell rings through Redis."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings

from marketplace import events

pytestmark = pytest.mark.services


async def test_the_doorbell_rings_through_redis() -> None:
    assert settings.REDIS_URL, "set REDIS_URL"
    layer = get_channel_layer()
    assert "redis" in type(layer).__module__
    channel = await layer.new_channel()
    await layer.group_add(events.DOORBELL_GROUP, channel)
    await sync_to_async(events.ring)("session:S1", 7)
    message = await asyncio.wait_for(layer.receive(channel), 5)
    assert message == {"type": "doorbell.ring", "stream": "session:S1", "seq": 7}
    await layer.group_discard(events.DOORBELL_GROUP, channel)
