"""Pages that only show, and stay fast on tables of any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import JSONField, Q, QuerySet, TextField
from django.db.models.functions import Cast, Left
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from payments.money import Money

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    Inline = admin.StackedInline[Any, Any]
    Pages = Paginator[Any]
else:
    ModelAdmin, Inline, Pages = admin.ModelAdmin, admin.StackedInline, Paginator

COUNT_MAX = 10_000  # rows that can be paged through; beyond, a filter or a search narrows them
ID_DIGITS_MAX = 18
OPENING_LENGTH = 120  # characters


class LookOnly:
    """Staff may look; nobody may add, change or delete."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and request.user.is_staff

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LookOnlyAdmin(LookOnly, ModelAdmin):
    """A model's pages. The detail page shows every field that is not secret, and links on.

    ``related`` names the lists of rows that refer to this one, each with the field by which they
    do; ``subject`` is what events call a row of this model. Long texts and JSON are not read for
    a list; of the field ``opening_of``, a list may show the ``opening``.
    """

    secret: Sequence[str] = ()
    opening_of = ""
    related: Sequence[tuple[str, str]] = ()
    subject = ""
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        long = {
            field.name
            for field in self.opts.concrete_fields
            if isinstance(field, JSONField | TextField) and field.name not in self.list_display
        }
        rows: QuerySet[Any] = super().get_queryset(request).defer(*long)
        if self.opening_of:
            text = Cast(self.opening_of, TextField())
            rows = rows.annotate(opening_text=Left(text, OPENING_LENGTH))
        return rows

    @admin.display(description="content")
    def opening(self, row: Any) -> str:
        """The first characters of a field that may be long."""
        text = str(row.opening_text)
        return f"{text}…" if len(text) == OPENING_LENGTH else text

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        shown = [field.name for field in self.opts.concrete_fields if field.name not in self.secret]
        return [*shown, "see_also"] if self.related or self.subject else shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)

    def see_also(self, row: Any) -> SafeString:
        """Links to the rows that refer to this one."""
        lists: list[tuple[str, str, dict[str, Any]]] = [
            (f"{model.partition('_')[2]} by {field}", model, {field: row.pk})
            for model, field in self.related
        ]
        if self.subject:
            query = {"subject_kind": self.subject, "subject_id": row.pk}
            lists.append(("events", "workers_event", query))
        links = [
            (reverse(f"admin:{model}_changelist", query=query), label)
            for label, model, query in lists
        ]
        return format_html_join(" · ", '<a href="{}">{}</a>', links)


class FirstPages(Pages):
    """Counts to ``COUNT_MAX`` and no further: counting a large table takes minutes."""

    @cached_property
    def count(self) -> int:
        assert isinstance(self.object_list, QuerySet)
        return self.object_list[:COUNT_MAX].count()


class LargeAdmin(LookOnlyAdmin):
    """Pages of a table that may have millions of rows: newest first, found by id or exact text.

    Nothing here sorts, counts or searches the whole table.
    """

    paginator = FirstPages
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()
    search_fields = ("pk",)  # shows the box; what it does is below
    searched_numbers: Sequence[str] = ("pk",)
    searched_texts: Sequence[str] = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find rows by a whole number or a whole text; each field named has an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        is_number = term.isascii() and term.isdigit() and len(term) <= ID_DIGITS_MAX
        fields = self.searched_numbers if is_number else self.searched_texts
        found = Q.create([(field, term) for field in fields], connector=Q.OR)
        return (queryset.filter(found) if fields else queryset.none()), False


class LookOnlyInline(LookOnly, Inline):
    """Rows shown within the page of what they belong to."""

    extra = 0


def amount(field: str, *, currency: str = "currency") -> Callable[[Any], str]:
    """A column that shows ``field`` as money: ``12.34 USD``."""

    @admin.display(description=field.removesuffix("_minor").replace("_", " "))
    def shown(row: Any) -> str:
        return str(Money(getattr(row, field), attrgetter(currency)(row)))

    return shown
