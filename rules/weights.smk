# In: the Hugging Face Hub, or your own copy. Out: {weights/folder}/{model}/manifest.json, which says what was fetched,
# or why nothing was; the weights lie in the same folder. Beside it, known-answers.json says whether the weights give the
# answers that others have published of them.


include: "functions/weights.smk"


rule fetch_weights:
    output:
        manifest_path("{model}"),
    log:
        "results/logs/fetch_weights/{model}.log",
    wildcard_constraints:
        model=one_of([model for model in config["weights"]["models"] if model not in KEPT]),
    localrule: True
    conda:
        "../envs/timesfm.yaml"
    params:
        code=code_of("scripts/fetch_weights.py"),
        content=own_weights_content,
        about=about_weights,
        missing=config["weights"]["missing"],
    script:
        "../scripts/fetch_weights.py"


rule verify_weights:
    input:
        manifest=manifest_path("{model}"),
        cases=known_cases,
    output:
        answers_path("{model}"),
    log:
        "results/logs/verify_weights/{model}.log",
    wildcard_constraints:
        model=one_of([model for model in config["weights"]["models"] if model not in KEPT]),
    localrule: True
    conda:
        "../envs/weights.yaml"
    params:
        code=code_of("scripts/verify_weights.py"),
        content=content_of(known_cases),
        check=lambda wildcards: check_of(wildcards.model),
        missing=config["weights"]["missing"],
    script:
        "../scripts/verify_weights.py"


rule weights:
    log:
        "results/logs/weights.log",
    localrule: True
    conda:
        "../envs/weights.yaml"
    params:
        code=code_of("scripts/weights.py"),
        folder=config["weights"]["folder"],
        models=config["weights"]["models"],
        kept=KEPT,
        cases={model: str(cases_of(model) or "") for model in config["weights"]["models"]},
        checks={model: check_of(model) for model in config["weights"]["models"]},
        missing=config["weights"]["missing"],
    script:
        "../scripts/weights.py"
