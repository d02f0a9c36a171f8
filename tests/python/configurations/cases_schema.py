"""Each place of the schema with a value of each kind, absent, misspelt, and beside what it excludes."""

import copy

from dagster._config.config_type import ConfigTypeKind

from configurations import schema
from configurations.case import Case
from configurations.document import write

VARIABLE = "SOME_VARIABLE"
KINDS = {
    "number": 7,
    "text": "seven",
    "float": 1.5,
    "boolean": True,
    "null": None,
    "list": [1],
    "mapping": {"nested": 1},
    "empty": {},
    "env": {"env": VARIABLE},
}
# What a variable may say, by the name that the case has from it; `None` is "not set".
VALUES = {"unset": None, "empty": "", "newline": "5433\n", "spaces": " 12 ", "yes": "yes", "true": "TRUE", "zero": "0"}
# Stands before each document, so that no mistake is on its first line.
HEADER = "# The settings of a test.\n"
# Beside what is compared: sections with secrets, and one that lets Dagster open no database.
FILLING = {
    "storage": {
        "postgres": {
            "postgres_db": {
                "username": "dagster",
                "password": "s3cr3t-of-filling",
                "hostname": "db.example",
                "db_name": "dagster",
            }
        }
    },
    "run_launcher": {
        "module": "launchers_of_ours",
        "class": "OurLauncher",
        "config": {"env": [{"name": "TOKEN", "value": "s3cr3t-of-launcher"}]},
    },
}
EXCLUDES = {
    "storage": {"run_storage", "event_log_storage", "schedule_storage"},
    "run_launcher": {"run_monitoring"},
}


def filled(tree):
    """Half of the filling before the section that is compared, and half behind it."""
    may_be_there = {
        name: value for name, value in FILLING.items() if name not in tree and not EXCLUDES[name] & tree.keys()
    }
    before = {name: value for name, value in may_be_there.items() if name == "storage"}
    return {**before, **tree, **{name: value for name, value in may_be_there.items() if name not in before}}


def case(name, tree, places, env=None):
    """A case of a document. `places` gives the places that name what is wrong with it, of those in the document."""
    text, found = write(filled(tree), HEADER)
    return Case(name, text, env or {}, places=tuple(place for place in places(found) if place))


def at(path):
    return lambda found: (found[path].key, found[path].value)


def inside(path):
    """The mapping that lacks something: where it begins, or its key."""
    return at(path)


def name_of(spot):
    path = ".".join(str(step) for step in spot.path)
    return f"{spot.of_class[1]}/{path}" if spot.of_class else path


def misspelt(name):
    """Two of its letters changed places; in a short name one is gone."""
    return name[:1] + name[2:3] + name[1:2] + name[3:] if len(name) > 3 and name[1] != name[2] else name[:-1]


def parent(tree, path):
    for step in path[:-1]:
        tree = tree[step]
    return tree


def renamed(tree, path, name):
    tree = copy.deepcopy(tree)
    mapping = parent(tree, path)
    items = [(name if key == path[-1] else key, value) for key, value in mapping.items()]
    mapping.clear()
    mapping.update(items)
    return tree


def without(tree, path):
    tree = copy.deepcopy(tree)
    del parent(tree, path)[path[-1]]
    return tree


def of_kinds(spot, kinds=KINDS):
    for kind in kinds:
        value = KINDS[kind]
        tree = schema.document_with(spot, value)
        yield case(f"kind/{name_of(spot)}/{kind}", tree, at(spot.path), {VARIABLE: "7"})


def of_variables(spot):
    if not schema.is_source(spot.type):
        return
    tree = schema.document_with(spot, {"env": VARIABLE})
    for name, value in VALUES.items():
        yield case(f"variable/{name_of(spot)}/{name}", tree, at(spot.path), {VARIABLE: value})


def of_names(spot):
    """Misspelt, and gone if it is required."""
    tree = schema.document_with(spot, schema.sample(spot.type, spot.path))
    name = misspelt(spot.path[-1])
    wrong = (*spot.path[:-1], name)
    yield case(f"misspelt/{name_of(spot)}", renamed(tree, spot.path, name), at(wrong))
    if spot.is_required:
        yield case(f"absent/{name_of(spot)}", without(tree, spot.path), inside(spot.path[:-1]))


def of_selectors(spot):
    if spot.type.kind != ConfigTypeKind.SELECTOR or len(spot.type.fields) < 2:
        return
    names = list(spot.type.fields)
    for first, second in zip(names, names[1:]):
        both = {
            name: schema.sample(spot.type.fields[name].config_type, (*spot.path, name)) for name in (first, second)
        }
        tree = schema.document_with(spot, both)

        def either(found, second=(*spot.path, second)):
            return (*at(spot.path)(found), found[second].key)

        yield case(f"both/{name_of(spot)}/{first}_{second}", tree, either)


def is_told_before(spot):
    """What Postgres is told in a section of its own is what it is told in `storage`, and has fewer cases."""
    return spot.of_class is not None and "Postgres" in spot.of_class[1]


def cases():
    for spot in schema.spots():
        if not is_told_before(spot):
            yield from of_kinds(spot)
            yield from of_variables(spot)
        elif spot.path[-1] != "auth_provider" and "auth_provider" not in spot.path:
            yield from of_kinds(spot, ("text", "null", "env"))
        if isinstance(spot.path[-1], str):
            yield from of_names(spot)
        yield from of_selectors(spot)
