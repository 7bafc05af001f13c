# In: the Hugging Face Hub, or your own copy. Out: {weights/folder}/{model}/manifest.json, which says what was fetched,
# or why nothing was; the weights lie in the same folder.


include: "functions/weights.smk"


rule fetch_weights:
    input:
        lib=shared("fetch_weights"),
    output:
        manifest_path("{model}"),
    log:
        "results/logs/fetch_weights/{model}.log",
    wildcard_constraints:
        model=one_of(config["weights"]["models"]),
    localrule: True
    conda:
        "../envs/timesfm.yaml"
    params:
        about=lookup(dpath="weights/models/{model}", within=config),
        missing=config["weights"]["missing"],
    script:
        "../scripts/fetch_weights.py"


rule weights:
    input:
        lib=shared("weights"),
    log:
        "results/logs/weights.log",
    localrule: True
    conda:
        "../envs/timesfm.yaml"
    params:
        folder=config["weights"]["folder"],
        models=config["weights"]["models"],
    script:
        "../scripts/weights.py"
