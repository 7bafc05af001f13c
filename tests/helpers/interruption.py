"""Trainings that are killed."""


class Interrupted(Exception):
    pass


def interrupt(network, kill_after):
    """Raise `Interrupted` at the given call of `network`; returns a function that tells how many there were."""
    calls = []

    def count(*_):
        calls.append(None)
        if len(calls) == kill_after:
            raise Interrupted

    network.register_forward_pre_hook(count)
    return lambda: len(calls)
