# For the rules in weights.smk, and for the rules of the models that need weights.


def manifest_path(model):
    """Path of the manifest of the pre-trained weights of a model.

    The weights lie in the same folder and are no declared output. So the path is `local`: a cloud storage would carry
    the manifest without the weights.
    """
    return local(f"{config['weights']['folder']}/{model}/manifest.json")


def manifest_of(model):
    """Input function: the manifest of the weights that an experiment needs; nothing for an untrained one."""
    return branch(
        lookup(dpath="experiments/{experiment}/settings/weights", within=config, default="pretrained"),
        cases={"pretrained": manifest_path(model), "untrained": []},
    )
