"""Answers that are to be JSON, or JSON of a schema: what is wrong with one. The door to jsonschema."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from llmchat.errors import UsageError
from llmchat.sampling import Sampling

FORM = "response_format"
"""The parameter that asks for it."""

ANY_JSON = {"type": "json_object"}
"""Its value for JSON of any form."""

EXTRA = "In llmchat's folder: pip install '.[schema]'."

_LONGEST = 300


def can_validate() -> bool:
    """Whether the library that knows schemas is installed; without it only the JSON is looked at."""
    return find_spec("jsonschema") is not None


def check_schema(schema: Any) -> None:
    """Raise UsageError when this is no JSON schema."""
    if not isinstance(schema, dict):
        raise UsageError("A JSON schema is an object.", 'Such as {"type": "object"}.')
    if not can_validate():
        return
    from jsonschema import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise UsageError(
            f"This is no JSON schema: {_short(error.message)}", f"At {error.json_path}."
        ) from error


def form_of(sampling: Sampling) -> Mapping[str, Any] | None:
    """The schema that answers are to keep to; an empty one for any JSON, None when they are free."""
    native, asked = (sampling.chosen.get(name) for name in ("json_schema", FORM))
    if native and isinstance(native.value, dict):
        return native.value
    form = asked.value if asked else None
    if not isinstance(form, dict) or form.get("type") not in ("json_object", "json_schema"):
        return None
    outer = form.get("json_schema")
    schema = outer.get("schema") if isinstance(outer, dict) else None
    return schema if isinstance(schema, dict) else {}


def fault(answer: str, schema: Mapping[str, Any]) -> str:
    """What is wrong with an answer that is to be JSON of this schema; "" when nothing is."""
    try:
        value = json.loads(answer)
    except ValueError as error:
        return f"it is no JSON: {error}"
    except RecursionError:
        return "its JSON is nested too deeply"
    if not schema or not can_validate():
        return ""
    return _misfit(value, schema)


def _misfit(value: Any, schema: Mapping[str, Any]) -> str:
    from jsonschema import SchemaError
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        # An empty registry: nothing that a schema refers to is fetched.
        validator = validator_for(schema)(schema, registry=Registry())
        error = best_match(validator.iter_errors(value))
    except (SchemaError, Unresolvable, RecursionError) as problem:
        return f"the schema cannot be used: {_short(str(problem))}"
    return f"at {error.json_path}: {_short(error.message)}" if error else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
