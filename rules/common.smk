# Binds the plan and the rules; there is no rule here.
#
# A rule's output is a receipt, receipts/<kind>/<digest>.json, a copy of the artifact's manifest.
# The artifact itself is written by the step alone, into the store; Snakemake owns no file there.
#
# Steps take the place of their shell (exec): a scheduler's SIGTERM would end the shell at once, and
# with it the job, while the step keeps its state; and of a step that is killed the shell would
# print the whole command.

import gc
import sys

# Snakemake puts the folder of each Snakefile first on its path; modules that happen to lie there are
# none of ours.
sys.path[:] = [place for place in sys.path if place != str(workflow.basedir)]

from safebasin.binding import bind
from safebasin.errors import SafebasinError
from safebasin.failures import watch_failures
from safebasin.last_words import end
from safebasin.remote import refuse_lost_gpus

# Until jobs run there is nothing to collect, and looking for it is a tenth of a large dry run.
gc.disable()

try:
    # Which executor it is, is known at the start; without cores it is no local one.
    if workflow.resource_settings.nodes and not workflow.resource_settings.cores:
        refuse_lost_gpus(workflow.global_resources.get("gpu"))
    PLAN = bind(
        workflow.configfiles,
        workflow.config_settings.config,
        is_main=workflow.is_main_process,
    )
except SafebasinError as problem:
    end(problem)

watch_failures(PLAN.name_of, is_main=workflow.is_main_process)


wildcard_constraints:
    digest="[0-9a-f]{16}",


onstart:
    gc.enable()
    try:
        PLAN.refuse_unlocked()
        PLAN.refuse_damaged()
        if workflow.non_local_exec:
            refuse_lost_gpus(workflow.global_resources.get("gpu"))
    except SafebasinError as problem:
        end(problem)
