"""Prints the fields of all models that a Job of Kubernetes is made of, as the Python client has them.

    python kubernetes_models.py > crates/instance-launcher/src/kubernetes/models.txt

A line without a space at its beginning names a model. A line below it is a field: its name in Python, its type, its name in
JSON where that is another, and `!` if a model without it is refused.
"""

import inspect
import re

from kubernetes.client import models

NATIVE = {"int", "float", "str", "bool", "date", "datetime", "object"}


def names_in(type_name):
    return [name for name in re.findall(r"\w+", type_name) if name not in NATIVE | {"list", "dict"}]


def is_required(model, field):
    """Whether a null is refused. Only the source of the setter says so."""
    source = inspect.getsource(getattr(model, field).fset)
    return f"and {field} is None" in source


def main():
    # A part of a job of its own, which is checked before the job is.
    found, waiting = {}, ["V1Job"]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = model = getattr(models, name)
        for type_name in model.openapi_types.values():
            waiting.extend(names_in(type_name))
    print(f"# Written by `python tests/python/kubernetes_models.py`; see there what a line means.")
    for name, model in sorted(found.items()):
        print(name)
        for field in model.openapi_types:
            words = [field, model.openapi_types[field].replace(" ", "")]
            if model.attribute_map[field] != field:
                words.append(model.attribute_map[field])
            if is_required(model, field):
                words.append("!")
            print(f" {' '.join(words)}")


if __name__ == "__main__":
    main()
