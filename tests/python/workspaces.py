"""Prints workspaces, each with the origins of code locations that Dagster makes of it, or that it refuses it.

    python workspaces.py > crates/instance-config/tests/fixtures/workspaces.json

A case has files below a directory, which is the current one, and options of a command. `<dir>` stands for the path of
the directory. Nothing that a workspace names is opened.
"""

import json
import os
import sys
import tempfile

from click import UsageError

from dagster._cli.workspace.cli_target import _get_workspace_load_target_from_cli_opts
from dagster._serdes import serialize_value
from dagster_shared.cli import WorkspaceOpts

VARIABLES = {"NAME": "of_variable", "NUMBER": " 4711\n", "EMPTY": "", "HOME": "/home/of/test"}

SOURCES = ("x", "", 5, 1.5, True, None, [], {}, {"env": "NAME"}, {"env": "EMPTY"}, {"env": "MISSING"}, {"env": 5}, {"a": "b"})
FIELDS = {
    "python_file": ("relative_path", "attribute", "location_name", "working_directory", "executable_path"),
    "python_module": ("module_name", "attribute", "location_name", "working_directory", "executable_path"),
    "python_package": ("package_name", "attribute", "location_name", "working_directory", "executable_path"),
    "autoload_defs_module": ("module_name", "attribute", "location_name", "working_directory", "executable_path"),
    "grpc_server": ("host", "socket", "port", "location_name", "ssl", "additional_metadata"),
}

DOCUMENTS = {
    "no locations": "load_from: []\n",
    "empty": "",
    "comment": "# nothing\n",
    "empty mapping": "{}\n",
    "list": "[]\n",
    "zero": "0\n",
    "text": "load_from\n",
    "two documents": "load_from: []\n---\nload_from: []\n",
    "no YAML": "load_from: [\n",
    "tab": "load_from:\n\t- python_module: a\n",
    "unknown key": "load_from: []\nload_form: []\n",
    "key is a number": "load_from: []\n1: []\n",
    "list is null": "load_from:\n",
    "list is a mapping": "load_from: {python_module: a}\n",
    "list is a variable": "load_from: {env: NAME}\n",
    "key twice": "load_from: [{python_module: a}]\nload_from: [{python_module: b}]\n",
    "anchors": "load_from:\n- python_module: &m {module_name: a, attribute: x}\n- python_module: {<<: *m, attribute: y}\n",
    "BOM": "\ufeffload_from:\n- python_module: a\n",
    "unicode": "load_from:\n- python_file: é/ü.py\n",
    "entry is a text": "load_from: [a]\n",
    "entry is null": "load_from:\n-\n",
    "entry is empty": "load_from: [{}]\n",
    "entry has two keys": "load_from:\n- python_module: a\n  python_package: b\n",
    "entry has an unknown key": "load_from: [{python_modules: a}]\n",
    "entry has a number as its key": "load_from: [{1: a}]\n",
    "entry has a key beside it": "load_from:\n- python_module: a\n  location_name: b\n",
    "two of one name": "load_from: [{python_module: a}, {python_module: a}]\n",
    "two of one given name": "load_from: [{python_module: a}, {python_file: {relative_path: b.py, location_name: a}}]\n",
    "one of each": "load_from: [{python_module: a}, {python_package: b}, {python_file: c.py}, {autoload_defs_module: d}, "
    "{grpc_server: {port: 1}}, {grpc_server: {socket: /s}}]\n",
    "file that is absolute": "load_from: [{python_file: /x/../y/c.py}]\n",
    "file above": "load_from: [{python_file: ../c.py}, {python_file: {relative_path: ./d.py, working_directory: ../x}}]\n",
    "file that is a directory": "load_from: [{python_file: {relative_path: c/}}]\n",
    "file of a home": "load_from: [{python_file: ~/c.py}, {python_file: {relative_path: ~/d.py, working_directory: ~/x}}]\n",
    "file with an attribute": "load_from: [{python_file: {relative_path: c/d.py, attribute: e}}]\n",
    "file with an absolute directory": "load_from: [{python_file: {relative_path: c.py, working_directory: /x/}}]\n",
    "module of an empty name with another": "load_from: [{python_module: {module_name: '', location_name: a}}]\n",
    "module with a dot": "load_from: [{python_module: {module_name: a.b, attribute: c}}]\n",
    "interpreters": "load_from: [{python_module: {module_name: a, executable_path: ~/b//c/}}, {python_module: {module_name: b, "
    "executable_path: '~'}}, {python_module: {module_name: c, executable_path: ~nobody-at-all/x}}, {python_module: "
    "{module_name: d, executable_path: ../x/$HOME}}]\n",
    "port and socket": "load_from: [{grpc_server: {port: 1, socket: /s}}]\n",
    "port zero and socket": "load_from: [{grpc_server: {port: 0, socket: /s}}]\n",
    "port and empty socket": "load_from: [{grpc_server: {port: 1, socket: ''}}]\n",
    "port zero": "load_from: [{grpc_server: {port: 0, host: h}}]\n",
    "ports that are none": "load_from: [{grpc_server: {port: -1}}, {grpc_server: {port: 70000}}]\n",
    "port is a text": "load_from: [{grpc_server: {port: '4711'}}]\n",
    "port is hexadecimal": "load_from: [{grpc_server: {port: 0x10}}]\n",
    "port of a variable": "load_from: [{grpc_server: {port: {env: NUMBER}, host: {env: NAME}}}]\n",
    "encrypted": "load_from: [{grpc_server: {port: 1, ssl: true, location_name: a}}, {grpc_server: {port: 2, ssl: false}}]\n",
    "metadata": "load_from: [{grpc_server: {port: 1, additional_metadata: {b: [1, 1.5, x, null, true], a: {c: é}}}}]\n",
    "metadata with a number as a key": "load_from: [{grpc_server: {port: 1, additional_metadata: {1: 2}}}]\n",
    "metadata with a number as a key within": "load_from: [{grpc_server: {port: 1, additional_metadata: {a: {1: 2}}}}]\n",
}

