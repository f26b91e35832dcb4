"""All settings, in one file, from the environment. Each key is explained beside it.

What an installation owns (database, uploads, keys) lies in VAR_DIR; nothing secret is in the database or in git.
"""

import os
import secrets
from pathlib import Path

import bootstrap_wrapper
import dj_database_url
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def env_bool(name: str, default: bool) -> bool:
    return env(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


# VAR_DIR: the one folder an installation owns and backs up.
VAR_DIR = Path(env("VAR_DIR", str(BASE_DIR / "var"))).resolve()
# KEYS_DIR: the signing key and the key that seals secrets. Put it on another disk than the database.
KEYS_DIR = Path(env("KEYS_DIR", str(VAR_DIR / "keys"))).resolve()
UPLOADS_DIR = VAR_DIR / "uploads"


def _own_secret_key() -> str:
    """A random key made at the first start and kept in KEYS_DIR, so that no default key can go into production."""
    path = KEYS_DIR / "django.key"
    KEYS_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        # Written whole before it gets its name: a process that starts at the same time must not read half a key.
        staged = KEYS_DIR / f".django.key.{secrets.token_hex(8)}"
        with open(os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(staged, path)
        except FileExistsError:
            pass
        finally:
            staged.unlink()
    return path.read_text()


SECRET_KEY = env("SECRET_KEY") or _own_secret_key()
DEBUG = env_bool("DEBUG", False)
ALLOWED_HOSTS = env("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1],testserver").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in env("CSRF_TRUSTED_ORIGINS").split(",") if origin]
# HTTPS=1 behind a TLS proxy: secure cookies, HSTS, and the proxy's header is believed.
HTTPS = env_bool("HTTPS", False)

# What the page head and foot say about the host of this installation.
SITE_NAME = env("SITE_NAME", "阳光中介超市")
SITE_HOST_NAME = env("SITE_HOST_NAME", "瑞昌市政务服务管理局")
SITE_OFFICE_NAME = env("SITE_OFFICE_NAME", "中介超市协管办")
SITE_PHONE = env("SITE_PHONE", "0792-0000000")
SITE_CODE = env("SITE_CODE", "")
SITE_ICP = env("SITE_ICP", "")
# LOG_ORIGIN and LOG_NAME name the key that signs receipts and results; verifiers pin LOG_NAME=public key.
LOG_ORIGIN = env("LOG_ORIGIN", "localhost/sunshine-marketplace")
LOG_NAME = env("LOG_NAME", "sunshine-marketplace")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "marketplace.static_files.Static",
    "channels",
    "django_filters",
    "django_fsm",
    "django_htmx",
    "lucide",
    # Before allauth: its pages wear our templates.
    "marketplace",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "agencies",
    "projects",
    "livestream",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "marketplace.middleware.WholeAddresses",
    # Compresses what has no ready-made compressed file; pages pad their secrets against guessing by length.
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "marketplace.reading.Onwards",
    "marketplace.middleware.ContentSecurityPolicy",
    "marketplace.middleware.DomainErrors",
    "marketplace.body_limit.TooLongRequests",
]

ROOT_URLCONF = "marketplace.urls"
ASGI_APPLICATION = "marketplace.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketplace.preferences.preferences",
            ],
            "builtins": ["marketplace.templatetags.ui"],
        },
    },
]

