# For the rules in weights.smk, and for the rules of the models that need weights.

from fd01.models.weights import check_kept

# What is published of the weights of a model, in this repository.
PUBLISHED_ANSWERS = {
    model: source(f"resources/known-answers/{model}.json")
    for model in config["weights"]["models"]
    if (HERE / "resources" / "known-answers" / f"{model}.json").exists()
}


def manifest_path(model):
    """Path of the manifest of the pre-trained weights of a model.

    The weights lie in the same folder and are no declared output. So the path is `local`: a cloud storage would carry
    the manifest without the weights.
    """
    return local(f"{config['weights']['folder']}/{model}/manifest.json")


def answers_path(model):
    """Path of what the known answers say of the weights of a model, beside their manifest."""
    return local(f"{config['weights']['folder']}/{model}/known-answers.json")


def is_kept(model):
    """Whether the weights of a model are used as they are: others keep them in a folder that cannot be written here."""
    paths = [Path(manifest_path(model)), Path(answers_path(model))]
    return all(path.exists() for path in paths) and not all(os.access(path, os.W_OK) for path in paths)


# No rule of this run makes what these models need.
KEPT = [model for model in config["weights"]["models"] if is_kept(model)]
try:
    for model in KEPT:
        check_kept(manifest_path(model), config["weights"]["models"][model])
except UserError as error:
    raise WorkflowError(str(error)) from None


def manifest_of(model):
    """Input function: the manifest of the weights that an experiment needs; nothing if it needs none."""

    def manifest(wildcards):
        return manifest_path(model) if needed_weights(config["experiments"][wildcards.experiment]) else []

    return manifest


def answers_of(model):
    """Input function: what the known answers say of the weights that an experiment needs; nothing if it needs none."""

    def answers(wildcards):
        return answers_path(model) if needed_weights(config["experiments"][wildcards.experiment]) else []

    return answers


def cases_of(model):
    """Path of the known answers of a model: the configuration's own, or those of this repository; None without any."""
    own = config["weights"]["models"][model]["known_answers"]
    return local(own) if isinstance(own, str) else PUBLISHED_ANSWERS.get(model) if own else None


def known_cases(wildcards):
    """Input function: `cases_of` the model of a job, or nothing."""
    return cases_of(wildcards.model) or []


def check_of(model):
    """How the weights of a model are checked: whether the check is off. The experiments decide nothing of it."""
    return {"off": not config["weights"]["models"][model]["known_answers"]}


def own_weights_content(wildcards):
    """Params function: the digest of the user's own copy of the weights of a model; None without one."""
    path = config["weights"]["models"][wildcards.model].get("path")
    return path and content_sha256(path)


def about_weights(wildcards):
    """Params function: what the weights of a model are; whether they are checked changes nothing of it."""
    entry = config["weights"]["models"][wildcards.model]
    folder = Path(config["weights"]["folder"], wildcards.model)
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        raise WorkflowError(
            f"{nearest} cannot be written, and {folder} lacks manifest.json and known-answers.json: let somebody who may "
            "write there call snakemake weights, or name another folder in weights/folder of the configuration."
        )
    return {key: value for key, value in entry.items() if key != "known_answers"}