PROJECTS = {
    "no tables": "",
    "of another": "[tool.black]\nline-length = 100\n",
    "no TOML": "[tool.dagster\n",
    "tool is a number": "tool = 1\n",
    "dagster is a number": "[tool]\ndagster = 1\n",
    "empty": "[tool.dagster]\n",
    "module": '[tool.dagster]\nmodule_name = "a.b"\n',
    "module with a name": '[tool.dagster]\nmodule_name = "a"\ncode_location_name = "b"\n',
    "module is a number": "[tool.dagster]\nmodule_name = 1\n",
    "module is empty": '[tool.dagster]\nmodule_name = ""\n',
    "module is empty and named": '[tool.dagster]\nmodule_name = ""\ncode_location_name = "b"\n',
    "name is a number": '[tool.dagster]\nmodule_name = "a"\ncode_location_name = 1\n',
    "name is empty": '[tool.dagster]\nmodule_name = "a"\ncode_location_name = ""\n',
    "other keys": '[tool.dagster]\nmodule_name = "a"\nother = 1\n',
    "modules": '[tool.dagster]\nmodules = [{type = "module", name = "a"}, {type = "module", name = "b"}]\n',
    "modules of another type": '[tool.dagster]\nmodules = [{type = "file", name = "a"}, {type = "module", name = "b"}]\n',
    "modules without a name": '[tool.dagster]\nmodules = [{type = "module"}]\n',
    "modules without a type": '[tool.dagster]\nmodules = [{name = "a"}]\n',
    "modules with a number": '[tool.dagster]\nmodules = [{type = "module", name = 1}]\n',
    "modules of texts": '[tool.dagster]\nmodules = ["a"]\n',
    "modules that are a text": '[tool.dagster]\nmodules = "a"\n',
    "modules that are none": "[tool.dagster]\nmodules = []\n",
    "module and modules": '[tool.dagster]\nmodule_name = "a"\nmodules = [{type = "module", name = "b"}]\n',
    "module and no modules": '[tool.dagster]\nmodule_name = "a"\nmodules = []\n',
    "modules of one name": '[tool.dagster]\ncode_location_name = "c"\nmodules = [{type = "module", name = "a"}]\n',
    "dg is a number": "[tool]\ndg = 1\n",
    "dg without a project": '[tool.dg]\ndirectory_type = "workspace"\n',
    "dg with an empty project": "[tool.dg.project]\n",
    "project": '[tool.dg.project]\nroot_module = "a"\n',
    "project with a name": '[tool.dg.project]\nroot_module = "a"\ncode_location_name = "b"\n',
    "project with a target": '[tool.dg.project]\nroot_module = "a"\ncode_location_target_module = "c.d"\n',
    "project that loads all": '[tool.dg.project]\nroot_module = "a"\nautoload_defs = true\n',
    "project that loads all of a module": '[tool.dg.project]\nroot_module = "a"\nautoload_defs = true\ndefs_module = "c"\n',
    "project that does not load all": '[tool.dg.project]\nroot_module = "a"\nautoload_defs = false\ndefs_module = "c"\n',
    "project without a root": '[tool.dg.project]\ncode_location_target_module = "c"\n',
    "project with a target that is a number": '[tool.dg.project]\nroot_module = "a"\ncode_location_target_module = 1\n',
    "project that is a number": "[tool.dg]\nproject = 1\n",
    "project that is zero": "[tool.dg]\nproject = 0\n",
    "dagster and project": '[tool.dagster]\n[tool.dg.project]\nroot_module = "a"\n',
    "module and project": '[tool.dagster]\nmodule_name = "m"\n[tool.dg.project]\nroot_module = "a"\n',
}

