# Safebasin: what fine-tuning does to a model's safety, and which defences help.
#
#   snakemake --cores 2                                      the study of config.yaml
#   snakemake --cores 2 --configfile studies/smoke.yaml      another study
#   snakemake --workflow-profile profiles/slurm              the same on a cluster
#   safebasin show                                           its artifacts by name
#
# Rules bind; what runs is `python -m safebasin STEP`, what is asked stands in the study.

from snakemake.utils import min_version

min_version("9.20")


include: "rules/common.smk"
include: "rules/sources.smk"
include: "rules/corpora.smk"
include: "rules/models.smk"
include: "rules/tuning.smk"
include: "rules/agents.smk"
include: "rules/evaluation.smk"
include: "rules/reporting.smk"


# On the host of Snakemake: it reaches the network, and a scheduler would take longer than they do.
localrules:
    all,
    fetch_source,
    evaluate_study,
    render_report,
    link_results,


rule all:
    default_target: True
    input:
        PLAN.linked,
        # Without it nobody would look at a report that is to be made again while results are there.
        PLAN.report,