# DATABASE_URL: postgres://… beyond one machine; by default SQLite in VAR_DIR.
DATABASES = {
    "default": dj_database_url.parse(
        env("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'marketplace.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a writer takes its lock at BEGIN and waits, instead of failing half-way with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# REDIS_URL: the doorbell between processes. Without it every process looks at the log by itself, twice a second.
REDIS_URL = env("REDIS_URL")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": env("REDIS_PREFIX", "marketplace")},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

# LIVE_MAX_VIEWERS: sockets of one process; a viewer beyond them reads the same events over plain HTTP.
LIVE_MAX_VIEWERS = int(env("LIVE_MAX_VIEWERS", "10000"))

AUTH_USER_MODEL = "marketplace.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_USER_DISPLAY = "marketplace.accounts.display_name"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "desk"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [("vendor/bootstrap", bootstrap_wrapper.get_bootstrap_dir())]
# MANIFEST=1, after `manage.py collectstatic`: hashed, ready compressed files with far-future caching.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(UPLOADS_DIR)}},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if env_bool("MANIFEST", False)
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not env_bool("MANIFEST", False)
# Without a manifest nothing was collected: files are found where they lie, at each request.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS
# UPLOAD_MAX_BYTES: one certificate or attachment; larger files are refused beside their field.
UPLOAD_MAX_BYTES = int(env("UPLOAD_MAX_BYTES", str(10 * 1024 * 1024)))
# UPLOAD_QUOTA_BYTES: all files of one organisation together.
UPLOAD_QUOTA_BYTES = int(env("UPLOAD_QUOTA_BYTES", str(2 * 1024**3)))
# REQUEST_MAX_BYTES: a whole form with its files. Up to here a form with too large files comes back with all that was
# typed, beyond it the answer is 413. Two requests of this size may lie in the folder for temporary files at a time.
REQUEST_MAX_BYTES = int(env("REQUEST_MAX_BYTES", str(300 * 1024 * 1024)))
FILE_UPLOAD_HANDLERS = [
    "marketplace.upload_handlers.SizeLimit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# EMAIL_URL-style keys stay Django's own; by default letters are printed to the console.
EMAIL_BACKEND = env("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_HOST = env("EMAIL_HOST", "localhost")
EMAIL_PORT = int(env("EMAIL_PORT", "25"))
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
# EMAIL_TIMEOUT: seconds; a mail server that says nothing must not hold all later letters.
EMAIL_TIMEOUT = int(env("EMAIL_TIMEOUT", "20"))
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", False)
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", "noreply@localhost")

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

# Dotted paths the kernel calls without knowing the apps above it.
DEADLINE_SOURCES = [
    "agencies.deadlines.due",
    "agencies.credit_deadlines.due",
    "agencies.expiry.due",
    "projects.deadlines.due",
]
STREAM_PRESENTERS = {"session": "projects.presenters.present_session"}
DESK_CARDS = [
    "marketplace.work_desk.cards",
    "agencies.desk.desk_cards",
    "agencies.credit_desk.cards",
    "agencies.expiry.cards",
    "projects.cards.cards",
    "projects.owner_desk.cards",
    "agencies.import_desk.cards",
]
# OFFICE_WORK: each gives the open cases of its kind, `work(at) -> list[casework.Work]`, at most 200, earliest due first.
OFFICE_WORK = [
    "agencies.change_desk.work",
    "agencies.credit_desk.work",
    "agencies.desk.entry_work",
    "agencies.desk.precheck_work",
    "agencies.desk.objection_work",
    "marketplace.access_claims.work",
    "projects.owner_desk.work",
]
# ON_JOINING: called with (organisation, user, name on the invitation) when somebody accepts an invitation.
ON_JOINING = ["agencies.actions.people.link_agent"]
# OPEN_SERVICES: what keeps an agency from leaving, `open_services(agency, at) -> list[{"title", "url"}]`.
OPEN_SERVICES = ["projects.open_services.open_services"]
# RULE_LOADERS: what `manage.py load_rules` loads beside the catalogue and the parameters; each returns how many rows.
RULE_LOADERS = ["agencies.credit_rules.load"]
# BACKGROUND_JOBS: what `manage.py worker` repeats; each takes `now` and returns how much it did.
BACKGROUND_JOBS = ["marketplace.notifications.send_due", "projects.conductor.compute_results", "agencies.imports.run"]
# DEMO_JOBS run beside them in a database that is marked as a demo, and nowhere else.
DEMO_JOBS = ["projects.demo.director.keep_going"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "INFO")},
    "loggers": {"daphne": {"level": "WARNING"}, "django.channels.server": {"level": "WARNING"}},
}
