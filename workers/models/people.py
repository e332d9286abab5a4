"""Human beings and the accounts they sign in with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth import models as auth
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower

from workers import names

if TYPE_CHECKING:
    from workers.models.worker import Worker


class Person(models.Model):
    """One human being, however many accounts: what the overlap of a task is counted in."""

    # Where this person's accounts went when two turned out to be one human being.
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="absorbed"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="person_not_merged_into_itself", condition=~Q(merged_into=F("id"))
            ),
        ]

    def __str__(self) -> str:
        return f"person {self.pk}"


class UserManager(auth.UserManager["User"]):
    """Makes users together with their person: neither exists alone."""

    use_in_migrations = False

    def create_user(
        self,
        username: str,
        email: str | None = None,
        password: str | None = None,
        **extra_fields: Any,
    ) -> User:
        """Save a user who is a new person; without a password nobody can log in as them."""
        user = self.model(
            username=names.valid_username(username),
            email=(email or "").lower(),  # as log-in and password reset look it up
            **extra_fields,
        )
        user.set_password(password)
        with transaction.atomic(using=self.db):
            user.person = Person.objects.using(self.db).create()
            user.save(using=self.db)
        return user

    def create_superuser(
        self,
        username: str,
        email: str | None = None,
        password: str | None = None,
        **extra_fields: Any,
    ) -> User:
        """Save an admin, as ``manage.py createsuperuser`` asks for."""
        admin = {**extra_fields, "is_staff": True, "is_superuser": True}
        return self.create_user(username, email, password, **admin)

    def get_by_natural_key(self, username: str | None) -> User:
        """Find a user by any spelling of their username."""
        return self.get(username=names.canonical_username(username or ""))


class User(auth.AbstractUser):
    """An account. Roles: ``is_requester``, ``is_staff`` (admin), and a ``Worker`` row."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="users")
    # Stored as ``names.canonical_username`` spells it.
    username = models.CharField(
        max_length=names.USERNAME_LENGTH,
        unique=True,
        validators=[RegexValidator(names.USERNAME, "Use letters, digits and . + - _ only.")],
        error_messages={"unique": "Somebody already has this username. Choose another."},
    )
    is_requester = models.BooleanField(default=False)
    terms_version = models.PositiveIntegerField(default=0, db_default=0)  # the latest agreed to
    erased_at = models.DateTimeField(null=True)  # when all that names them was removed

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_name_once_whatever_its_case"),
            models.CheckConstraint(
                name="user_name_in_lower_case", condition=Q(username=Lower("username"))
            ),
            models.CheckConstraint(
                name="user_names_are_visible",
                condition=~Q(username__regex=names.INVISIBLE)
                & ~Q(first_name__regex=names.INVISIBLE)
                & ~Q(last_name__regex=names.INVISIBLE),
            ),
        ]
        indexes = [
            # Log-in by e-mail and password reset.
            models.Index(name="user_by_email", fields=["email"]),
        ]

    @property
    def worker_or_none(self) -> Worker | None:
        """This user's worker, or None for those who do not answer tasks."""
        return getattr(self, "worker", None)

    def remember_worker(self, worker: Worker | None) -> None:
        """Keep what a query brought along, so that asking for the worker costs no other."""
        User._meta.get_field("worker").set_cached_value(self, worker)
        if worker:
            worker.user = self
