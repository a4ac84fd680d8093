"""django-oauth-toolkit as a whole server in one file: one user, one confidential client, refresh token rotation.

Arguments: port, path of the SQLite database, grace period in seconds (0: a refresh token works once), client id,
client secret, password of the user `admin`.
"""

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings

PORT, DATABASE, GRACE_SECONDS, CLIENT_ID, CLIENT_SECRET, PASSWORD = sys.argv[1:]

settings.configure(
    SECRET_KEY="only-on-loopback".ljust(50, "x"),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE}},
    OAUTH2_PROVIDER={
        "ACCESS_TOKEN_EXPIRE_SECONDS": 21600,
        "ROTATE_REFRESH_TOKEN": True,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": int(GRACE_SECONDS),
        "SCOPES": {"read": "Read"},
    },
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402

urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_args):
        pass


call_command("migrate", verbosity=0)
Application.objects.create(
    client_id=CLIENT_ID,
    client_secret=CLIENT_SECRET,
    client_type=Application.CLIENT_CONFIDENTIAL,
    authorization_grant_type=Application.GRANT_PASSWORD,
    user=User.objects.create_user("admin", password=PASSWORD),
)
make_server("127.0.0.1", int(PORT), get_wsgi_application(), handler_class=QuietHandler).serve_forever()
