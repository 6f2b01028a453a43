# Answers, verdicts and the table of everything that was measured.


rule generate_responses:
    input:
        checkpoint=PLAN.parent("checkpoint"),
        adapter=PLAN.parent("adapter"),
        prompts=PLAN.parent("prompts"),
    output:
        "receipts/responses/{digest}.json",
    log:
        "logs/generate_responses/{digest}.log",
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
        "generate {params.name}"
    shell:
        "exec {params.python} -m safebasin generate_responses --store {params.store} --spec {params.spec:q}"
        " --gpus {resources.gpu} --device {params.device} --receipt {output} > {log} 2>&1"


rule judge_responses:
    input:
        responses=PLAN.parent("responses"),
        corpus=PLAN.parent("corpus"),
        episodes=PLAN.parent("episodes"),
    output:
        "receipts/verdicts/{digest}.json",
    log:
        "logs/judge_responses/{digest}.log",
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        wanted=PLAN.wanted,
        name=PLAN.name,
    message:
        "judge {params.name}"
    shell:
        "exec {params.python} -m safebasin judge_responses --store {params.store} --spec {params.spec:q}"
        " --wanted {params.wanted:q} --receipt {output} > {log} 2>&1"


rule evaluate_study:
    input:
        verdicts=PLAN.parents("verdicts"),
        measures=PLAN.parents("measure"),
        prefixes=PLAN.parents("prefix"),
    output:
        "receipts/evaluation/{digest}.json",
    log:
        "logs/evaluate_study/{digest}.log",
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        name=PLAN.name,
    message:
        "evaluate {params.name}"
    shell:
        "exec {params.python} -m safebasin evaluate_study --store {params.store} --spec {params.spec:q}"
        " --receipt {output} > {log} 2>&1"