OPTIONS = {
    "file": {"python_file": ["a.py"]},
    "file that is absolute": {"python_file": ["/x/../a.py"], "attribute": "b"},
    "file in a directory": {"python_file": ["x/a.py"], "working_directory": "../y"},
    "two files": {"python_file": ["a.py", "b.py"], "working_directory": "/y"},
    "two files of one name": {"python_file": ["x/a.py", "y/a.py"]},
    "two files and an attribute": {"python_file": ["a.py", "b.py"], "attribute": "c"},
    "file of an empty name": {"python_file": [""]},
    "module": {"module_name": ["a.b"]},
    "module with an attribute": {"module_name": ["a.b"], "attribute": "c", "working_directory": "x"},
    "two modules": {"module_name": ["a", "b"]},
    "two modules and an attribute": {"module_name": ["a", "b"], "attribute": "c"},
    "package": {"package_name": ["a"], "attribute": ""},
    "two packages": {"package_name": ["a", "b"]},
    "two packages and an attribute": {"package_name": ["a", "b"], "attribute": "c"},
    "attribute alone": {"attribute": "a"},
    "directory alone": {"working_directory": "a"},
    "host alone": {"grpc_host": "h"},
    "port": {"grpc_port": 4711},
    "port of a host": {"grpc_port": 4711, "grpc_host": "h", "use_ssl": True},
    "port zero": {"grpc_port": 0},
    "socket": {"grpc_socket": "s.sock"},
    "socket and host": {"grpc_socket": "/s", "grpc_host": "h"},
    "port and socket": {"grpc_port": 1, "grpc_socket": "/s"},
    "port and file": {"grpc_port": 1, "python_file": ["a.py"]},
    "port and attribute": {"grpc_port": 1, "attribute": "a"},
    "file and module": {"python_file": ["a.py"], "module_name": ["b"]},
    "module and package": {"module_name": ["a"], "package_name": ["b"]},
    "workspace and file": {"workspace": ["workspace.yaml"], "python_file": ["a.py"]},
    "workspace and directory": {"workspace": ["workspace.yaml"], "working_directory": "x"},
    "encrypted alone": {"use_ssl": True},
}

LISTED = "load_from: [{python_file: {relative_path: a.py}}, {python_file: {relative_path: b.py, working_directory: w}}]\n"


