//! One figure, as benchmarks print it.

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    name: String,
    value: f64,
    unit: String,
    /// What stood beside it in the same run.
    against: String,
    /// `value` in units of that.
    ratio: Option<f64>,
    /// What `ratio`, or without one `value`, may be at most.
    limit: Option<f64>,
}

impl Row {
    /// What is limited.
    fn figure(&self) -> f64 {
        self.ratio.unwrap_or(self.value)
    }

    /// What is wrong with it, if something is.
    pub fn complaint(&self) -> Option<String> {
        let limit = self.limit.filter(|&limit| self.figure() > limit)?;
        let figure = match self.ratio {
            Some(ratio) => format!("{ratio:.3} × {}", self.against),
            None => format!("{} {}", short(self.value), self.unit),
        };
        Some(format!("{}: {figure}, {limit} at most.", self.name))
    }
}

/// The rows in a line: flat JSON objects, alone or in an array.
pub fn parse(line: &str) -> Vec<Row> {
    line.split_inclusive('}').filter_map(object).collect()
}

fn object(text: &str) -> Option<Row> {
    let text = text.trim_start_matches(['[', ',', ' ']);
    if !text.starts_with('{') {
        return None;
    }
    let string = |name| Some(field(text, name)?.strip_prefix('"')?.split('"').next()?.to_owned());
    let number = |name| field(text, name)?.split([',', '}']).next()?.trim().parse().ok();
    Some(Row {
        name: string("name")?,
        value: number("value")?,
        unit: string("unit")?,
        against: string("against").unwrap_or_default(),
        ratio: number("ratio"),
        limit: number("limit"),
    })
}

/// The text from the field's value on.
fn field<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = object.split_once(&format!("\"{name}\":"))?;
    Some(value.trim_start())
}

/// A JSON array with an object for each row.
pub fn json(rows: &[Row]) -> String {
    let number = |n: &Option<f64>| n.map_or("null".into(), |n| n.to_string());
    let objects: Vec<_> = rows
        .iter()
        .map(|Row { name, value, unit, against, ratio, limit }| {
            let (ratio, limit) = (number(ratio), number(limit));
            format!(
                r#"  {{"name": "{name}", "value": {value}, "unit": "{unit}", "against": "{against}", "ratio": {ratio}, "limit": {limit}}}"#
            )
        })
        .collect();
    format!("[\n{}\n]\n", objects.join(",\n"))
}

/// A table in Markdown.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| figure | value | against | ratio | at most |\n| --- | ---: | --- | ---: | ---: |\n",
    );
    for row in rows {
        let Row { name, value, unit, against, ratio, limit } = row;
        let ratio = ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default();
        let limit = limit.map(|limit| limit.to_string()).unwrap_or_default();
        let missed = if row.complaint().is_some() { ", missed" } else { "" };
        text += &format!(
            "| {name} | {} {unit} | {against} | {ratio} | {limit}{missed} |\n",
            short(*value)
        );
    }
    text
}

/// With as many digits as one can use.
fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 1_000.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"name":"peel, 1 KiB","value":48.5,"unit":"µs","against":"X25519","ratio":1.1,"limit":1.12}"#;

    #[test]
    fn rows_are_read_alone_and_in_an_array() {
        let row = parse(LINE).remove(0);
        assert_eq!((row.name.as_str(), row.value, row.ratio), ("peel, 1 KiB", 48.5, Some(1.1)));
        assert_eq!(row.complaint(), None);
        let array = format!("[{LINE}, {}]", LINE.replace("1.12", "null"));
        assert_eq!(parse(&array), [row.clone(), Row { limit: None, ..row }]);
        assert_eq!(parse("Compiling something {x}"), []);
    }

    #[test]
    fn what_is_printed_can_be_read() {
        let rows = parse(LINE);
        let printed: Vec<_> = json(&rows).lines().flat_map(parse).collect();
        assert_eq!(printed, rows);
    }

    #[test]
    fn a_limit_is_the_ratio_s_or_without_one_the_value_s() {
        let row = parse(LINE).remove(0);
        let missed = Row { ratio: Some(1.13), ..row.clone() };
        assert_eq!(missed.complaint().unwrap(), "peel, 1 KiB: 1.130 × X25519, 1.12 at most.");
        let missed = Row { ratio: None, limit: Some(40.0), ..row };
        assert_eq!(missed.complaint().unwrap(), "peel, 1 KiB: 48.5 µs, 40 at most.");
    }
}
