//! Whatever stands in the database, a terminal sees only what can be printed.

use dagster_instance::event::DagsterEventType;
use dagster_instance::run::DagsterRun;
use dagster_instance::serdes::{Opaque, deserialize_value};
use dagster_instance::{AssetKey, RunId};

use crate::home::{Ended, Home, Run};

/// Codes of terminals (C0 and C1), a reversal of direction and a separator of lines.
const NASTY: &str = "x\u{1b}[2J\u{9b}31m\r\u{7}\u{202e}\u{2028}\u{200b}\ny";

fn check_printable(what: &str, ended: &Ended) {
    for (name, text) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
        let bad =
            |c: &char| c.is_control() && *c != '\n' || "\u{202e}\u{2028}\u{200b}".contains(*c);
        assert_eq!(text.chars().find(bad), None, "{what} on {name}: {text:?}");
    }
}

async fn nasty_home() -> Home {
    let home = Home::empty();
    let instance = home.instance().await;
    let mut run = DagsterRun::new(RunId::from("nasty"), NASTY);
    run.tags =
        [(NASTY.to_owned(), NASTY.to_owned()), ("blank".to_owned(), " a ".to_owned())].into();
    run.parent_run_id = Some(RunId::from(NASTY));
    run.root_run_id = Some(RunId::from(NASTY));
    // Text that is carried as it came.
    run.run_config =
        deserialize_value::<Opaque>("{\"k\": \"\u{202e}\u{9b}\"}").expect("a document");
    let run = Run::add_as(&instance, run).await;
    run.starts(0.0).await;
    run.of_step(DagsterEventType::StepStart, 1.0, NASTY, NASTY).await;
    for (index, part) in [NASTY, "a", "a\n", " a ", ""].into_iter().enumerate() {
        let key = AssetKey::new([part, "k"]);
        run.materializes(2.0, NASTY, &key, Some(part)).await;
        run.line(3.0, &format!("{index} {part}")).await;
    }
    run.fails(4.0, NASTY, NASTY, Some(NASTY)).await;
    for id in [format!("two{NASTY}1"), format!("two{NASTY}2")] {
        Run::add_as(&instance, DagsterRun::new(RunId::from(id), "etl")).await;
    }
    instance.dispose().await.expect("everything is stored");
    home
}

#[tokio::test]
async fn nothing_reaches_the_terminal_that_it_would_act_upon() {
    let home = nasty_home().await;
    for line in [
        "run list",
        "run list --json",
        "run show nasty",
        "run events nasty",
        "run events nasty --json",
        "asset list",
        "asset list --json",
        "asset show a/k",
        "asset partitions a/k",
        "partitions list nasty",
        "info",
        "run show two",
        "run wait two",
        "-vv run show nasty",
    ] {
        let arguments: Vec<_> = line.split(' ').collect();
        let ended = home.run(&arguments);
        if line.ends_with("--json") {
            // JSON has escapes for controls, and is for programs.
            assert!(!ended.stdout.contains('\u{1b}'), "{line}");
        } else {
            check_printable(line, &ended);
        }
    }
    check_printable("an unknown id", &home.run(&["run", "show", NASTY]));
    let key = AssetKey::new([NASTY, "k"]).to_user_string();
    for command in ["show", "partitions", "checks"] {
        let ended = home.run(&["asset", command, &key]);
        assert_eq!(ended.code, Some(0), "{ended}");
        check_printable("an asset", &ended);
        check_printable("an unknown asset", &home.run(&["asset", command, NASTY]));
    }
    check_printable("a wipe", &home.run(&["asset", "wipe", &key, "--dry-run"]));
    check_printable("usage", &home.run(&["run", "list", "--tag", NASTY]));
    insta::assert_snapshot!("nasty_run_list", home.run(&["run", "list"]));
    insta::assert_snapshot!("nasty_run_show", home.run(&["run", "show", "nasty"]));
    insta::assert_snapshot!("nasty_run_events", home.run(&["run", "events", "nasty"]));
    insta::assert_snapshot!("nasty_asset_list", home.run(&["asset", "list"]));
    insta::assert_snapshot!("nasty_ambiguous_run", home.run(&["run", "show", "two"]));
    let wipe = ["asset", "wipe", &key, "--partition", NASTY, "--yes"];
    check_printable("a wipe of a partition", &home.run(&wipe));
    check_printable("a key", &home.run(&["partitions", "add", NASTY, NASTY]));
}
