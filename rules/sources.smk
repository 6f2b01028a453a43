# What comes from outside, addressed by its bytes, and what is made of it unchanged.


rule fetch_source:
    output:
        "receipts/source/{digest}.json",
    log:
        "logs/fetch_source/{digest}.log",
    priority: 3
    retries: 2
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        origin=PLAN.origin,
        name=PLAN.name,
    message:
        "fetch {params.name}"
    shell:
        "exec {params.python} -m safebasin fetch_source --store {params.store} --spec {params.spec:q} --origin {params.origin:q}"
        " --receipt {output} > {log} 2>&1"


rule convert_checkpoint:
    input:
        source=PLAN.parent("source"),
    output:
        "receipts/checkpoint/{digest}.json",
    log:
        "logs/convert_checkpoint/{digest}.log",
    wildcard_constraints:
        digest=PLAN.made_by("convert_checkpoint"),
    priority: 3
    resources:
        mem_mb=PLAN.memory,
        runtime=PLAN.runtime,
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        name=PLAN.name,
    message:
        "convert {params.name}"
    shell:
        "exec {params.python} -m safebasin convert_checkpoint --store {params.store} --spec {params.spec:q}"
        " --receipt {output} > {log} 2>&1"


rule adopt_adapter:
    input:
        source=PLAN.parent("source"),
        checkpoint=PLAN.parent("checkpoint"),
    output:
        "receipts/adapter/{digest}.json",
    log:
        "logs/adopt_adapter/{digest}.log",
    wildcard_constraints:
        digest=PLAN.made_by("adopt_adapter"),
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        name=PLAN.name,
    message:
        "adopt {params.name}"
    shell:
        "exec {params.python} -m safebasin adopt_adapter --store {params.store} --spec {params.spec:q}"
        " --receipt {output} > {log} 2>&1"
