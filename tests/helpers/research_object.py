"""Check a research object (RO-Crate) with roc-validator, without a network."""

import json
from pathlib import Path

import rocrate
from requests import Request
from requests_cache import CachedResponse, CachedSession
from rocrate_validator import services
from rocrate_validator.models import Severity

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
# The library rocrate brings the context of RO-Crate 1.3. In 1.1, these terms of our crates have other addresses.
TERMS_OF_1_1 = {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}


def problems(crate, scratch, severity=Severity.REQUIRED):
    """What speaks against a folder as a Workflow Run Crate, one message each; `scratch` is an empty folder."""
    cache = Path(scratch) / "cache"
    _store_context(cache)
    settings = services.ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier="workflow-run-crate",
        requirement_severity=severity,
        offline=True,
        cache_path=cache,
    )
    return [issue.message for issue in services.validate(settings).get_issues()]


def _store_context(cache):
    """Put the one page that the validator asks for into its cache; the profiles come with it."""
    context = json.loads((Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_text(encoding="utf-8"))
    context["@context"] |= TERMS_OF_1_1
    page = {"content": json.dumps(context).encode(), "headers": {"Content-Type": "application/ld+json"}}
    with CachedSession(str(cache), backend="sqlite", expire_after=-1) as session:
        key = session.cache.create_key(Request("GET", CONTEXT).prepare())
        session.cache.responses[key] = CachedResponse(url=CONTEXT, status_code=200, **page)
