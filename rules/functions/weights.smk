# For the rules in weights.smk, and for the rules of the models that need weights.


def manifest_path(model):
    """Path of the manifest of the pre-trained weights of a model.

    The weights lie in the same folder and are no declared output. So the path is `local`: a cloud storage would carry
    the manifest without the weights.
    """
    return local(f"{config['weights']['folder']}/{model}/manifest.json")


def manifest_of(model):
    """Input function: the manifest of the weights that an experiment needs; nothing if it needs none."""

    def manifest(wildcards):
        return manifest_path(model) if needed_weights(config["experiments"][wildcards.experiment]) else []

    return manifest
