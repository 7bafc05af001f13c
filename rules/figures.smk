# In: predictions, metrics or summary.json. Out: results/{dataset}/figures/, an SVG per figure and a CSV with the numbers in it.


SCORE_FIGURES = ["roc", "precision-recall", "score-distributions", "threshold-sweep"]


rule plot_answer:
    input:
        summary="results/{dataset}/summary.json",
    output:
        answer=report(
            directory("results/{dataset}/figures/answer"),
            patterns=["{fold}.svg"],
            category="Answer",
            labels={"what": "differences to the reference", "days": "{fold}", "dataset": "{dataset}"},
            caption="../report/captions/answer.rst",
        ),
        direction=report(
            "results/{dataset}/figures/direction.svg",
            category="Answer",
            labels={"what": "true direction", "days": "all", "dataset": "{dataset}"},
            caption="../report/captions/direction.rst",
        ),
        csv="results/{dataset}/figures/direction.csv",
    log:
        "results/{dataset}/logs/plot_answer.log",
    benchmark:
        "results/{dataset}/benchmarks/plot_answer.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/plot_answer.py"),
    script:
        "../scripts/plot_answer.py"


rule plot_scores:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        checks="results/{dataset}/checks",
        experiments="results/{dataset}/metrics/experiments.csv",
    output:
        [
            report(
                directory(f"results/{{dataset}}/figures/{figure}"),
                patterns=["{fold}.svg"],
                category="Results",
                labels={"what": figure, "days": "{fold}", "dataset": "{dataset}"},
                caption="../report/captions/scores.rst",
            )
            for figure in SCORE_FIGURES
        ],
    log:
        "results/{dataset}/logs/plot_scores.log",
    benchmark:
        "results/{dataset}/benchmarks/plot_scores.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/plot_scores.py"),
        target=config["targets"][0],
        published=published(),
        reference=of_dataset("reference"),
        names=names_of(config["experiments"]),
    script:
        "../scripts/plot_scores.py"


rule plot_auc:
    input:
        metrics="results/{dataset}/metrics/metrics.csv",
        experiments="results/{dataset}/metrics/experiments.csv",
    output:
        svg=report(
            "results/{dataset}/figures/auc.svg",
            category="Answer",
            labels={"what": "AUC of every experiment", "days": "all", "dataset": "{dataset}"},
            caption="../report/captions/auc.rst",
        ),
        csv="results/{dataset}/figures/auc.csv",
    log:
        "results/{dataset}/logs/plot_auc.log",
    benchmark:
        "results/{dataset}/benchmarks/plot_auc.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/plot_auc.py"),
        target=config["targets"][0],
        reference=of_dataset("reference"),
        names=names_of(config["experiments"]),
    script:
        "../scripts/plot_auc.py"


rule plot_series:
    input:
        series="results/{dataset}/metrics/series.csv",
        comparisons="results/{dataset}/metrics/comparisons.csv",
        experiments="results/{dataset}/metrics/experiments.csv",
    output:
        one=report(
            directory("results/{dataset}/figures/series"),
            patterns=["{fold}.svg"],
            category="Results",
            labels={"what": "series by series", "days": "{fold}", "dataset": "{dataset}"},
            caption="../report/captions/series.rst",
        ),
        all=report(
            directory("results/{dataset}/figures/series-map"),
            patterns=["{fold}.svg"],
            category="Results",
            labels={"what": "series by experiment", "days": "{fold}", "dataset": "{dataset}"},
            caption="../report/captions/series-map.rst",
        ),
    log:
        "results/{dataset}/logs/plot_series.log",
    benchmark:
        "results/{dataset}/benchmarks/plot_series.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/plot_series.py"),
        reference=of_dataset("reference"),
        primary=config["decision"]["primary"],
        margin=config["statistics"]["margin"],
        names=names_of(config["experiments"]),
    script:
        "../scripts/plot_series.py"


rule plot_walk_forward:
    input:
        intervals="results/{dataset}/metrics/intervals.csv",
        experiments="results/{dataset}/metrics/experiments.csv",
    output:
        svg=report(
            "results/{dataset}/figures/walk-forward.svg",
            category="Results",
            labels={"what": "block by block through history", "days": "all", "dataset": "{dataset}"},
            caption="../report/captions/walk-forward.rst",
        ),
        csv="results/{dataset}/figures/walk-forward.csv",
    log:
        "results/{dataset}/logs/plot_walk_forward.log",
    benchmark:
        "results/{dataset}/benchmarks/plot_walk_forward.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/plot_walk_forward.py"),
        reference=of_dataset("reference"),
        names=names_of(config["experiments"]),
    script:
        "../scripts/plot_walk_forward.py"
