//! The homes of both sides.

use std::path::{Path, PathBuf};

use dagster_instance::DagsterInstance;
use sqlx::Connection;

use crate::Result;

/// What is measured with one kind of database.
pub(crate) struct Homes {
    /// Where we write.
    pub(crate) ours: PathBuf,
    /// Where Dagster writes, and what is watched.
    pub(crate) shared: PathBuf,
}

impl Homes {
    pub(crate) fn sqlite(directory: &Path) -> Result<Self> {
        Ok(Self { ours: home(directory, "ours", "")?, shared: home(directory, "shared", "")? })
    }

    pub(crate) async fn postgres(directory: &Path, url: &str) -> Result<Self> {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        let (base, _) = url.rsplit_once('/').ok_or("the URL names no database")?;
        let mut homes = Vec::new();
        for name in ["instance_ours", "instance_shared"] {
            for sql in
                [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")]
            {
                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
            }
            let section = format!("storage:\n  postgres:\n    postgres_url: {base}/{name}\n");
            homes.push(home(directory, name, &section)?);
        }
        let [ours, shared] = homes.try_into().map_err(|_| "two homes")?;
        Ok(Self { ours, shared })
    }
}

fn home(directory: &Path, name: &str, section: &str) -> Result<PathBuf> {
    let home = directory.join(name);
    std::fs::create_dir_all(&home)?;
    let settings = format!("telemetry:\n  enabled: false\n{section}");
    std::fs::write(home.join("dagster.yaml"), settings)?;
    Ok(home)
}

/// Our instance of a home.
pub(crate) async fn open(home: &Path) -> Result<DagsterInstance> {
    let instance = DagsterInstance::builder().home(home).open().await?;
    instance.create_storages().await?;
    Ok(instance)
}
