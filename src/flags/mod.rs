//! The command line as strings: which command, which options, what the options' files add.
//!
//! Nothing here knows what a value means; that is `config`. No mistake ends the reading: each is
//! kept beside what could be read, so that all of them can be reported together.

mod error;
mod file;
mod help;
mod nearest;

use std::ffi::OsString;
use std::iter::Peekable;

use argh::{ArgsInfo, FlagInfo, FlagInfoKind, FromArgs, Optionality};

pub use error::{FileProblem, FlagError};
pub use help::help;
pub use nearest::nearest;

/// Commands that may come first.
const COMMANDS: [&str; 4] = ["run", "check", "probe", "help"];

/// Options that only `egret probe` has.
const ONLY_PROBE: [&str; 2] = ["--json", "--isolation"];

/// What the command line asks for.
#[derive(Debug)]
pub enum Parsed {
    /// `egret [run] OPTIONS`.
    Run(Flags),
    /// `egret check OPTIONS`.
    Check(Flags),
    /// `egret probe [URL] OPTIONS`.
    Probe {
        /// The options.
        flags: Flags,
        /// `URL[,identity=NAME]`; `None`: all upstreams of the options.
        target: Option<String>,
    },
    /// `-h`, `--help` or `help`.
    Help,
    /// `-V` or `--version`.
    Version,
}

/// The options that could be read, and why the others could not.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// Each option's value as it was given.
    pub options: Options,
    /// What is wrong with the command line itself. `config::build` reports it with its own errors.
    pub errors: Vec<FlagError>,
}

/// options of egret
#[derive(Debug, Clone, Default, FromArgs, ArgsInfo)]
pub struct Options {
    /// who we are to the cloud, and whom we trust there
    #[argh(option)]
    pub identity: Vec<String>,
    /// where requests arrive and where they go, as whom
    #[argh(option)]
    pub route: Vec<String>,
    /// where a forward proxy listens, and which destinations it reaches as whom
    #[argh(option)]
    pub forward: Vec<String>,
    /// where egret tells of itself: metrics, health, a status page
    #[argh(option)]
    pub admin: Option<String>,
    /// roots of identities without `ca=`
    #[argh(option)]
    pub ca: Option<String>,
    /// client connections over all listeners
    #[argh(option)]
    pub max_clients: Option<String>,
    /// bytes of a client's request head
    #[argh(option)]
    pub max_header: Option<String>,
    /// bytes of a request body
    #[argh(option)]
    pub max_body: Option<String>,
    /// DNS, TCP and TLS together
    #[argh(option)]
    pub connect_timeout: Option<String>,
    /// a client's head, from its first byte to its last
    #[argh(option)]
    pub header_timeout: Option<String>,
    /// for a free upstream connection
    #[argh(option)]
    pub wait_timeout: Option<String>,
    /// from the end of the request to the head of the response
    #[argh(option)]
    pub response_timeout: Option<String>,
    /// a silent client
    #[argh(option)]
    pub idle_timeout: Option<String>,
    /// a pooled connection
    #[argh(option)]
    pub upstream_idle: Option<String>,
    /// an upgraded or tunnelled connection
    #[argh(option)]
    pub tunnel_idle: Option<String>,
    /// requests in flight at a stop
    #[argh(option)]
    pub drain_timeout: Option<String>,
    /// how often certificate files are looked at
    #[argh(option)]
    pub reload_interval: Option<String>,
    /// one line a request
    #[argh(switch)]
    pub access_log: bool,
    /// logs go to the system's logger
    #[argh(switch)]
    pub syslog: bool,
    /// where TLS secrets are written, for debugging
    #[argh(option)]
    pub keylog: Option<String>,
    /// what is logged
    #[argh(option)]
    pub log: Option<String>,
    /// the report of a probe as JSON
    #[argh(switch)]
    pub json: bool,
    /// whether a server takes one identity for another
    #[argh(switch)]
    pub isolation: bool,
    /// where the number of the process is written
    #[argh(option)]
    pub pidfile: Option<String>,
}

/// What the options are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Command {
    Run,
    Check,
    Probe,
}

/// One option as it stands on the command line.
struct Given {
    flag: String,
    value: Option<String>,
}

