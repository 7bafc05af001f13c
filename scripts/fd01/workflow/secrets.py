"""Secrets of this machine, which no log, manifest or report may show: passwords in addresses, and tokens of the hub."""

import os
import re

TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
HIDDEN = "***"
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s]*@")


def without_secrets(text):
    """`text` with `***` for what stands before the @ of an address, and for passwords and tokens of the environment.

    >>> without_secrets("no answer from http://me:secret@proxy:3128")
    'no answer from http://***@proxy:3128'
    """
    for secret in _secrets():
        text = text.replace(secret, HIDDEN)
    return _IN_ADDRESS.sub(f"{HIDDEN}@", text)


def _secrets():
    """The longest first, since one may be a part of another."""
    found = {value for name in TOKENS if (value := os.environ.get(name, "").strip())}
    for name, value in os.environ.items():
        if name.lower().endswith("_proxy") or name == "HF_ENDPOINT":
            user_and_password = value.rpartition("://")[2].rpartition("@")[0]
            found.add(user_and_password.partition(":")[2])
    return sorted((secret for secret in found if len(secret) > 2), key=len, reverse=True)
