# The aligned checkpoint, where it is made here, and the direction between the pair.
# Priorities: what a chain of others waits for goes first, then what takes long, else cores stand
# idle at the end.


rule align_checkpoint:
    input:
        base=PLAN.parent("base"),
        mixture=PLAN.parent("mixture"),
    output:
        "receipts/checkpoint/{digest}.json",
    log:
        "logs/align_checkpoint/{digest}.log",
    wildcard_constraints:
        digest=PLAN.made_by("align_checkpoint"),
    priority: 2
    resources:
        gpu=PLAN.gpus,
        mem_mb=PLAN.memory,
        runtime=PLAN.runtime,
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        device=PLAN.device,
        name=PLAN.name,
    message:
        "align {params.name}"
    shell:
        "exec {params.python} -m safebasin align_checkpoint --store {params.store} --spec {params.spec:q}"
        " --gpus {resources.gpu} --device {params.device} --receipt {output} > {log} 2>&1"


rule extract_direction:
    input:
        aligned=PLAN.parent("aligned"),
        base=PLAN.parent("base"),
    output:
        "receipts/direction/{digest}.json",
    log:
        "logs/extract_direction/{digest}.log",
    priority: 1
    resources:
        mem_mb=PLAN.memory,
        runtime=PLAN.runtime,
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        name=PLAN.name,
    message:
        "extract {params.name}"
    shell:
        "exec {params.python} -m safebasin extract_direction --store {params.store} --spec {params.spec:q}"
        " --receipt {output} > {log} 2>&1"
