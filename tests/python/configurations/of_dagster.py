"""The configurations in Dagster's own tests: each file, each text and each mapping that reads as a `dagster.yaml`.

The tests are read, not run. Where a mapping has a part that only a run would know, a name is looked up among the
assignments and parameters around it, and what is left becomes a text. Each mapping is written as YAML.
"""

import ast
import itertools
import os
from pathlib import Path

import yaml

from dagster._core.instance.config import dagster_instance_config_schema

from configurations.case import BASE, Case

# A test that configures an instance has one of these.
TELLING = ("dagster.yaml", "from_dir", "instance_for_test", "local_temp", "overrides")
# Variables that the configurations refer to.
ENVIRONMENT = {"SQLITE_STORAGE_BASE_DIR": BASE + "/of-variable"}
# No test has more mappings than this for one place.
AT_MOST = 6

class Reader:
    """What the expressions of one file are: each is a list of the values that it may have."""

    def __init__(self, tree):
        self.parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self.tree = tree
        self.assigned = {}
        for node in self.parents:
            for target in node.targets if isinstance(node, ast.Assign) else ():
                if isinstance(target, ast.Name):
                    self.assigned.setdefault(target.id, []).append(node)
        # Names that are looked up now: `overrides = overrides or {}` leads to itself.
        self.looked_up = set()

    def around(self, node):
        """The functions that the node is in, from within, and the file."""
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.Module)):
                yield node

    def named(self, name, node):
        """The values of a name, as seen from the node."""
        if name in self.looked_up:
            return []
        self.looked_up.add(name)
        try:
            found = self.found(name, node)
        finally:
            self.looked_up.discard(name)
        if found:
            return found
        return [f"{BASE}/{name}"] if any(part in name for part in ("dir", "path", "tmp")) else [f"of-{name}"]

    def found(self, name, node):
        for scope in self.around(node):
            if isinstance(scope, ast.FunctionDef):
                found = list(self.parameters(scope, name))
                if found:
                    return found
            inside = [each for each in self.assigned.get(name, []) if scope in self.around(each)]
            if found := [value for each in inside for value in self.values(each.value)]:
                return found
        return []

    def parameters(self, function, name):
        """What pytest gives to a parameter of the function."""
        for decorator in function.decorator_list:
            if not (isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("parametrize")):
                continue
            names = ast.literal_eval(decorator.args[0])
            names = [each.strip() for each in names.split(",")] if isinstance(names, str) else list(names)
            if name not in names or not isinstance(decorator.args[1], (ast.List, ast.Tuple)):
                continue
            for item in decorator.args[1].elts:
                if len(names) > 1 and isinstance(item, (ast.List, ast.Tuple)):
                    item = item.elts[names.index(name)]
                yield from self.values(item)

    def values(self, node):
        match node:
            case ast.Constant():
                return [node.value]
            case ast.Dict():
                parts = []
                for key, value in zip(node.keys, node.values):
                    if key is None:
                        parts.append([each if isinstance(each, dict) else {} for each in self.values(value)])
                    else:
                        pairs = itertools.product(self.values(key), self.values(value))
                        parts.append([{name: each} for name, each in pairs if isinstance(name, (str, int))])
                return [
                    {name: each for part in choice for name, each in part.items()}
                    for choice in itertools.islice(itertools.product(*parts), AT_MOST)
                ]
            case ast.List() | ast.Tuple():
                choices = itertools.product(*(self.values(each) for each in node.elts))
                return [list(choice) for choice in itertools.islice(choices, AT_MOST)]
            case ast.Name():
                return self.named(node.id, node)[:AT_MOST]
            case ast.UnaryOp(op=ast.USub()):
                return [-each for each in self.values(node.operand) if isinstance(each, (int, float))]
            case ast.IfExp():
                return [*self.values(node.body), *self.values(node.orelse)][:AT_MOST]
            case ast.BoolOp():
                return [each for value in node.values for each in self.values(value)][:AT_MOST]
            case ast.Call(func=ast.Name(id="str")):
                return self.values(node.args[0])
            case ast.Call() if ast.unparse(node.func) == "os.path.join":
                parts = itertools.product(*(self.values(each) for each in node.args))
                return [os.path.join(*map(str, choice)) for choice in itertools.islice(parts, AT_MOST)]
            case _:
                return [f"of-{ast.unparse(node)}"]


def sections():
    return set(dagster_instance_config_schema())


def reads_as_configuration(tree, known):
    return isinstance(tree, dict) and tree and set(tree) <= known and any(isinstance(each, dict) for each in tree.values())


def may_be_configuration(node, reader, known):
    """Whether a mapping that is in no other has the names of sections as its keys."""
    names = [key.value for key in node.keys if isinstance(key, ast.Constant)]
    return not isinstance(reader.parents.get(node), ast.Dict) and all(name in known for name in names)


def in_file(path):
    """The configurations of a file of tests, as texts."""
    text = path.read_text()
    if not any(part in text for part in TELLING):
        return
    known = sections()
    reader = Reader(ast.parse(text))
    for node in ast.walk(reader.tree):
        if isinstance(node, ast.Dict) and may_be_configuration(node, reader, known):
            for tree in reader.values(node):
                if reads_as_configuration(tree, known):
                    yield node.lineno, yaml.dump(tree)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and ":\n" in node.value:
            try:
                tree = yaml.safe_load(node.value)
            except yaml.YAMLError:
                continue
            if reads_as_configuration(tree, known):
                yield node.lineno, node.value


def cases(sdist):
    """Each text once, under the name of the first file that has it."""
    tests, texts = Path(sdist) / "dagster_tests", set()
    for path in sorted(tests.rglob("*.yaml")):
        try:
            tree = yaml.safe_load(path.read_text())
        except (yaml.YAMLError, UnicodeDecodeError):
            continue
        if path.name.startswith("dagster") or reads_as_configuration(tree, sections()):
            texts.add(path.read_text())
            yield Case(f"dagster/{path.relative_to(tests)}", path.read_text(), ENVIRONMENT)
    for path in sorted(tests.rglob("*.py")):
        for number, (line, text) in enumerate(in_file(path)):
            if text not in texts:
                texts.add(text)
                yield Case(f"dagster/{path.relative_to(tests)}:{line}.{number}", text, ENVIRONMENT)
