//! The matrix as text.

use std::fmt::Write;

use crate::play::{Tally, Wrong};
use crate::ways::{Mode, Way};

/// Sentences printed of what is wrong with one proxy.
const SENTENCES: usize = 6;

/// What one proxy made of the matrix.
pub struct Outcome {
    pub name: String,
    pub promises_reuse: bool,
    pub ways: Vec<Way>,
    /// For each mode: of each way, one client after the other, and all at once.
    pub columns: Vec<(Mode, Vec<[Tally; 2]>)>,
}

impl Outcome {
    /// Cells that are not what they must be.
    pub fn faults(&self) -> usize {
        self.cells().filter(|cell| self.is_fault(cell)).count()
    }

    fn cells(&self) -> impl Iterator<Item = &Tally> {
        self.columns
            .iter()
            .flat_map(|(_, ways)| ways.iter().flatten())
    }

    fn is_fault(&self, cell: &Tally) -> bool {
        !cell.wrong.is_empty() || (self.promises_reuse && cell.cold > 0)
    }

    /// How a way came out with one client after the other and, behind the stroke, all at once.
    fn word(&self, cells: &[Tally; 2]) -> String {
        match (self.word_of(&cells[0]), self.word_of(&cells[1])) {
            (first, second) if first == second => first.to_owned(),
            (first, second) => format!("{first}/{second}"),
        }
    }

    fn word_of(&self, cell: &Tally) -> &'static str {
        let is_leak = |wrong: &Wrong| matches!(wrong, Wrong::Leak(_));
        if cell.wrong.iter().any(is_leak) {
            "LEAK"
        } else if !cell.wrong.is_empty() {
            "FAIL"
        } else if self.is_fault(cell) {
            "COLD"
        } else if cell.refused > 0 {
            "refused"
        } else if cell.connections + cell.sessions > 0 {
            "ok+"
        } else {
            "ok"
        }
    }

    pub fn print(&self) -> String {
        let mut text = format!("{}\n{:26}", self.name, "");
        for (mode, _) in &self.columns {
            let pooled = if mode.is_pooled { "kept" } else { "" };
            put(&mut text, &format!("{} {pooled}", mode.label));
        }
        for (number, way) in self.ways.iter().enumerate() {
            text += &format!("\n{:26}", way.label());
            for (_, ways) in &self.columns {
                put(&mut text, &self.word(&ways[number]));
            }
        }
        text += "\n";
        self.add_sum(&mut text);
        self.add_sentences(&mut text);
        text
    }

    fn add_sum(&self, text: &mut String) {
        let mut all = Tally::default();
        self.cells().for_each(|cell| all.add(cell.clone()));
        let wrong = all.wrong.len();
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{} cells, {} of them wrong; {} requests: {} on a connection in use, {} on a resumed session, \
             {} rightly refused, {wrong} wrong",
            self.cells().count(),
            self.faults(),
            all.requests,
            all.connections,
            all.sessions,
            all.refused,
        );
    }

    fn add_sentences(&self, text: &mut String) {
        let mut told = Vec::new();
        for (mode, ways) in &self.columns {
            for (way, cells) in self.ways.iter().zip(ways) {
                for wrong in cells.iter().flat_map(|cell| &cell.wrong) {
                    let (who, place) = (way.variant.label(), way.place.label());
                    let (label, sentence) = (mode.label, wrong.sentence());
                    told.push(format!("  {who}, {place}, {label}: {sentence}\n"));
                }
            }
        }
        told.dedup();
        told.truncate(SENTENCES);
        *text += &told.concat();
    }
}

fn put(text: &mut String, word: &str) {
    *text += &format!(" {word:<15}");
}
