"""Pages of a list, by cursor: adding rows never shifts what a client has not read yet."""

from __future__ import annotations

import re

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

AN_ID = re.compile(r"[0-9]{1,18}")


class IdCursorPagination(CursorPagination):
    """Newest first; ``?limit=`` up to 200, ``?cursor=`` as the page before said in ``next``."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Read ``?cursor=``; one that nobody was given is not found."""
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not AN_ID.fullmatch(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor
