//! Where `launch` and `code` find code: options, variables and files. No Python is started: a program in its place shows how it
//! was called.

use std::process::{Command, Stdio};

use crate::home::Home;

/// How the binary ended in a directory with a `workspace.yaml` of this text, or with none if it is empty.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

#[expect(clippy::disallowed_methods, reason = "tests start the program that they test")]
fn run(workspace: &str, variables: &[(&str, &str)], line: &str) -> Ended {
    let directory = Home::empty();
    if !workspace.is_empty() {
        std::fs::write(directory.path().join("workspace.yaml"), workspace).expect("written");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_dagster-instance"));
    command.arg("--home").arg(directory.path()).args(line.split(' ')).current_dir(directory.path());
    for variable in ["PYTHON_FILE", "MODULE_NAME", "PACKAGE_NAME", "ATTRIBUTE", "WORKING_DIRECTORY"]
    {
        command.env_remove(format!("DAGSTER_{variable}"));
    }
    command.env_remove("DAGSTER_HOME").env("DAGSTER_INSTANCE_PYTHON", "/bin/false");
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    let output = command.output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("a text");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The command of the server, as the error shows it.
fn command(ended: &Ended) -> &str {
    let shown = ended.stderr.split_once("--location-name ").map(|(_, rest)| rest);
    shown.and_then(|rest| rest.split_once('"')).map_or("", |(shown, _)| shown)
}

#[test]
fn code_is_where_an_option_a_variable_or_a_file_says() {
    let file = "load_from: [{python_module: {module_name: of.file, working_directory: /}}]\n";
    let variables = [("DAGSTER_MODULE_NAME", "of.variable"), ("DAGSTER_ATTRIBUTE", "attribute")];
    for (workspace, variables, options, expected) in [
        (file, &variables[..0], "", "of.file -m of.file -d /"),
        (file, &variables[..], " -d /", "of.variable:attribute -m of.variable -d / -a attribute"),
        (file, &variables[..], " -w workspace.yaml", "of.file -m of.file -d /"),
        ("", &variables[..], " -m m -d / -a a", "m:a -m m -d / -a a"),
        ("", &[], " --package-name p -d / --location-name loc", "loc -d / --package-name p"),
        (
            "",
            &[],
            " --autoload-defs-module-name a.defs -d /",
            "a.defs -d / --autoload-defs-module-name a.defs",
        ),
        ("", &[], " -f dir/x.py -d /", "x.py -f dir/x.py -d /"),
    ] {
        let ended = run(workspace, variables, &format!("code ping{options}"));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
        assert!(ended.stderr.contains("gRPC server exited with return code 1"), "{}", ended.stderr);
        assert_eq!(command(&ended), expected, "{}", ended.stderr);
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    for options in [
        "-f x.py -m y",
        "--server localhost:1 -w w.yaml",
        "-f x.py --tls",
        "-w w.yaml --attribute a",
        "-w w.yaml --location-name x",
        "--server localhost:1 --python python3",
    ] {
        for command in ["launch --job x", "code list", "code ping"] {
            let ended = run("", &[], &format!("{command} {options}"));
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
            assert!(ended.stderr.contains("cannot be used with"), "{}", ended.stderr);
        }
    }
}

#[test]
fn where_no_code_is_found_the_user_is_told_what_to_do() {
    let nothing = run("", &[], "launch --job x");
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(125), ""), "{}", nothing.stderr);
    assert!(
        nothing.stderr.contains("say where the code is with -w, -f or -m"),
        "{}",
        nothing.stderr
    );
    let alone = run("", &[], "code list -a defs");
    assert_eq!(alone.code, Some(1), "{}", alone.stderr);
    assert!(alone.stderr.contains("--attribute \"defs\""), "{}", alone.stderr);
    let two = "load_from: [{python_module: a}, {python_module: b}]\n";
    let unnamed = run(two, &[], "launch --job x");
    assert_eq!(unnamed.code, Some(125), "{}", unnamed.stderr);
    assert!(
        unnamed.stderr.contains("name the code location: the workspace has a, b"),
        "{}",
        unnamed.stderr
    );
    let unknown = run(two, &[], "launch --job x --location c");
    assert_eq!(unknown.code, Some(125), "{}", unknown.stderr);
    assert!(
        unknown
            .stderr
            .contains("code location \"c\" is not served by the workspace; there are a, b"),
        "{}",
        unknown.stderr
    );
    let chosen = run(two, &[], "launch --job x --location b");
    assert_eq!((chosen.code, command(&chosen)), (Some(125), "b -m b"), "{}", chosen.stderr);
}

#[test]
fn each_location_that_fails_is_told_as_json() {
    let two = "load_from: [{python_module: a}, {python_module: b}]\n";
    let ended = run(two, &[], "code list --json");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let lines: Vec<serde_json::Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let names: Vec<_> = lines.iter().map(|line| line["location"].as_str()).collect();
    assert_eq!(names, [Some("a"), Some("b")]);
    assert!(
        lines.iter().all(|line| line["error"]
            .as_str()
            .is_some_and(|error| error.contains("return code 1")))
    );
}
