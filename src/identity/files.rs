//! What the files of an identity look like from outside: whether reading them again can tell
//! anything new.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use tokio::sync::oneshot;

use crate::limits::FILE_TIME_STEP;

/// One file, as its directory entry has it. A link is followed: one that leads elsewhere now is
/// another file, and so is a file that was renamed over the former.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    modified: SystemTime,
    size: u64,
}

impl Stamp {
    fn of(file: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(file).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: metadata.modified().ok()?,
            size: metadata.size(),
        })
    }

    /// Whether another change may get the same time.
    fn is_fresh(&self, now: SystemTime) -> bool {
        let settled = self.modified.checked_add(FILE_TIME_STEP);
        settled.is_none_or(|settled| now < settled)
    }
}

/// Some files, as they looked at one time.
#[derive(Debug, Clone)]
pub(super) struct Look {
    stamps: Vec<Option<Stamp>>,
    fresh: bool,
}

impl Look {
    /// A look at `files`, at the time `now` or later; what is missing or hidden has no stamp.
    pub(super) fn at(files: &[PathBuf], now: SystemTime) -> Self {
        let stamps: Vec<_> = files.iter().map(|file| Stamp::of(file)).collect();
        let fresh = stamps.iter().flatten().any(|stamp| stamp.is_fresh(now));
        Self { stamps, fresh }
    }

    /// Whether the files look as they did in `other`.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.stamps == other.stamps
    }

    /// Whether a file was written so shortly before that it may be written again and look the same.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }
}

/// Does `work` on a thread of its own: files may lie on a disk that is slow, or gone, and requests
/// must not wait for it. `None` when the system gives no thread.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, result) = oneshot::channel();
    thread::Builder::new()
        .name(String::from("files"))
        .spawn(move || {
            // Nobody waits any more when the program stops.
            let _unheard = done.send(work());
        })
        .ok()?;
    result.await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("egret-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a folder");
            Self(path)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, text).expect("a file");
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn look(files: &[PathBuf]) -> Look {
        Look::at(files, SystemTime::now())
    }

    #[test]
    fn files_that_nobody_touched_look_the_same() {
        let folder = Folder::new("same");
        let files = [folder.write("a", "1"), folder.0.join("missing")];
        assert!(look(&files).is_same(&look(&files)));
    }

    #[test]
    fn a_file_that_comes_goes_or_grows_looks_different() {
        let folder = Folder::new("grows");
        let files = [folder.0.join("a")];
        let missing = look(&files);
        folder.write("a", "1");
        let there = look(&files);
        assert!(!missing.is_same(&there));
        folder.write("a", "12");
        assert!(!there.is_same(&look(&files)));
        fs::remove_file(&files[0]).expect("a file");
        assert!(missing.is_same(&look(&files)));
    }

    #[test]
    fn a_file_that_was_renamed_over_another_looks_different() {
        let folder = Folder::new("renamed");
        let files = [folder.write("a", "1")];
        let before = look(&files);
        fs::rename(folder.write("b", "2"), &files[0]).expect("a rename");
        assert!(!before.is_same(&look(&files)));
    }

    #[test]
    fn a_link_to_a_folder_that_leads_elsewhere_looks_different() {
        let folder = Folder::new("links");
        let (one, two, data) = (
            folder.0.join("one"),
            folder.0.join("two"),
            folder.0.join("data"),
        );
        for version in [&one, &two] {
            fs::create_dir(version).expect("a folder");
            fs::write(version.join("a"), "1").expect("a file");
        }
        symlink(&one, &data).expect("a link");
        let files = [data.join("a")];
        let before = look(&files);
        symlink(&two, folder.0.join("new")).expect("a link");
        fs::rename(folder.0.join("new"), &data).expect("a rename");
        assert!(!before.is_same(&look(&files)));
    }

    #[test]
    fn a_file_written_just_now_is_fresh_until_its_time_is_over() {
        let folder = Folder::new("fresh");
        let files = [folder.0.join("missing"), folder.write("a", "1")];
        let modified = fs::metadata(&files[1]).and_then(|file| file.modified());
        let modified = modified.expect("a time");
        let short = Duration::from_millis(1);
        let is_fresh = |now| Look::at(&files, now).is_fresh();
        assert!(is_fresh(modified) && is_fresh(modified + FILE_TIME_STEP - short));
        assert!(!is_fresh(modified + FILE_TIME_STEP));
        // Written before the clock was set back.
        assert!(is_fresh(modified - short));
        assert!(!Look::at(&files[..1], modified).is_fresh());
    }
}
