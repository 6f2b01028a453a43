"""Can everything be fetched? Lock entries, gates, tokens, revisions, folders."""

from __future__ import annotations

from safebasin.errors import SafebasinError
from safebasin.preflight.finding import Finding, Site
from safebasin.preflight.source_files import wanted_files
from safebasin.sources.origin import open_source


def check_lock(site: Site) -> list[Finding]:
    """Name the sources whose commit and hashes nobody has looked up."""
    return [
        Finding(
            check="lock",
            what=f"{node.name} ({node.origin.get('hub')}) is not locked",
            cure="run `safebasin lock` with the same --configfile",
        )
        for node in site.to_fetch()
        if node.unlocked
    ]


def check_access(site: Site) -> list[Finding]:
    """Ask hubs, mirrors and folders for what a run would fetch; nothing is downloaded.

    A source that is not locked is asked for too: its gate stands before locking already.
    """
    found = []
    for node in site.to_fetch():
        try:
            open_source(node.origin).check_access(wanted_files(node))
        except SafebasinError as problem:
            found.append(Finding.of("access", node.name, problem))
    return found
