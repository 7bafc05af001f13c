# Of the rules in weights.smk, and of those whose models need weights.


def manifest(model):
    """The manifest of the pre-trained weights of a model.

    The weights lie beside it and are not declared, so it does not go through the storage of a cloud without them.
    """
    return local(f"{config['weights']['folder']}/{model}/manifest.json")


def manifest_of(model):
    """Input function: the manifest of the pre-trained weights of an experiment; none for an untrained one."""
    return branch(
        lookup(dpath="experiments/{experiment}/settings/weights", within=config, default="pretrained"),
        cases={"pretrained": manifest(model), "untrained": []},
    )
