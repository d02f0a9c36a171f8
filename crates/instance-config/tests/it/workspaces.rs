//! The same workspaces as Dagster's, as the fixture has them that `tests/python/workspaces.py` prints. `cargo xtask compat`
//! asks Dagster again.

use std::fmt::Write;

use instance_config::{
    LoadWorkspace, WorkspaceDescription, WorkspaceOptions, describe_workspace, load_workspace,
};
use instance_core::config_problems::Severity;
use instance_core::run::CodeLocationOrigin;
use instance_core::serdes::serialize_value;
use serde_json::{Value, json};

use crate::support::Variables;

const CASES: &str = include_str!("../fixtures/workspaces.json");

/// The variables of the script.
const VARIABLES: Variables = Variables(&[
    ("NAME", "of_variable"),
    ("NUMBER", " 4711\n"),
    ("EMPTY", ""),
    ("HOME", "/home/of/test"),
]);

/// Cases in which another answer than Dagster's is right, with that answer; `docs/differences.md` has the reasons.
const DIFFERENCES: [(&str, &str); 1] = [(
    // Dagster loads the first file in `<dir>/ws/ws`, which need not exist.
    "files/in a directory",
    "<dir>/ws/ws -> <dir>/ws/",
)];

fn options(options: &Value) -> WorkspaceOptions {
    let text = |key: &str| options[key].as_str().map(str::to_owned);
    let list = |key: &str| {
        let items = options[key].as_array().into_iter().flatten();
        items.map(|item| item.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    WorkspaceOptions::default()
        .with_workspace(list("workspace"))
        .with_python_file(list("python_file"))
        .with_module_name(list("module_name"))
        .with_package_name(list("package_name"))
        .with_attribute(text("attribute"))
        .with_working_directory(text("working_directory"))
        .with_grpc_host(text("grpc_host"))
        .with_grpc_port(options["grpc_port"].as_i64())
        .with_grpc_socket(text("grpc_socket"))
        .with_use_ssl(options["use_ssl"] == true)
}

/// What we make of a case, in the words of the fixture.
fn ours(case: &Value) -> Result<Vec<String>, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    for (name, text) in case["files"].as_object().unwrap() {
        let file = path.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text.as_str().unwrap()).unwrap();
    }
    let of_case = case["options"].to_string().replace("<dir>", path.to_str().unwrap());
    let options = options(&serde_json::from_str(&of_case).unwrap());
    let request = LoadWorkspace::new(&path).with_options(options);
    let loaded = load_workspace(&request, &VARIABLES).map_err(|error| error.to_string());
    // The check gives the verdict of whoever loads the file.
    if let Ok(files) = describe_workspace(&request, &VARIABLES) {
        assert_eq!(
            files.iter().all(WorkspaceDescription::is_accepted),
            loaded.is_ok(),
            "{case}\n{files:?}"
        );
    }
    let text = |origin: &CodeLocationOrigin| {
        serialize_value(origin).replace(path.to_str().unwrap(), "<dir>")
    };
    loaded.map(|workspace| workspace.locations.iter().map(text).collect())
}

#[test]
fn origins_and_refusals_are_those_of_dagster() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let mut different = Vec::new();
    let mut refused = 0;
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let found = ours(case);
        let mut expected = case.clone();
        if let Some((_, change)) = DIFFERENCES.iter().find(|(known, _)| *known == name) {
            let (theirs, ours) = change.split_once(" -> ").unwrap();
            let text = case.to_string();
            assert!(text.contains(theirs), "{name} is no difference any more");
            expected = serde_json::from_str(
                &text.replace(&format!("{theirs}\\\""), &format!("{ours}\\\"")),
            )
            .unwrap();
        }
        match &found {
            Ok(origins) if expected["origins"] == json!(origins) => {}
            Err(_) if expected["refused"].is_string() => refused += 1,
            _ => different.push(format!("{expected}\n  ours: {found:?}")),
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    assert!(cases.len() > 400 && refused > 150, "{} cases, {refused} refused", cases.len());
}

/// What is said of a file of this name with this text.
fn told(name: &str, text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(name), text).unwrap();
    let options = WorkspaceOptions::default().with_workspace(vec![name.to_owned()]);
    let request = LoadWorkspace::new(directory.path()).with_options(options);
    let mut told = format!("{text}\n");
    for problem in describe_workspace(&request, &VARIABLES).unwrap().remove(0).problems {
        let severity = if problem.severity == Severity::Error { "error" } else { "warning" };
        writeln!(told, "  {severity}: {problem}").unwrap();
    }
    told
}

