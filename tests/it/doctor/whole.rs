//! Databases that nothing is wrong with: as nine releases made them, and as Dagster has upgraded them.

use dagster_instance_tests::{Home, dagster};

use super::{RELEASES, above_note, check, copy_home, instance, load};
use crate::postgres::TestDatabase;

/// The index of a home that has no revision gets the newest from Dagster, and not this column. So it is really missing.
const KNOWN: &str =
    "history/runs/index.db: error: missing: column concurrency_limits.using_default_limit";

#[tokio::test]
async fn nothing_is_found_in_homes_of_old_releases_and_in_those_that_dagster_upgraded() {
    for release in RELEASES {
        let directory = Home::new();
        let home = directory.path().join("home");
        copy_home(release, &home);
        let found = above_note(&check(&instance(&home).await).await);
        assert!(found.is_empty(), "{release}: {found:#?}");
        dagster("upgrade_home.py", &[&home.to_string_lossy(), "--migrate"]);
        let found = above_note(&check(&instance(&home).await).await);
        let lacks = usize::from(["1.7", "1.8"].contains(&release));
        assert_eq!(found.len(), lacks, "{release}: {found:#?}");
        assert!(found.iter().all(|line| line.contains(KNOWN)), "{release}: {found:#?}");
    }
}

#[tokio::test]
async fn nothing_is_found_in_postgres_databases_of_old_releases_and_in_those_that_dagster_upgraded()
{
    let database = TestDatabase::new("doctor_whole");
    let home = database.home();
    for release in RELEASES {
        load(&database, release);
        let found = above_note(&check(&instance(home.path()).await).await);
        assert!(found.is_empty(), "{release}: {found:#?}");
        dagster("migrate_instance.py", &[&home.path().to_string_lossy()]);
        let found = above_note(&check(&instance(home.path()).await).await);
        assert!(found.is_empty(), "{release}: {found:#?}");
    }
}
