# Rows of text: read, split so that near-duplicates stay together, mixed for training.


rule read_corpus:
    input:
        source=PLAN.parent("source"),
    output:
        "receipts/corpus/{digest}.json",
    log:
        "logs/read_corpus/{digest}.log",
    priority: 3
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        name=PLAN.name,
    message:
        "read {params.name}"
    shell:
        "exec {params.python} -m safebasin read_corpus --store {params.store} --spec {params.spec:q}"
        " --receipt {output} > {log} 2>&1"


rule split_corpus:
    input:
        corpora=PLAN.parents("corpus"),
    output:
        "receipts/split/{digest}.json",
    log:
        "logs/split_corpus/{digest}.log",
    priority: 3
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        wanted=PLAN.wanted,
        name=PLAN.name,
    message:
        "split {params.name}"
    shell:
        "exec {params.python} -m safebasin split_corpus --store {params.store} --spec {params.spec:q}"
        " --wanted {params.wanted:q} --receipt {output} > {log} 2>&1"


rule mix_corpora:
    input:
        splits=PLAN.parents("split"),
    output:
        "receipts/mixture/{digest}.json",
    log:
        "logs/mix_corpora/{digest}.log",
    wildcard_constraints:
        digest=PLAN.made_by("mix_corpora"),
    priority: 3
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        name=PLAN.name,
    message:
        "mix {params.name}"
    shell:
        "exec {params.python} -m safebasin mix_corpora --store {params.store} --spec {params.spec:q}"
        " --receipt {output} > {log} 2>&1"
