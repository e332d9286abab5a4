"""Settings, read once from the environment. Every knob is documented in docs/operations.md."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from marketplace import embedded, logs
from marketplace.secret import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = "PYTEST_VERSION" in os.environ
DEBUG = os.environ.get("DEBUG") == "1"
SECRET_KEY = os.environ.get("SECRET_KEY") or secret_key()
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if o]
SITE_URL = os.environ.get("SITE_URL", "http://127.0.0.1:8000")

# What the platform keeps of each accepted answer, in basis points of the reward.
PLATFORM_FEE_BASIS_POINTS = int(os.environ.get("PLATFORM_FEE_BASIS_POINTS", "2000"))

# Without a key the site runs on play money. Tests never use a key from the environment.
STRIPE_SECRET_KEY = "" if TESTING else os.environ.get("STRIPE_SECRET_KEY", "")
STRIPE_API_BASE = os.environ.get("STRIPE_API_BASE", "")
# One secret per endpoint that is registered with Stripe.
STRIPE_WEBHOOK_SECRETS = {
    name: os.environ.get(f"STRIPE_WEBHOOK_SECRET_{name.upper()}", "")
    for name in ["platform", "connect", "v2"]
}

# Whether batches may be published in currencies that nobody has set a wage floor for.
WAGE_FLOOR_OPTIONAL = os.environ.get("WAGE_FLOOR_OPTIONAL", "1" if TESTING else "0") == "1"

# Whether models may be asked at addresses of this machine and its network. Off, because whoever
# may register a model could otherwise have the server call whatever answers there.
ML_BACKEND_ALLOW_PRIVATE = os.environ.get("ML_BACKEND_ALLOW_PRIVATE") == "1"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "workers",
    "payments",
    "tasks",
    "marketplace",
]
if os.environ.get("CROWDWRIGHT_DEV") == "1" or TESTING:
    INSTALLED_APPS += ["django_linear_migrations", "django_migration_linter"]

MIDDLEWARE = [
    "marketplace.middleware.log_requests",
    "marketplace.middleware.keep_nothing",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "marketplace" / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def database(url: str, *, pool: bool) -> dict[str, Any]:
    """Turn a libpq URL into Django's dictionary, without an extra package."""
    asked = conninfo_to_dict(url)
    limits = "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s"
    if pool:
        limits += " -c statement_timeout=30s"  # nobody waits longer for a page
        # A statement prepared while a table was still empty would read all of it for as long as
        # nobody analyzes it. Here every statement on a large table has its index.
        limits += " -c enable_seqscan=off -c jit=off"
    # Prepared statements: the planner's work on a claim is as large as the claim itself.
    options: dict[str, Any] = {
        "options": limits,
        "server_side_binding": True,
        "prepare_threshold": 2,
    }
    if pool:
        options["pool"] = {"min_size": 1, "max_size": 8, "timeout": 10}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": asked.pop("dbname", "crowdwright"),
        "USER": asked.pop("user", ""),
        "PASSWORD": asked.pop("password", ""),
        "HOST": asked.pop("host", ""),
        "PORT": str(asked.pop("port", "")),
        "OPTIONS": {**asked, **options},
        "TEST": {"NAME": os.environ.get("CROWDWRIGHT_TEST_DB")},
    }


DATABASE_URL = os.environ.get("DATABASE_URL") or embedded.database_url(test=TESTING)
# A pool serves the web processes only: Celery closes a pool at every job's end,
# and threads of tests would keep its slots for ever.
DATABASES = {"default": database(DATABASE_URL, pool=os.environ.get("DB_POOL") == "1")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = os.environ.get("REDIS_URL") or embedded.redis_url()
# allauth counts attempts to log in here, so the web processes must share it. A test run must not
# see the counts of the run before.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if TESTING
    else {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "crowdwright",
    }
}

AUTH_USER_MODEL = "workers.User"
ACCOUNT_ADAPTER = "marketplace.web.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "marketplace.web.forms.SignupForm",
    "login": "marketplace.web.forms.LoginForm",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = os.environ.get("EMAIL_VERIFICATION", "optional")  # mandatory, none
ACCOUNT_PRESERVE_USERNAME_CASING = False  # names are stored in one spelling
LOGIN_URL = "account_login"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in [
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    ]
]
# Argon2 is slow on purpose, which a test suite need not wait for.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher"
    if TESTING
    else "django.contrib.auth.hashers.Argon2PasswordHasher"
]
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "marketplace" / "web" / "static"]
STATIC_ROOT = embedded.var_dir() / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns of a missing folder
WHITENOISE_USE_FINDERS = True

# HTTPS-only cookies and redirects, for sites that are served over it.
HTTPS = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if os.environ.get("BEHIND_PROXY") == "1":
    ALLAUTH_TRUSTED_PROXY_COUNT = 1  # or attempts to log in are counted against the proxy
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 << 20  # uploads of tasks are streamed and have their own limits

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "marketplace.api.errors.handle",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "marketplace.api.auth.BearerAuthentication",
        "marketplace.api.auth.PageSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["marketplace.api.parsing.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "marketplace.api.paging.IdCursorPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Crowdwright",
    "DESCRIPTION": "Publish microtasks, get answers you can trust, pay people fairly.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "ProposalKind": "workers.models.Proposal.Kind",
        "ProposalOutcome": "workers.models.Proposal.Outcome",
        "OfficeKind": "workers.models.Office.Kind",
        "BatchStatus": "tasks.models.Batch.Status",
        "AssignmentStatus": "tasks.models.Assignment.Status",
        "ReviewStatus": "tasks.models.Review.Status",
        "FlagStatus": "tasks.models.Flag.Status",
        "PayoutStatus": "payments.models.Payout.Status",
        "RestrictionKind": "tasks.models.Restriction.Kind",
        "ReturnStatus": "tasks.models.Return.Status",
        "ReturnCode": "tasks.models.Return.Reason",
        "PredictorKind": "tasks.models.Predictor.Kind",
        "RejectionStatus": "tasks.models.Rejection.Status",
        "RejectionCode": "tasks.models.Rejection.Code",
        "AppealStatus": "tasks.models.Appeal.Status",
        "AppealOutcome": "tasks.models.Appeal.Outcome",
        "DecisionKind": "workers.models.Decision.Kind",
        "JurorVote": "tasks.models.Juror.Vote",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "marketplace.api.schema.add_problems",
    ],
}

# Why each of these differs from Celery's default: docs/operations.md, "The job runner".
CELERY_BROKER_URL = embedded.celery_url(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 30,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "global_keyprefix": "crowdwright:",
}
CELERY_VISIBILITY_TIMEOUT = 900
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10.0
CELERY_WORKER_MAX_TASKS_PER_CHILD = 10_000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"

LOGGING = logs.LOGGING
