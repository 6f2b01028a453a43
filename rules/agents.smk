# Agents: what teaches them, the stage that makes them, the search for a prefix, their episodes.


rule write_demonstrations:
    output:
        "receipts/mixture/{digest}.json",
    log:
        "logs/write_demonstrations/{digest}.log",
    wildcard_constraints:
        digest=PLAN.made_by("write_demonstrations"),
    priority: 3
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        name=PLAN.name,
    message:
        "write {params.name}"
    shell:
        "exec {params.python} -m safebasin write_demonstrations --store {params.store}"
        " --spec {params.spec:q} --receipt {output} > {log} 2>&1"


rule tune_checkpoint:
    input:
        checkpoint=PLAN.parent("checkpoint"),
        mixture=PLAN.parent("mixture"),
    output:
        "receipts/checkpoint/{digest}.json",
    log:
        "logs/tune_checkpoint/{digest}.log",
    wildcard_constraints:
        digest=PLAN.made_by("tune_checkpoint"),
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
        "tune {params.name}"
    shell:
        "exec {params.python} -m safebasin tune_checkpoint --store {params.store} --spec {params.spec:q}"
        " --gpus {resources.gpu} --device {params.device} --receipt {output} > {log} 2>&1"


rule search_prefix:
    input:
        checkpoint=PLAN.parent("checkpoint"),
        adapter=PLAN.parent("adapter"),
        generator=PLAN.parent("generator"),
        replies=PLAN.parent("replies"),
        earlier=PLAN.parent("earlier"),
    output:
        "receipts/prefix/{digest}.json",
    log:
        "logs/search_prefix/{digest}.log",
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
        "search {params.name}"
    shell:
        "exec {params.python} -m safebasin search_prefix --store {params.store} --spec {params.spec:q}"
        " --gpus {resources.gpu} --device {params.device} --receipt {output} > {log} 2>&1"


rule run_episodes:
    input:
        checkpoint=PLAN.parent("checkpoint"),
        adapter=PLAN.parent("adapter"),
        guard=PLAN.parent("guard"),
    output:
        "receipts/episodes/{digest}.json",
    log:
        "logs/run_episodes/{digest}.log",
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
        "play {params.name}"
    shell:
        "exec {params.python} -m safebasin run_episodes --store {params.store} --spec {params.spec:q}"
        " --gpus {resources.gpu} --device {params.device} --receipt {output} > {log} 2>&1"


rule fit_probe:
    input:
        checkpoint=PLAN.parent("checkpoint"),
        adapter=PLAN.parent("adapter"),
        guard=PLAN.parent("guard"),
    output:
        "receipts/probe/{digest}.json",
    log:
        "logs/fit_probe/{digest}.log",
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
        "fit {params.name}"
    shell:
        "exec {params.python} -m safebasin fit_probe --store {params.store} --spec {params.spec:q}"
        " --gpus {resources.gpu} --device {params.device} --receipt {output} > {log} 2>&1"
