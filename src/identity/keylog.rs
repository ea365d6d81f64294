//! `--keylog`: the secrets of TLS connections in a file, for Wireshark (SSLKEYLOGFILE, RFC 9850).

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::process::geteuid;

/// A file that TLS secrets are added to. Nobody else may read it.
pub struct KeyLogFile {
    path: PathBuf,
    file: Mutex<File>,
}

/// Why secrets cannot be written to a file.
#[derive(Debug)]
pub enum KeyLogError {
    /// It cannot be opened.
    Open(io::Error),
    /// It is a folder, a device or a pipe.
    NotRegular,
    /// It is somebody else's.
    Foreign {
        /// Whose.
        uid: u32,
    },
    /// Others may read or write it.
    OpenToOthers {
        /// Its permissions.
        mode: u32,
    },
}

impl fmt::Display for KeyLogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => write!(f, "cannot be written: {error}"),
            Self::NotRegular => f.write_str("is no regular file; name one, or a new one"),
            Self::Foreign { uid } => write!(
                f,
                "belongs to uid {uid}, who could read all secrets; name a file of your own"
            ),
            Self::OpenToOthers { mode } => write!(
                f,
                "is open to others (mode {mode:04o}), who could read all secrets; chmod 600 it, or name a new file"
            ),
        }
    }
}

impl KeyLogFile {
    /// Opens `path` to add to it; makes it, for us alone, if it is not there.
    ///
    /// # Errors
    /// It cannot be written, or others could read it.
    pub fn open(path: &Path) -> Result<Self, KeyLogError> {
        // Opening a pipe would wait for its reader, so look first.
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            return Err(KeyLogError::NotRegular);
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(KeyLogError::Open)?;
        let metadata = file.metadata().map_err(KeyLogError::Open)?;
        let mode = metadata.mode() & 0o7777;
        if metadata.uid() != geteuid().as_raw() {
            return Err(KeyLogError::Foreign {
                uid: metadata.uid(),
            });
        }
        if mode & 0o077 != 0 {
            return Err(KeyLogError::OpenToOthers { mode });
        }
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
        })
    }
}

impl fmt::Debug for KeyLogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyLogFile({:?})", self.path)
    }
}

impl rustls::KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = format!("{label} {} {}\n", Hex(client_random), Hex(secret));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write a line: lines of several processes do not mix.
        if let Err(error) = file.write_all(line.as_bytes()) {
            log::warn!("--keylog {:?}: a secret was lost: {error}", self.path);
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
