//! Answers for people: columns, and lines of name and value.

use serde_json::Value;

/// Rows under a heading, each column as wide as it must be.
pub(super) fn print(heading: &[&str], rows: &[Vec<String>]) {
    let heading: Vec<String> = heading.iter().map(|name| (*name).to_owned()).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&heading]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    for row in [&heading].into_iter().chain(rows) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        crate::say(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// A page of a list, these fields of each item, and how to go on.
pub(super) fn page(heading: &[&str], fields: &[&str], page: &Value) {
    let items = page["items"].as_array().into_iter().flatten();
    let row = |item: &Value| fields.iter().map(|field| text(item, field)).collect();
    print(heading, &items.map(row).collect::<Vec<Vec<String>>>());
    let cursor = text(page, "next_cursor");
    if !cursor.is_empty() {
        crate::say(&format!("\nmore: --cursor {cursor}"));
    }
}

/// The parameters of a query that are given.
pub(super) fn query<const N: usize>(
    given: [(&'static str, Option<String>); N],
) -> Vec<(&'static str, String)> {
    given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Lines of name and value; what is absent is left out.
pub(super) fn lines(pairs: &[(&str, String)]) {
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        crate::say(&format!("{name:<16} {value}"));
    }
}

/// A field as text; absent or null is empty.
pub(super) fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Wei as a decimal number of ether, exactly.
pub(super) fn ether(wei: &str) -> String {
    if wei.is_empty() || !wei.bytes().all(|byte| byte.is_ascii_digit()) {
        return wei.to_owned();
    }
    let padded = format!("{wei:0>19}");
    let (whole, fraction) = padded.split_at(padded.len() - 18);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::ether;

    #[test]
    fn wei_is_shown_exactly() {
        let cases = [
            ("0", "0"),
            ("1", "0.000000000000000001"),
            ("1000000000000000000", "1"),
            ("10500000000000000000", "10.5"),
            ("", ""),
            ("x", "x"),
        ];
        for (wei, shown) in cases {
            assert_eq!(ether(wei), shown, "{wei}");
        }
    }
}
