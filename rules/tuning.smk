# Fine-tuning with its objective, the post-hoc defence, and what an adapter weighs.


rule tune_adapter:
    input:
        checkpoint=PLAN.parent("checkpoint"),
        mixture=PLAN.parent("mixture"),
        direction=PLAN.parent("direction"),
        pair_fits=PLAN.directions,
    output:
        "receipts/adapter/{digest}.json",
    log:
        "logs/tune_adapter/{digest}.log",
    wildcard_constraints:
        digest=PLAN.made_by("tune_adapter"),
    priority: 1
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
        "tune {params.name}"
    shell:
        "exec {params.python} -m safebasin tune_adapter --store {params.store} --spec {params.spec:q}"
        " --gpus {resources.gpu} --device {params.device} --receipt {output} > {log} 2>&1"


rule project_adapter:
    input:
        adapter=PLAN.parent("adapter"),
        direction=PLAN.parent("direction"),
    output:
        "receipts/adapter/{digest}.json",
    log:
        "logs/project_adapter/{digest}.log",
    wildcard_constraints:
        digest=PLAN.made_by("project_adapter"),
    resources:
        mem_mb=PLAN.memory,
        runtime=PLAN.runtime,
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        name=PLAN.name,
    message:
        "project {params.name}"
    shell:
        "exec {params.python} -m safebasin project_adapter --store {params.store} --spec {params.spec:q}"
        " --receipt {output} > {log} 2>&1"


rule measure_adapter:
    input:
        adapter=PLAN.parent("adapter"),
        direction=PLAN.parent("direction"),
    output:
        "receipts/measure/{digest}.json",
    log:
        "logs/measure_adapter/{digest}.log",
    resources:
        mem_mb=PLAN.memory,
        runtime=PLAN.runtime,
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        name=PLAN.name,
    message:
        "measure {params.name}"
    shell:
        "exec {params.python} -m safebasin measure_adapter --store {params.store} --spec {params.spec:q}"
        " --receipt {output} > {log} 2>&1"
