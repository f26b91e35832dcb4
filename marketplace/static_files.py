"""Which vendored files are shipped: the minified Bootstrap and htmx 2, with the source maps their last lines name."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class Static(StaticFilesConfig):
    # The manifest storage follows `sourceMappingURL`, so the maps of the files that stay must stay too.
    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "*.rtl.*",
        "bootstrap-grid*",
        "bootstrap-reboot*",
        "bootstrap-utilities*",
        "bootstrap.esm*",
        "bootstrap.js*",
        "bootstrap.css*",
        "bootstrap.min.js*",
        "bootstrap.bundle.js*",
        "htmx-4*",
        "htmax*",
        "ext",
    ]
