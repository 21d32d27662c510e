//! One figure, and how figures are printed.

use super::limits;

/// The clock of the chip for which seconds are estimated, in Hz.
const CLOCK: f64 = 168e6;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Instructions,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Instructions => "instructions",
        }
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    /// The target of the compiler.
    pub target: &'static str,
    pub value: u64,
    pub unit: Unit,
    /// The most that it may be.
    pub limit: Option<u64>,
}

impl Row {
    /// With the limit that [`limits`] has for this name.
    pub fn new(name: &str, target: &'static str, value: u64, unit: Unit) -> Self {
        Self { name: name.into(), target, value, unit, limit: limits::of(name, target) }
    }

    /// What is wrong with it, if something is.
    pub fn complaint(&self) -> Option<String> {
        let limit = self.limit.filter(|&limit| self.value > limit)?;
        let Self { name, target, value, unit, .. } = self;
        let (value, limit) = (grouped(*value), grouped(limit));
        Some(format!("{name} on {target}: {value} {}, {limit} at most.", unit.name()))
    }
}

/// A JSON array with an object for each row.
pub fn json(rows: &[Row]) -> String {
    let objects: Vec<_> = rows
        .iter()
        .map(|Row { name, target, value, unit, limit }| {
            let limit = limit.map_or("null".into(), |limit| limit.to_string());
            let unit = unit.name();
            // No name has a character that JSON escapes; a test sees to it.
            format!(
                r#"  {{"name": "{name}", "target": "{target}", "value": {value}, "unit": "{unit}", "limit": {limit}}}"#
            )
        })
        .collect();
    format!("[\n{}\n]\n", objects.join(",\n"))
}

/// A table in Markdown. Seconds are an estimate: an instruction a cycle, which is what no chip does for long.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| figure | target | value | unit | limit | estimated at 168 MHz |\n| --- | --- | ---: | --- | ---: | ---: |\n",
    );
    for Row { name, target, value, unit, limit } in rows {
        let seconds = match unit {
            Unit::Instructions => seconds(*value as f64 / CLOCK),
            Unit::Bytes => String::new(),
        };
        let (value, unit) = (grouped(*value), unit.name());
        let limit = limit.map(grouped).unwrap_or_default();
        text += &format!("| {name} | {target} | {value} | {unit} | {limit} | {seconds} |\n");
    }
    text
}

fn seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 0.1 => format!("{s:.2} s"),
        s if s >= 1e-4 => format!("{:.2} ms", s * 1e3),
        s => format!("{:.1} µs", s * 1e6),
    }
}

/// With a comma at every thousand.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8(groups.join(&b',')).expect("digits are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: u64) -> Row {
        Row { name: "x".into(), target: "t", value, unit: Unit::Bytes, limit: Some(1_000) }
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_limit_is_missed_by_more_than_it_only() {
        assert_eq!(row(1_000).complaint(), None);
        assert_eq!(row(1_001).complaint().unwrap(), "x on t: 1,001 bytes, 1,000 at most.");
        assert_eq!(Row { limit: None, ..row(u64::MAX) }.complaint(), None);
    }

    #[test]
    fn json_has_null_where_there_is_no_limit() {
        let rows = [row(5), Row { limit: None, ..row(6) }];
        assert_eq!(
            json(&rows),
            "[\n  {\"name\": \"x\", \"target\": \"t\", \"value\": 5, \"unit\": \"bytes\", \"limit\": 1000},\n  \
             {\"name\": \"x\", \"target\": \"t\", \"value\": 6, \"unit\": \"bytes\", \"limit\": null}\n]\n"
        );
    }
}
