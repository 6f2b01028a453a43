"""All checks, in the order in which their findings are told."""

from __future__ import annotations

from collections.abc import Callable

from safebasin.preflight.architectures import check_architectures, check_targets
from safebasin.preflight.disk import check_disk
from safebasin.preflight.finding import Finding, Site
from safebasin.preflight.machine import check_gpu, check_sandbox
from safebasin.preflight.models import check_pairs
from safebasin.preflight.sources import check_access, check_lock
from safebasin.preflight.templates import check_templates

Check = Callable[[Site], list[Finding]]

CHECKS: tuple[Check, ...] = (
    check_lock,
    check_access,
    check_disk,
    check_pairs,
    check_architectures,
    check_targets,
    check_templates,
    check_gpu,
    check_sandbox,
)


def find_all(site: Site) -> list[Finding]:
    """Return what all checks find."""
    return [finding for check in CHECKS for finding in check(site)]
