"""What can go wrong while the parts of the site are started and watched."""

from __future__ import annotations


class UpError(Exception):
    """The site could not be started or stopped."""

    def __str__(self) -> str:
        return " ".join([self.__doc__ or "", *map(str, self.args)])


class AlreadyRunning(UpError):
    """Crowdwright is already running here."""


class PartFailed(UpError):
    """A part of the site ended soon after each of several starts; its output says why."""


class StackFailed(UpError):
    """The site does not run."""


class PortTaken(UpError):
    """Another program listens on the port that PORT names; choose another one."""


class MigrationFailed(UpError):
    """The database could not be brought up to date; the reason stands above."""


class SiteStayed(UpError):
    """The running site did not end in time; its process id follows."""
