//! Where the tables go: standard output, target/bench.md and target/bench.json, and the README when
//! told so.

use std::fs;
use std::path::Path;

use crate::plan::Result;
use crate::proxies::target;
use crate::sheet::Sheet;
use crate::support::json::Value;

const BEGIN: &str = "<!-- bench -->\n";
const END: &str = "<!-- end of bench -->\n";

/// All that a run gave.
pub struct Report {
    /// Of the machine and of the run, by name.
    pub facts: Vec<(String, String)>,
    pub sheets: Vec<Sheet>,
    /// The column that the ratios are to.
    pub reference: usize,
}

impl Report {
    pub fn publish(&self, into_readme: bool) -> Result<()> {
        let markdown = self.markdown();
        print!("{markdown}");
        let target = target()?;
        write(&target.join("bench.md"), &markdown)?;
        write(&target.join("bench.json"), &format!("{}\n", self.json()))?;
        if into_readme {
            let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
            write(
                &readme,
                &between_marks(&fs::read_to_string(&readme)?, &markdown)?,
            )?;
        }
        Ok(())
    }

    fn markdown(&self) -> String {
        let facts = self.facts.iter();
        let mut text: String = facts
            .map(|(name, value)| format!("* {name}: {value}\n"))
            .collect();
        for sheet in &self.sheets {
            text += "\n";
            text += &sheet.markdown(self.reference);
        }
        text
    }

    fn json(&self) -> Value {
        let facts = self.facts.iter();
        let facts = facts.map(|(name, value)| (name.clone(), Value::Text(value.clone())));
        let tables = self.sheets.iter().map(|sheet| sheet.json(self.reference));
        Value::Object(vec![
            ("run".to_owned(), Value::Object(facts.collect())),
            ("tables".to_owned(), Value::List(tables.collect())),
        ])
    }
}

fn between_marks(readme: &str, markdown: &str) -> Result<String> {
    let parts = readme.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = parts.ok_or("README.md has no place for the bench")?;
    Ok([before, BEGIN, markdown, END, after].concat())
}

fn write(path: &Path, text: &str) -> Result<()> {
    let written = fs::write(path, text);
    written.map_err(|error| format!("{}: {error}", path.display()).into())
}
