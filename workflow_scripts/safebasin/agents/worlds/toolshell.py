"""The tool shell: short Python on a file system and a mail box, in a sandbox."""

from safebasin.agents.toolshell.world import Toolshell

WORLD = Toolshell
