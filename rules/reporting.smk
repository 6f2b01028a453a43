# The page for people, and the folder with readable names.


rule render_report:
    input:
        evaluation=PLAN.parent("evaluation"),
        adapters=PLAN.parents("adapter"),
        directions=PLAN.parents("direction"),
        splits=PLAN.parents("split"),
        responses=PLAN.parents("responses"),
        episodes=PLAN.parents("episodes"),
        prefixes=PLAN.parents("prefix"),
        probes=PLAN.parents("probe"),
    output:
        "receipts/report/{digest}.json",
    log:
        "logs/render_report/{digest}.log",
    params:
        python=PLAN.python,
        store=PLAN.store,
        spec=PLAN.spec,
        name=PLAN.name,
    message:
        "render {params.name}"
    shell:
        "exec {params.python} -m safebasin render_report --store {params.store} --spec {params.spec:q}"
        " --receipt {output} > {log} 2>&1"


rule link_results:
    input:
        report=PLAN.report,
        adapters=PLAN.adapters(),
    output:
        page=report(
            f"results/{PLAN.study}/report.html",
            caption="captions/page.rst",
            category="Safebasin",
            labels={"study": PLAN.study, "shows": "the whole report"},
        ),
        figures=report(
            directory(f"results/{PLAN.study}/figures"),
            caption="captions/figure.rst",
            category="Safebasin",
            labels=PLAN.figure_labels,
            patterns=["{figure}.svg"],
        ),
        table=f"results/{PLAN.study}/evaluation.parquet",
        linked=PLAN.linked,
    log:
        f"logs/link_results/{PLAN.study}.log",
    params:
        python=PLAN.python,
        store=PLAN.store,
        config=PLAN.config_arguments,
        captions=PLAN.captions,
    message:
        "link {output.page}"
    shell:
        "{params.python} -m safebasin results {params.config} --store {params.store} > {log} 2>&1"
