"""All sites by name."""

from __future__ import annotations

from collections.abc import Mapping

from safebasin.agents.dojo.sites.form import BOARD, CHAT, SEARCH
from safebasin.agents.dojo.sites.listing import FILES, SOCIAL
from safebasin.agents.dojo.sites.mail import Mail
from safebasin.agents.dojo.sites.market import Market
from safebasin.agents.dojo.sites.notes import Notes
from safebasin.agents.dojo.sites.site import Site

SITES: Mapping[str, Site] = {
    "market": Market(),
    "board": BOARD,
    "files": FILES,
    "social": SOCIAL,
    "mail": Mail(),
    "notes": Notes(),
    "search": SEARCH,
    "chat": CHAT,
}
