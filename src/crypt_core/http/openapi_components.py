"""Names for what the description of the API says: each schema and each error's example stands once, in `components`.

Programs that make clients take the names of their types from there.
"""

from itertools import count
from typing import Any

Schema = dict[str, Any]


def with_components(document: Schema) -> Schema:
    """Move schemas and examples from the operations of `document` to its components, and refer to them."""
    components = document["components"]
    schemas, examples = components.setdefault("schemas", {}), components.setdefault("examples", {})
    for path in document["paths"].values():
        for operation in path.values():
            if not isinstance(operation, dict):
                continue  # the parameters of all operations of the path
            name = operation["operationId"][0].upper() + operation["operationId"][1:]
            if "requestBody" in operation:
                _name_schemas(operation["requestBody"], schemas, f"{name}Request")
            for response in operation["responses"].values():
                _name_schemas(response, schemas, f"{name}Response")
                _name_examples(response, examples)
    return document


def _name_schemas(body: Schema, schemas: Schema, name: str) -> None:
    for media in body.get("content", {}).values():
        if "properties" in media["schema"]:
            media["schema"] = _reference("schemas", schemas, name, media["schema"])


def _name_examples(response: Schema, examples: Schema) -> None:
    for media in response.get("content", {}).values():
        if "examples" in media:
            media["examples"] = {
                name: _reference("examples", examples, name, example) for name, example in media["examples"].items()
            }


def _reference(kind: str, known: Schema, name: str, value: Schema) -> Schema:
    """Refer to `value` by its name; by the name and a number, if the name is that of something else."""
    numbered = (name if number == 1 else f"{name}{number}" for number in count(1))
    own = next(each for each in numbered if known.setdefault(each, value) == value)
    return {"$ref": f"#/components/{kind}/{own}"}
