//! A table: a row for what is measured, a column for each proxy, and in each cell what the rounds
//! gave.

use std::fmt::Write;

use crate::support::json::Value;

/// A table that is filled while there is measuring.
pub struct Sheet {
    title: &'static str,
    columns: Vec<String>,
    rows: Vec<(String, Vec<Cell>)>,
}

/// What is known of one proxy.
#[derive(Debug, Clone)]
enum Cell {
    /// One value of each round.
    Values(Vec<f64>),
    /// Why there is none.
    Text(&'static str),
}

impl Sheet {
    pub fn new(title: &'static str, columns: &[String]) -> Self {
        Self {
            title,
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// A value more, in the row of that label; rows stand in the order of their first value.
    pub fn add(&mut self, label: &str, column: usize, value: f64) {
        match self.cell(label, column) {
            Cell::Values(values) => values.push(value),
            cell @ Cell::Text(_) => *cell = Cell::Values(vec![value]),
        }
    }

    /// Why there are no values.
    pub fn say(&mut self, label: &str, column: usize, text: &'static str) {
        *self.cell(label, column) = Cell::Text(text);
    }

    fn cell(&mut self, label: &str, column: usize) -> &mut Cell {
        let row = self.rows.iter().position(|(known, _)| known == label);
        let row = row.unwrap_or_else(|| {
            let cells = vec![Cell::Text(""); self.columns.len()];
            self.rows.push((label.to_owned(), cells));
            self.rows.len() - 1
        });
        &mut self.rows[row].1[column]
    }

    /// Markdown: the median of each, the least and the most behind it, and at the end what each
    /// median is to that of `reference`.
    pub fn markdown(&self, reference: usize) -> String {
        let others = || (0..self.columns.len()).filter(move |column| *column != reference);
        let ratio =
            |column: usize| format!("{} / {}", self.columns[column], self.columns[reference]);
        let heads = self.columns.iter().cloned().chain(others().map(ratio));
        let heads: Vec<String> = heads.collect();
        let mut text = line(self.title, &heads);
        text += &line("---", &vec!["---:".to_owned(); heads.len()]);
        for (label, cells) in &self.rows {
            let shown = cells.iter().map(Cell::markdown);
            let ratios = others().map(|column| match cells[column].over(&cells[reference]) {
                Some(ratio) => format!("{ratio:.2}"),
                None => String::new(),
            });
            text += &line(label, &shown.chain(ratios).collect::<Vec<_>>());
        }
        text
    }

    /// Its rows, each with all values of each proxy.
    pub fn json(&self, reference: usize) -> Value {
        let row = |(label, cells): &(String, Vec<Cell>)| {
            let of = self.columns.iter().zip(cells);
            let proxies = of.map(|(name, cell)| (name.clone(), cell.json(&cells[reference])));
            Value::Object(vec![
                ("what".to_owned(), Value::Text(label.clone())),
                ("proxies".to_owned(), Value::Object(proxies.collect())),
            ])
        };
        Value::Object(vec![
            ("title".to_owned(), Value::Text(self.title.to_owned())),
            (
                "rows".to_owned(),
                Value::List(self.rows.iter().map(row).collect()),
            ),
        ])
    }
}

impl Cell {
    /// The least, the median and the most.
    fn spread(&self) -> Option<[f64; 3]> {
        let Self::Values(values) = self else {
            return None;
        };
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (sorted.first()?, sorted.last()?);
        Some([*least, sorted[sorted.len() / 2], *most])
    }

    /// The ratio of the medians.
    fn over(&self, other: &Self) -> Option<f64> {
        let ([_, ours, _], [_, theirs, _]) = (self.spread()?, other.spread()?);
        (theirs > 0.0).then_some(ours / theirs)
    }

    fn markdown(&self) -> String {
        match (self, self.spread()) {
            (Self::Text(text), _) => (*text).to_owned(),
            (_, None) => String::new(),
            (_, Some([least, median, most])) if least == most => number(median),
            (_, Some([least, median, most])) => {
                let (least, most) = (number(least), number(most));
                format!("{} ({least} to {most})", number(median))
            }
        }
    }

    fn json(&self, reference: &Self) -> Value {
        let (Self::Values(values), Some([least, median, most])) = (self, self.spread()) else {
            return Value::Null;
        };
        let mut fields = vec![
            ("min".to_owned(), exact(least)),
            ("median".to_owned(), exact(median)),
            ("max".to_owned(), exact(most)),
            (
                "values".to_owned(),
                Value::List(values.iter().copied().map(exact).collect()),
            ),
        ];
        if let Some(ratio) = self.over(reference) {
            fields.push(("ratio".to_owned(), exact(ratio)));
        }
        Value::Object(fields)
    }
}

fn line(label: &str, cells: &[String]) -> String {
    let mut text = format!("| {label} |");
    for cell in cells {
        // Writing to a String does not fail.
        let _ = write!(text, " {cell} |");
    }
    text + "\n"
}

/// With three digits that count.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        whole if whole.fract() == 0.0 => 0,
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

fn exact(value: f64) -> Value {
    Value::number(format!("{value:.3}"))
}
