"""The dojo: eight small web sites."""

from safebasin.agents.dojo.world import Dojo

WORLD = Dojo
