//! Reading a file that should be PEM, bounded.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::{Cause, FileError};
use crate::limits::PEM_FILE_MAX;

/// A file's bytes, and what messages need to know of it.
#[derive(Clone)]
pub struct PemFile {
    /// Where it was read.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether its mode lets every user read it.
    pub readable_by_all: bool,
}

impl PemFile {
    /// Reads a regular file of at most [`PEM_FILE_MAX`] bytes.
    ///
    /// # Errors
    /// [`FileError`]: it is missing, not to be read, no file, or too large.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Self::read_up_to(PEM_FILE_MAX, path)
    }

    /// [`PemFile::read`] with another bound.
    pub(super) fn read_up_to(most: u64, path: &Path) -> Result<Self, FileError> {
        read(path, most).map_err(|cause| FileError {
            path: path.to_owned(),
            cause,
        })
    }

    /// Blames this file.
    pub(super) fn error(&self, cause: Cause) -> FileError {
        FileError {
            path: self.path.clone(),
            cause,
        }
    }
}

fn read(path: &Path, most: u64) -> Result<PemFile, Cause> {
    // Opening a pipe would wait for its writer, so look first.
    let metadata = std::fs::metadata(path).map_err(cause_of)?;
    if metadata.is_dir() {
        return Err(Cause::Directory);
    }
    if !metadata.is_file() {
        return Err(Cause::NotRegular);
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(cause_of)?;
    if bytes.len() as u64 > most {
        return Err(Cause::TooLarge { most });
    }
    Ok(PemFile {
        path: path.to_owned(),
        bytes,
        readable_by_all: metadata.permissions().mode() & 0o004 != 0,
    })
}

fn cause_of(error: io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::NotFound => Cause::Missing,
        io::ErrorKind::PermissionDenied => Cause::PermissionDenied,
        kind => Cause::Unreadable(kind),
    }
}
