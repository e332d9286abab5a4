from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from marketplace import operations

handler400 = "marketplace.api.fallback.bad_request"
handler404 = "marketplace.api.fallback.not_found"
handler500 = "marketplace.api.fallback.server_error"

urlpatterns = [
    path("api/v1/", include("marketplace.api.urls")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(), name="docs"),
    path("api/redoc", SpectacularRedocView.as_view(), name="redoc"),
    path("healthz", operations.healthz),
    path("readyz", operations.readyz),
    path("metrics", operations.metrics),
    path("admin/", admin.site.urls),
    path("account/", include("allauth.account.urls")),
    path("", include("marketplace.web.urls")),
]