/// Reads the command line, the program's name left out.
///
/// `--flag value` and `--flag=value` are the same; a word `@FILE` stands for the words in that
/// file. Never fails: mistakes are in [`Flags::errors`].
pub fn parse<I>(args: I) -> Parsed
where
    I: IntoIterator,
    I::Item: Into<OsString>,
{
    let (words, errors) = file::expand(args.into_iter().map(Into::into));
    let mut flags = Flags {
        options: Options::default(),
        errors,
    };
    let mut words = words.into_iter().peekable();
    let command = match words.next_if(|word| !word.starts_with('-')).as_deref() {
        None | Some("run") => Command::Run,
        Some("check") => Command::Check,
        Some("probe") => Command::Probe,
        Some("help") => return Parsed::Help,
        Some(word) => {
            flags.errors.push(unknown_command(word));
            // A word right behind it is its own, such as the URL of a probe.
            words.next_if(|word| !word.starts_with('-'));
            Command::Run
        }
    };
    let mut taken = Vec::new();
    let mut target = None;
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" | "--help" | "help" => return Parsed::Help,
            "-V" | "--version" => return Parsed::Version,
            url if command == Command::Probe && target.is_none() && is_target(url) => {
                target = Some(word);
            }
            _ => take(word, &mut words, &mut taken, &mut flags.errors),
        }
    }
    if command != Command::Probe {
        flags.errors.extend(misplaced(&taken));
    }
    flags.options = read(&taken, &mut flags.errors);
    match command {
        Command::Run => Parsed::Run(flags),
        Command::Check => Parsed::Check(flags),
        Command::Probe => Parsed::Probe { flags, target },
    }
}

/// Whether a word can be what is probed; what is wrong with it is for `config` to say.
fn is_target(word: &str) -> bool {
    !word.starts_with('-') && !COMMANDS.contains(&word)
}

/// Options of a probe where nothing is probed.
fn misplaced(taken: &[Given]) -> impl Iterator<Item = FlagError> {
    let of_probe = |given: &&Given| ONLY_PROBE.contains(&given.flag.as_str());
    let error = |given: &Given| FlagError::OnlyProbe {
        flag: given.flag.clone(),
    };
    taken.iter().filter(of_probe).map(error)
}

fn unknown_command(word: &str) -> FlagError {
    FlagError::UnknownCommand {
        word: word.to_owned(),
        nearest: nearest(word, COMMANDS),
    }
}

/// Takes one option and its value off the words; puts it on `taken` if it is one of ours.
fn take(
    word: String,
    words: &mut Peekable<impl Iterator<Item = String>>,
    taken: &mut Vec<Given>,
    errors: &mut Vec<FlagError>,
) {
    if !word.starts_with('-') {
        errors.push(stray(word));
        return;
    }
    let given = split(word, words);
    match refusal(&given, taken) {
        Some(error) => errors.push(error),
        None => taken.push(given),
    }
}

fn stray(word: String) -> FlagError {
    let is_command = COMMANDS.contains(&word.as_str());
    FlagError::Stray { word, is_command }
}

/// Splits `--flag=value`, which argh does not know, or takes the value from the next word.
fn split(word: String, words: &mut Peekable<impl Iterator<Item = String>>) -> Given {
    match word.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => Given {
            flag: flag.to_owned(),
            value: Some(value.to_owned()),
        },
        _ => {
            let has_value = !find(&word).is_some_and(is_switch);
            Given {
                value: words.next_if(|next| has_value && !next.starts_with('-')),
                flag: word,
            }
        }
    }
}

/// Why `given` cannot be taken after those already taken.
fn refusal(given: &Given, taken: &[Given]) -> Option<FlagError> {
    let flag = given.flag.clone();
    if ["--help", "--version"].contains(&flag.as_str()) {
        return Some(FlagError::UnexpectedValue { flag });
    }
    let Some(known) = find(&flag) else {
        let nearest = nearest(&flag, known().iter().map(|known| known.long));
        return Some(FlagError::UnknownFlag { flag, nearest });
    };
    match (is_switch(known), &given.value) {
        (true, Some(_)) => return Some(FlagError::UnexpectedValue { flag }),
        (false, None) => return Some(FlagError::MissingValue { flag }),
        _ => {}
    }
    let again = taken.iter().any(|earlier| earlier.flag == flag);
    (again && known.optionality != Optionality::Repeating).then_some(FlagError::Repeated { flag })
}

/// The names of the options that this version has, such as `--route`.
pub fn options() -> impl Iterator<Item = &'static str> {
    known()
        .iter()
        .map(|known| known.long)
        .filter(|name| *name != "--help")
}

/// The option of this name.
fn find(flag: &str) -> Option<&'static FlagInfo<'static>> {
    known().iter().find(|known| known.long == flag)
}

/// Whether an option has no value.
fn is_switch(known: &FlagInfo<'_>) -> bool {
    matches!(known.kind, FlagInfoKind::Switch)
}

/// What argh derived from [`Options`].
fn known() -> &'static [FlagInfo<'static>] {
    Options::get_args_info().flags
}

fn read(taken: &[Given], errors: &mut Vec<FlagError>) -> Options {
    let words: Vec<&str> = taken
        .iter()
        .flat_map(|given| [Some(given.flag.as_str()), given.value.as_deref()])
        .flatten()
        .collect();
    Options::from_args(&["egret"], &words).unwrap_or_else(|exit| {
        errors.push(FlagError::Usage {
            text: exit.output.trim().to_owned(),
        });
        Options::default()
    })
}

#[cfg(test)]
mod tests;
