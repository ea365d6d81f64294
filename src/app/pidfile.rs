//! `--pidfile`: the number of the process, for those who want to send it signals.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

/// The file, which goes when we do.
#[derive(Debug)]
pub(super) struct PidFile(PathBuf);

/// Why it could not be written.
#[derive(Debug)]
pub(super) enum PidFileError {
    /// Something else than a file stands at the path.
    NotAFile(PathBuf),
    Write(PathBuf, io::Error),
}

impl fmt::Display for PidFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAFile(path) => write!(
                f,
                "--pidfile {path:?}: is there and is not a file; remove it or choose another path"
            ),
            Self::Write(path, error) => write!(
                f,
                "--pidfile {path:?}: cannot be written: {error}; the folder must be there and ours to write"
            ),
        }
    }
}

impl PidFile {
    /// Writes it whole, in place of one that another process left behind: nobody reads half a
    /// number.
    pub(super) fn write(path: &Path) -> Result<Self, PidFileError> {
        if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(PidFileError::NotAFile(path.into()));
        }
        let beside = beside(path);
        write_new(&beside)
            .and_then(|()| fs::rename(&beside, path))
            .map_err(|error| {
                // It may not have come to be.
                let _gone = fs::remove_file(&beside);
                PidFileError::Write(path.into(), error)
            })?;
        Ok(Self(path.into()))
    }
}

impl Drop for PidFile {
    /// The next egret may have put its own there.
    fn drop(&mut self) {
        if fs::read_to_string(&self.0).is_ok_and(|text| text == line()) {
            // Somebody may have removed it before us.
            let _gone = fs::remove_file(&self.0);
        }
    }
}

fn line() -> String {
    format!("{}\n", process::id())
}

/// A name in the same folder that no other process uses.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", process::id()));
    name.into()
}

/// In a folder where others write too, nothing of theirs is followed or written over.
fn write_new(path: &Path) -> io::Result<()> {
    // A process of the same number may have died in between.
    let _gone = fs::remove_file(path);
    File::create_new(path)?.write_all(line().as_bytes())
}
