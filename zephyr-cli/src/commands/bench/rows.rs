//! Figures with what stands beside them, as a table or as JSON.

use serde::Serialize;

use crate::output::line;

/// A figure.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// How much it is.
    pub value: f64,
    /// In what.
    pub unit: &'static str,
    /// What stood beside it in the same run.
    pub against: String,
    /// `value` in units of what stood beside it.
    pub ratio: Option<f64>,
    /// What `ratio`, or without one `value`, may be at most.
    pub limit: Option<f64>,
}

impl Row {
    /// A figure that stands alone.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let name = name.into();
        Self { name, value, unit, against: String::new(), ratio: None, limit: None }
    }

    /// Beside something that takes `other`, in the same unit.
    pub fn against(self, what: impl Into<String>, other: f64) -> Self {
        let ratio = (other > 0.0).then_some(self.value / other);
        Self { against: what.into(), ratio, ..self }
    }

    /// Beside something that isn't a number of this run.
    pub fn beside(self, what: impl Into<String>) -> Self {
        Self { against: what.into(), ..self }
    }

    /// May be so much at most.
    pub fn limit(self, limit: f64) -> Self {
        Self { limit: Some(limit), ..self }
    }

    fn verdict(&self) -> String {
        match (self.ratio.unwrap_or(self.value), self.limit) {
            (_, None) => String::new(),
            (figure, Some(limit)) if figure <= limit => format!("at most {limit}: met"),
            (_, Some(limit)) => format!("at most {limit}: missed"),
        }
    }
}

/// Shows the rows: one JSON array, or a table.
pub fn show(rows: &[Row], json: bool) {
    if json {
        return line(serde_json::to_string(rows).expect("rows are plain"));
    }
    let widest = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    for row in rows {
        let Row { name, value, unit, against, ratio, .. } = row;
        let beside = match ratio {
            Some(ratio) => format!("{ratio:.3} × {against}"),
            None => against.clone(),
        };
        let columns = format!(
            "{name:widest$}  {:>10} {unit:<8}  {beside}  {}",
            number(*value),
            row.verdict()
        );
        line(columns.trim_end());
    }
}

/// Three digits are enough for people.
fn number(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_of_the_ratio_or_of_the_value() {
        let row = Row::new("round", 3.0, "s").against("pure cryptography", 2.0);
        assert_eq!(row.ratio, Some(1.5));
        assert_eq!(row.clone().limit(1.6).verdict(), "at most 1.6: met");
        assert_eq!(row.limit(1.4).verdict(), "at most 1.4: missed");
        assert_eq!(Row::new("memory", 50.0, "MB").limit(40.0).verdict(), "at most 40: missed");
    }

    #[test]
    fn a_row_has_the_fields_that_other_benchmarks_print() {
        let row = serde_json::to_value(Row::new("a", 1.0, "s").beside("b")).unwrap();
        let mut fields: Vec<_> = row.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        assert_eq!(fields, ["against", "limit", "name", "ratio", "unit", "value"]);
        assert!(row["ratio"].is_null() && row["limit"].is_null());
    }
}
