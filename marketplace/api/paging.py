"""Pages of a list, by cursor: adding rows never shifts what a client has not read yet."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class IdCursorPagination(CursorPagination):
    """Newest first; ``?limit=`` up to 200, ``?cursor=`` as the page before said in ``next``."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
