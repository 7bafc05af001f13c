# In: everything that was measured. Out: provenance.json, results/{dataset}/report/index.html, which needs no other file,
# and beside it costs.csv.


include: "functions/report.smk"


rule collect_provenance:
    input:
        predictions=all_predictions,
    output:
        "results/{dataset}/provenance.json",
    log:
        "results/{dataset}/logs/collect_provenance.log",
    benchmark:
        "results/{dataset}/benchmarks/collect_provenance.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/collect_provenance.py"),
        config=CONFIG_JSON,
        plan_digest=plan_digest_of,
    script:
        "../scripts/collect_provenance.py"


rule render_report:
    input:
        **REPORT_SOURCES,
        summary="results/{dataset}/summary.json",
        verdict="results/{dataset}/verdict.json",
        metrics="results/{dataset}/metrics/metrics.csv",
        experiments="results/{dataset}/metrics/experiments.csv",
        checks="results/{dataset}/checks",
        outcomes="results/{dataset}/data/outcomes.parquet",
        description="results/{dataset}/data/dataset.json",
        provenance="results/{dataset}/provenance.json",
        erratum="results/{dataset}/erratum.json",
        reproduction=reproduction_of,
        tables=report_tables,
        series="results/{dataset}/metrics/series.csv",
        figures=report_figures,
        series_figures="results/{dataset}/figures/series",
        map_figures="results/{dataset}/figures/series-map",
        answer_figures="results/{dataset}/figures/answer",
        block_figures=expand("results/{{dataset}}/figures/{figure}", figure=SCORE_FIGURES),
        predictions=all_predictions,
        audit=audit_table,
        known_answers=known_answers_of,
        sections=SECTION_SOURCES,
    output:
        page=report(
            last_one_comes_back("results/{dataset}/report/index.html"),
            category="Answer",
            labels={"what": "the report", "days": "all", "dataset": "{dataset}"},
            caption="../report/captions/report.rst",
        ),
        costs=last_one_comes_back("results/{dataset}/report/costs.csv"),
        record=last_one_comes_back("results/{dataset}/report/files.json"),
    log:
        "results/{dataset}/logs/render_report.log",
    benchmark:
        "results/{dataset}/benchmarks/render_report.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/render_report.py"),
        content=content_of([*REPORT_SOURCES.values(), *SECTION_SOURCES]),
        citation=CITATION,
        passes=shared_passes,
        jobs=costly_jobs,
        rules=costly_rules,
    script:
        "../scripts/render_report.py"


onstart:
    say_which_are_older()


rule show:
    input:
        verdict=f"results/{config['dataset']}/verdict.json",
        summary=f"results/{config['dataset']}/summary.json",
        report=f"results/{config['dataset']}/report/index.html",
        alignment=f"results/{config['dataset']}/metrics/alignment.csv",
        record=f"results/{config['dataset']}/report/files.json",
    log:
        f"results/{config['dataset']}/logs/show.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/show.py"),
    script:
        "../scripts/show.py"
