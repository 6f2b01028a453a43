"""What ends a step that is asked to stop; apart from the errors that every step's code names."""

from __future__ import annotations

from safebasin.errors import SafebasinError


class Stopped(SafebasinError):
    """Something outside asked the process to stop (SIGTERM): a scheduler, or a person."""

    exit_code = 143
