"""The project's settings with the presenter of these tests, for servers that run beside them."""

from marketplace.settings import *  # noqa: F403

STREAM_PRESENTERS = {"session": "tests.livestream.presenter.present"}
