//! A repository as its server has sent it, with the places of its assets, checks and jobs.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::code_location::payloads::{
    AssetCheckNodeSnap, AssetNodeSnap, JobDataSnap, JobRefSnap,
};
use instance_core::partitions::PartitionsSnap;
use instance_core::serdes::{Reader, SerdesClass, SerdesError, Unpack, deserialize_value};

/// The text of a repository. An asset is read when it is asked for: a run touches a few of many thousands, and each
/// would take more memory as a value than as text.
#[derive(PartialEq, Eq)]
pub struct RepositoryText {
    text: String,
    assets: HashMap<AssetKey, Range<usize>>,
    checks: HashMap<AssetCheckKey, Range<usize>>,
    jobs: BTreeMap<String, Range<usize>>,
    /// By their jobs.
    partitions: BTreeMap<String, Range<usize>>,
}

impl RepositoryText {
    /// Finds the places in a text of the class `ExternalRepositoryData`.
    ///
    /// # Errors
    ///
    /// The text is no such object.
    pub fn new(text: String) -> Result<Self, SerdesError> {
        let (mut assets, mut checks) = (HashMap::new(), HashMap::new());
        let (mut jobs, mut partitions) = (BTreeMap::new(), BTreeMap::new());
        let mut reader = Reader::new(&text);
        let mut object = reader.begin_object()?;
        while let Some(key) = reader.next_key(&mut object)? {
            match &*key {
                "external_asset_graph_data" => items(&mut reader, &text, |item, place| {
                    let (key, _) = key_and_name(item, false)?;
                    assets.extend(key.map(|key| (key, place)));
                    Ok(())
                })?,
                "external_asset_checks" => items(&mut reader, &text, |item, place| {
                    if let (Some(key), Some(name)) = key_and_name(item, true)? {
                        checks.insert(AssetCheckKey::new(key, name), place);
                    }
                    Ok(())
                })?,
                // Old servers send the second, in which each job has its snapshot.
                "external_job_refs" | "external_pipeline_datas" => {
                    items(&mut reader, &text, |item, place| {
                        jobs.extend(key_and_name(item, true)?.1.map(|name| (name, place)));
                        Ok(())
                    })?;
                }
                "external_partition_set_datas" => items(&mut reader, &text, |item, _| {
                    let (job, definition) = job_and_partitions(item)?;
                    let definition = definition.map(|definition| place_of(definition, &text));
                    partitions.extend(job.zip(definition));
                    Ok(())
                })?,
                _ => {
                    reader.raw_value()?;
                }
            }
        }
        reader.end()?;
        Ok(Self { text, assets, checks, jobs, partitions })
    }

    /// The names of its jobs, in the order of letters.
    pub fn job_names(&self) -> impl Iterator<Item = &str> {
        self.jobs.keys().map(String::as_str)
    }

    /// Whether it has a job of this name.
    pub fn has_job(&self, name: &str) -> bool {
        self.jobs.contains_key(name)
    }

    /// A job with its snapshot, from servers that send the snapshots with the repository; `None` from others, and if
    /// there is no such job.
    ///
    /// # Errors
    ///
    /// The job cannot be read.
    pub fn job_data(&self, name: &str) -> Result<Option<JobDataSnap>, SerdesError> {
        let Some(text) = self.jobs.get(name).and_then(|place| self.text.get(place.clone())) else {
            return Ok(None);
        };
        let class = Reader::new(text).class()?;
        if class.is_some_and(|class| JobRefSnap::has_storage_name(&class)) {
            return Ok(None);
        }
        deserialize_value(text).map(Some)
    }

    /// The definition of a job's partitions; `None` if it has none, if only its code can tell them, and if there is no such
    /// job.
    ///
    /// # Errors
    ///
    /// The definition cannot be read.
    pub fn partitions_of_job(&self, name: &str) -> Result<Option<PartitionsSnap>, SerdesError> {
        self.at(self.partitions.get(name))
    }

    /// The keys of its assets, in no order.
    pub fn asset_keys(&self) -> impl Iterator<Item = &AssetKey> {
        self.assets.keys()
    }

    /// The keys of its checks, in no order.
    pub fn check_keys(&self) -> impl Iterator<Item = &AssetCheckKey> {
        self.checks.keys()
    }

    /// An asset; `None` if there is no such one.
    ///
    /// # Errors
    ///
    /// The asset cannot be read.
    pub fn asset(&self, key: &AssetKey) -> Result<Option<AssetNodeSnap>, SerdesError> {
        self.at(self.assets.get(key))
    }

    /// A check; `None` if there is no such one.
    ///
    /// # Errors
    ///
    /// The check cannot be read.
    pub fn check(&self, key: &AssetCheckKey) -> Result<Option<AssetCheckNodeSnap>, SerdesError> {
        self.at(self.checks.get(key))
    }

    fn at<T: Unpack>(&self, place: Option<&Range<usize>>) -> Result<Option<T>, SerdesError> {
        place.and_then(|place| self.text.get(place.clone())).map(deserialize_value).transpose()
    }
}

impl fmt::Debug for RepositoryText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepositoryText")
            .field("bytes", &self.text.len())
            .field("assets", &self.assets.len())
            .field("checks", &self.checks.len())
            .field("jobs", &self.jobs.len())
            .field("partitions", &self.partitions.len())
            .finish()
    }
}

/// Visits the items of a list, with their places in the text. Old servers send null in the place of some lists.
fn items<'t>(
    reader: &mut Reader<'t>,
    text: &'t str,
    mut visit: impl FnMut(&'t str, Range<usize>) -> Result<(), SerdesError>,
) -> Result<(), SerdesError> {
    if reader.null()? {
        return Ok(());
    }
    let mut list = reader.begin_list()?;
    while reader.next_item(&mut list)? {
        let item = reader.raw_value()?;
        visit(item, place_of(item, text))?;
    }
    Ok(())
}

/// The place of a slice in its text.
fn place_of(slice: &str, text: &str) -> Range<usize> {
    let start = slice.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + slice.len()
}

/// The job of a set of partitions, and the text of their definition.
fn job_and_partitions(item: &str) -> Result<(Option<String>, Option<&str>), SerdesError> {
    let mut reader = Reader::new(item);
    let (mut job, mut definition) = (None, None);
    let mut object = reader.begin_object()?;
    while let Some(key) = reader.next_key(&mut object)? {
        match &*key {
            "pipeline_name" => job = Some(reader.string()?.into_owned()),
            "external_partitions_data" => {
                definition = Some(reader.raw_value()?).filter(|definition| *definition != "null");
            }
            _ => {
                reader.raw_value()?;
            }
        }
    }
    Ok((job, definition))
}

/// The asset key of a node, and its name if that is wanted. Reading ends where both are known.
fn key_and_name(
    item: &str,
    with_name: bool,
) -> Result<(Option<AssetKey>, Option<String>), SerdesError> {
    let mut reader = Reader::new(item);
    let (mut asset_key, mut name) = (None, None);
    let mut object = reader.begin_object()?;
    while let Some(key) = reader.next_key(&mut object)? {
        match &*key {
            "asset_key" => {
                asset_key = Some(AssetKey::unpack(&mut reader)?);
                if !with_name {
                    break;
                }
            }
            "name" if with_name => {
                name = Some(reader.string()?.into_owned());
                break;
            }
            _ => {
                reader.raw_value()?;
            }
        }
    }
    Ok((asset_key, name))
}
