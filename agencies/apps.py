from django.apps import AppConfig


class AgenciesConfig(AppConfig):
    name = "agencies"

    def ready(self) -> None:
        # Reached only through dotted paths of the settings; a page may show its events and letters before that.
        from . import expiry  # noqa: F401