def cases():
    """(name, files, options)"""
    for name, text in DOCUMENTS.items():
        yield f"document/{name}", {"workspace.yaml": text}, {}
    for kind, fields in FIELDS.items():
        of_kind = {"python_file": "relative_path", "python_package": "package_name"}.get(kind, "module_name")
        required = {"port": 1} if kind == "grpc_server" else {of_kind: "r"}
        for value in SOURCES:
            entry = json.dumps({"load_from": [{kind: value}]})
            yield f"{kind}/{json.dumps(value)}", {"workspace.yaml": entry}, {}
            for field in fields:
                entry = json.dumps({"load_from": [{kind: {**required, field: value}}]})
                yield f"{kind}/{field}/{json.dumps(value)}", {"workspace.yaml": entry}, {}
        entry = json.dumps({"load_from": [{kind: {field: "x" for field in fields[1:]}}]})
        yield f"{kind}/nothing required", {"workspace.yaml": entry}, {}
    for name, text in PROJECTS.items():
        yield f"project/{name}", {"pyproject.toml": text}, {}
    for name, options in OPTIONS.items():
        yield f"options/{name}", {"workspace.yaml": LISTED}, options
    for name, files, paths in (
        ("as it is named", {"workspace.yaml": LISTED}, ["workspace.yaml"]),
        ("with a dot", {"workspace.yaml": LISTED}, ["./workspace.yaml"]),
        ("of another name", {"x.json": LISTED}, ["x.json"]),
        ("in a directory", {"ws/w.yaml": LISTED}, ["ws/w.yaml"]),
        ("absolute", {"ws/w.yaml": LISTED}, ["<dir>/ws/w.yaml"]),
        ("absolute and crooked", {"ws/w.yaml": LISTED}, ["<dir>/ws/../ws//w.yaml"]),
        ("not there", {}, ["w.yaml"]),
        (
            "several",
            {
                "a.yaml": "load_from: [{python_module: a}, {python_module: b}]\n",
                "b.yaml": "load_from: [{python_module: c}, {python_module: {module_name: d, location_name: a}}]\n",
            },
            ["a.yaml", "b.yaml"],
        ),
        ("several, one empty", {"a.yaml": LISTED, "b.yaml": ""}, ["a.yaml", "b.yaml"]),
        ("the same twice", {"a.yaml": LISTED}, ["a.yaml", "a.yaml"]),
    ):
        yield f"files/{name}", files, {"workspace": paths}
    project = '[tool.dagster]\nmodule_name = "p"\n'
    for name, files in {
        "nothing": {},
        "workspace": {"workspace.yaml": LISTED},
        "yml": {"workspace.yml": LISTED},
        "both workspaces": {"workspace.yml": "load_from: []\n", "workspace.yaml": LISTED},
        "project and workspace": {"pyproject.toml": project, "workspace.yaml": LISTED},
        "project of another and workspace": {"pyproject.toml": "[tool.black]\n", "workspace.yaml": LISTED},
        "dg and workspace": {"pyproject.toml": "[tool.dg]\n", "workspace.yaml": LISTED},
        "broken project and workspace": {"pyproject.toml": "[", "workspace.yaml": LISTED},
    }.items():
        yield f"found/{name}", files, {}


def answer(files, options):
    with tempfile.TemporaryDirectory() as directory:
        directory = os.path.realpath(directory)
        os.chdir(directory)
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(directory, path)), exist_ok=True)
            with open(path, "w", encoding="utf8") as file:
                file.write(text)
        options = json.loads(json.dumps(options).replace("<dir>", directory))
        try:
            target = _get_workspace_load_target_from_cli_opts(WorkspaceOpts(**options))
            origins = [serialize_value(origin) for origin in target.create_origins()]
            return {"origins": [origin.replace(directory, "<dir>") for origin in origins]}
        except (Exception, UsageError) as error:
            return {"refused": type(error).__name__}
        finally:
            os.chdir("/")


def main():
    os.environ.update(VARIABLES)
    os.environ.pop("MISSING", None)
    lines = [
        json.dumps({"name": name, "files": files, "options": options, **answer(files, options)})
        for name, files, options in cases()
    ]
    sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
