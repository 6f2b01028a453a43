"""Lets a Snakemake of this environment read Safebasin's studies as Safebasin does.

Snakemake loads the files of ``--configfile`` before any line of a Snakefile runs, with a loader of
its own: an impossible date or a long number ends it in a traceback, and a file that is not there
too. It imports every package of this name at its start, which is the one moment before that. The
handler itself logs nothing.
"""

from __future__ import annotations

from logging import LogRecord

from safebasin.config_files import read_studies_as_safebasin
from snakemake_interface_logger_plugins.base import LogHandlerBase

read_studies_as_safebasin()


class LogHandler(LogHandlerBase):
    """What the plug-in interface asks for."""

    writes_to_stream = False
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def emit(self, record: LogRecord) -> None:
        """Log nothing."""
