//! What egret tells of itself when it is asked (SIGUSR1).

use super::egret::Egret;

/// The lines of one snapshot, from behind `snapshot: `.
pub struct Snapshot(pub Vec<String>);

impl Snapshot {
    /// Asks for one, and waits for its end.
    pub fn of(egret: &Egret) -> Self {
        let lines = |log: &[String]| -> Vec<String> {
            let parts = log.iter().filter_map(|line| line.split_once("snapshot: "));
            parts.map(|(_, rest)| rest.to_owned()).collect()
        };
        let ends = |lines: &[String]| {
            let is_last = |line: &&String| line.starts_with("process: ");
            lines.iter().filter(is_last).count()
        };
        let (mut before, mut all) = (Vec::new(), Vec::new());
        egret.wait_log(|log| {
            before = lines(log);
            true
        });
        egret.signal("USR1");
        egret.wait_log(|log| {
            all = lines(log);
            ends(&all) > ends(&before)
        });
        Self(all.split_off(before.len()))
    }

    /// The value of `name=` in the line that starts so.
    pub fn value(&self, start: &str, name: &str) -> String {
        let lines = &self.0;
        let line = lines.iter().find(|line| line.starts_with(start));
        let line = line.unwrap_or_else(|| panic!("no line {start:?} in {lines:#?}"));
        let values = line.split(' ').filter_map(|word| word.split_once('='));
        let mut named = values.filter(|(known, _)| *known == name);
        let (_, value) = named
            .next()
            .unwrap_or_else(|| panic!("no {name}= in {line:?}"));
        value.to_owned()
    }
}