/// What is said of broken files, of many kinds.
#[test]
fn texts_of_errors() {
    let lists = [
        "",
        "- a",
        "load_from: [",
        "load_form: []",
        "load_from: {python_module: a}",
        "load_from:",
        "load_from: [a, null, {}, {python_modules: a}, {1: a}]",
        "load_from:\n- python_module: a\n  location_name: b\n- python_module: a\n  python_file: b",
        "load_from: [{port: 5}, {module_name: a}, {token: hunter2}]",
        "load_from: [{python_module: {module-name: a, attribute: 5}}, {python_module: {env: NAME}}]",
        "load_from: [{python_file: {path: a.py}}, {python_file: }, {python_file: ''}, {python_file: [a.py]}]",
        "load_from: [{python_package: {package_name: ''}}, {python_package: {package_name: '', location_name: a}}]",
        "load_from: [{grpc_server: {prot: 1}}, {grpc_server: {port: '1'}}, {grpc_server: }, {grpc_server: 5}]",
        "load_from: [{grpc_server: {port: 1, socket: s}}, {grpc_server: {port: 0}}, {grpc_server: {socket: ''}}]",
        "load_from: [{grpc_server: {port: 70000, ssl: 'yes'}}, {grpc_server: {port: 70000}}]",
        "load_from: [{grpc_server: {port: {env: MISSING}, host: {env: NAME}}}, {grpc_server: {port: {env: NAME}}}]",
        "load_from: [{grpc_server: {port: 1, additional_metadata: hunter2}}]",
        "load_from: [{grpc_server: {port: 1, additional_metadata: {1: hunter2}}}]",
        "load_from:\n- python_module: a\n- python_package: a\n- grpc_server: {port: 1, location_name: a}",
    ];
    let projects = [
        "[tool.dagster",
        "[tool]\ndagster = 1",
        "[tool.dagster]\nmodule_name = 1\ncode_location_name = 2",
        "[tool.dagster]\nmodule_name = \"\"",
        "[tool.dagster]\nmodule_name = \"a\"\nmodules = [{type = \"module\", name = \"b\"}]",
        "[tool.dagster]\nmodules = [{name = \"b\"}, \"c\", {type = 1, name = 2}, {type = \"file\", name = \"d\"}]",
        "[tool.dagster]\ncode_location_name = \"x\"\nmodules = [{type = \"module\", name = \"b\"}, {type = \"module\", \
         name = \"c\"}]",
        "[tool.dagster]\nmodules = []",
        "[tool.dagster]\nmodules = \"a\"",
        "[tool.dg]\nproject = 1",
        "[tool.dg.project]\nautoload_defs = true",
        "[tool.dg.project]\nroot_module = \"a\"\nautoload_defs = true\ndefs_module = 1",
    ];
    let lists = lists.map(|text| told("workspace.yaml", text));
    let projects = projects.map(|text| told("pyproject.toml", text));
    let texts = [lists.join("\n"), projects.join("\n")].join("\n");
    let is_problem = |line: &&str| line.starts_with("  ") && !line.starts_with("  location_name");
    assert!(!texts.lines().filter(is_problem).any(|line| line.contains("hunter2")));
    insta::assert_snapshot!(texts);
}

/// What is said of options and directories that cannot be.
#[test]
fn texts_of_refused_requests() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let base = WorkspaceOptions::default;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let requests = [
        LoadWorkspace::new(path),
        LoadWorkspace::new("relative"),
        LoadWorkspace::new(path).with_options(base().with_workspace(names(&["w.yaml"]))),
        LoadWorkspace::new(path).with_options(base().with_attribute("a".to_owned())),
        LoadWorkspace::new(path).with_options(base().with_python_file(names(&[""]))),
        LoadWorkspace::new(path).with_options(
            base().with_python_file(names(&["a.py"])).with_module_name(names(&["b"])),
        ),
        LoadWorkspace::new(path).with_options(
            base().with_module_name(names(&["a", "b"])).with_attribute("c".to_owned()),
        ),
    ];
    let told = requests.map(|request| {
        let error = load_workspace(&request, &VARIABLES).unwrap_err();
        error.to_string().replace(path, "<dir>")
    });
    insta::assert_snapshot!(told.join("\n"));
}

/// What is told of the locations of a file: no value of its metadata.
#[test]
fn locations_are_described() {
    let directory = tempfile::tempdir().unwrap();
    let text = "load_from:\n\
                - python_file: {relative_path: a.py, attribute: {env: NAME}, executable_path: ~/venv/bin/python}\n\
                - python_module: b\n\
                - python_package: {package_name: c, location_name: see}\n\
                - autoload_defs_module: d\n\
                - grpc_server: {port: {env: NUMBER}, ssl: true, additional_metadata: {token: hunter2}}\n\
                - python_modules: e\n";
    std::fs::write(directory.path().join("workspace.yaml"), text).unwrap();
    let request = LoadWorkspace::new(directory.path());
    let described = describe_workspace(&request, &VARIABLES).unwrap().remove(0);
    let mut told = String::new();
    for location in &described.locations {
        let (name, place, kind) = (&location.name, location.position, location.kind);
        writeln!(told, "{name} ({place}): {kind} {}", Value::Object(location.values.clone()))
            .unwrap();
    }
    for problem in &described.problems {
        writeln!(told, "{problem}").unwrap();
    }
    insta::assert_snapshot!(told.replace(directory.path().to_str().unwrap(), "<dir>"));
}
