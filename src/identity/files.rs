//! What the files of an identity look like from outside: whether reading them again can tell
//! anything new.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;

use tokio::sync::oneshot;

/// One file, as its directory entry has it. A link is followed: one that leads elsewhere now is
/// another file, and so is a file that was renamed over the former.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    size: u64,
}

impl Stamp {
    fn of(file: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(file).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            size: metadata.size(),
        })
    }
}

/// Some files, as they looked at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look(Vec<Option<Stamp>>);

impl Look {
    /// A look at `files` now; what is missing or hidden has no stamp.
    pub(super) fn at(files: &[PathBuf]) -> Self {
        Self(files.iter().map(|file| Stamp::of(file)).collect())
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

    #[test]
    fn files_that_nobody_touched_look_the_same() {
        let folder = Folder::new("same");
        let files = [folder.write("a", "1"), folder.0.join("missing")];
        assert_eq!(Look::at(&files), Look::at(&files));
    }

    #[test]
    fn a_file_that_comes_goes_or_grows_looks_different() {
        let folder = Folder::new("grows");
        let files = [folder.0.join("a")];
        let missing = Look::at(&files);
        folder.write("a", "1");
        let there = Look::at(&files);
        assert_ne!(missing, there);
        folder.write("a", "12");
        assert_ne!(there, Look::at(&files));
        fs::remove_file(&files[0]).expect("a file");
        assert_eq!(missing, Look::at(&files));
    }

    #[test]
    fn a_file_that_was_renamed_over_another_looks_different() {
        let folder = Folder::new("renamed");
        let files = [folder.write("a", "1")];
        let before = Look::at(&files);
        fs::rename(folder.write("b", "2"), &files[0]).expect("a rename");
        assert_ne!(before, Look::at(&files));
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
        let before = Look::at(&files);
        symlink(&two, folder.0.join("new")).expect("a link");
        fs::rename(folder.0.join("new"), &data).expect("a rename");
        assert_ne!(before, Look::at(&files));
    }
}
