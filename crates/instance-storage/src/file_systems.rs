//! Whether files of SQLite lie on a file system of other machines, where its locks cannot be relied on.
//!
//! Linux tells the kind by a number; of file systems in user space, which all have one number, it tells it by name in the
//! table of what is mounted. Elsewhere nothing is found. Not here: what SQLite can do on a file system, which is tried.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use instance_core::settings::{StorageSettings, StoreSettings};

/// What there is to say of the directories of SQLite that settings name: a sentence for each file system of other machines,
/// with the directories on it.
pub(crate) fn warnings(settings: &StorageSettings) -> Vec<String> {
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for (_, store) in settings.each() {
        let (StoreSettings::Sqlite(directory) | StoreSettings::ConsolidatedSqlite(directory)) =
            store
        else {
            continue;
        };
        if let Some(kind) = kind_of(directory) {
            let directories = found.entry(kind).or_default();
            if !directories.contains(directory) {
                directories.push(directory.clone());
            }
        }
    }
    let said = found.into_iter().map(|(kind, directories)| {
        let directories: Vec<_> =
            directories.iter().map(|directory| directory.display().to_string()).collect();
        format!(
            "the databases in {} are on the network file system {kind}: SQLite relies on locks and on shared memory that such file systems do not \
             give to several machines, so they can be damaged; put the home on a local disk, \
             or use Postgres",
            directories.join(", ")
        )
    });
    said.collect()
}

/// The file system of a directory, by its name, if it is one of other machines. The directory need not exist.
#[cfg(all(feature = "sqlite", target_os = "linux"))]
pub(crate) fn kind_of(directory: &Path) -> Option<String> {
    use std::os::linux::fs::MetadataExt;

    use nix::sys::stat::{major, minor};

    let there = directory.ancestors().find(|path| path.exists())?;
    let found = nix::sys::statfs::statfs(there).ok()?;
    // The number has 32 bits. Some systems extend its sign.
    let number = u32::try_from(found.filesystem_type().0 & 0xffff_ffff).ok()?;
    if number != linux::IN_USER_SPACE {
        return linux::named(number).map(str::to_owned);
    }
    let device = there.metadata().ok()?.st_dev();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let kind = linux::kind_of_device(&mounts, major(device), minor(device))?;
    linux::is_of_others(kind).then(|| kind.to_owned())
}

/// Where it cannot be found out, nothing is said.
#[cfg(not(all(feature = "sqlite", target_os = "linux")))]
pub(crate) fn kind_of(_: &Path) -> Option<String> {
    None
}

#[cfg(all(feature = "sqlite", target_os = "linux"))]
mod linux {
    /// The number of all file systems in user space.
    pub(super) const IN_USER_SPACE: u32 = 0x6573_5546;

    /// File systems of other machines, by the numbers that Linux gives them.
    const NUMBERS: [(u32, &str); 15] = [
        (0x6969, "nfs"),
        (0x517b, "smbfs"),
        (0xff53_4d42, "cifs"),
        (0xfe53_4d42, "smb2"),
        (0x00c3_6400, "ceph"),
        (0x0102_1997, "9p"),
        (0x5346_414f, "afs"),
        (0x6b41_4653, "kafs"),
        (0x7375_7245, "coda"),
        (0x564c, "ncp"),
        (0x0bd0_0bd0, "lustre"),
        (0x4750_4653, "gpfs"),
        (0x0116_1970, "gfs2"),
        (0x7461_636f, "ocfs2"),
        (0x786f_4256, "vboxsf"),
    ];

    /// What of the file systems in user space is on this machine alone.
    const OF_THIS_MACHINE: [&str; 15] = [
        "fuseblk",
        "fuse.bindfs",
        "fuse.encfs",
        "fuse.exfat",
        "fuse.fuse-overlayfs",
        "fuse.gocryptfs",
        "fuse.cryfs",
        "fuse.lxcfs",
        "fuse.mergerfs",
        "fuse.ntfs-3g",
        "fuse.portal",
        "fuse.snapfuse",
        "fuse.squashfuse",
        "fuse.unionfs",
        "fuse.zfs",
    ];

    pub(super) fn named(number: u32) -> Option<&'static str> {
        NUMBERS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
    }

    /// Whether a file system in user space has its files on other machines. One of which nothing is known may.
    pub(super) fn is_of_others(kind: &str) -> bool {
        !OF_THIS_MACHINE.contains(&kind)
    }

    /// The kind of what is mounted from a device, by a table of what is mounted (`proc(5)`).
    pub(super) fn kind_of_device(mounts: &str, major: u64, minor: u64) -> Option<&str> {
        let device = format!("{major}:{minor}");
        let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some(&*device))?;
        // Any number of fields stands before the one that is a dash.
        mount.split(' ').skip_while(|field| *field != "-").nth(1)
    }

    #[cfg(test)]
    mod tests {
        use super::{is_of_others, kind_of_device, named};

        const MOUNTS: &str = "\
22 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
35 22 0:31 / /mnt/a\\040b rw,nosuid,nodev shared:9 master:1 - fuse.sshfs me@there:/x rw,user_id=0
36 22 0:32 / /mnt/disk rw - fuseblk /dev/sdb1 rw
37 22 0:33 / /mnt/drive rw - fuse.rclone drive: rw
";

        #[test]
        fn a_file_system_in_user_space_is_told_by_its_mount() {
            for (minor, kind, of_others) in [
                (31, Some("fuse.sshfs"), true),
                (32, Some("fuseblk"), false),
                (33, Some("fuse.rclone"), true),
                (34, None, false),
            ] {
                let found = kind_of_device(MOUNTS, 0, minor);
                assert_eq!(found, kind);
                assert_eq!(found.is_some_and(is_of_others), of_others, "{kind:?}");
            }
            assert_eq!(kind_of_device(MOUNTS, 253, 0), Some("ext4"));
        }

        #[test]
        fn file_systems_of_other_machines_have_numbers() {
            for (number, name) in [
                (0x6969, Some("nfs")),
                (0xff53_4d42, Some("cifs")),
                (0xef53, None),
                (0x0102_1994, None),
            ] {
                assert_eq!(named(number), name, "{number:x}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use instance_core::settings::StorageSettings;

    #[test]
    fn a_directory_of_this_machine_is_no_reason_for_a_warning() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("not/there");
        assert_eq!(super::warnings(&StorageSettings::sqlite_below(&missing)), Vec::<String>::new());
    }
}
