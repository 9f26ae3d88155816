//! The `Range` header (RFC 9110 §14).

/// Which bytes to answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// All of it: 200.
    Full,
    /// From `first` to `last`, both included and both below the length: 206.
    Part { first: u64, last: u64 },
    /// Nothing of what was asked for exists: 416.
    Unsatisfiable,
}

/// Decides for a `Range` header over content of `len` bytes. As the RFC allows, a header that we
/// cannot read, another unit, and several ranges at once are ignored.
pub fn parse_range(header: &str, len: u64) -> Span {
    parse(header, len).unwrap_or(Span::Full)
}

fn parse(header: &str, len: u64) -> Option<Span> {
    let (unit, set) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(match len.checked_sub(1) {
            Some(end) if suffix > 0 => Span::Part { first: len.saturating_sub(suffix), last: end },
            _ => Span::Unsatisfiable,
        });
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    Some(if first < len {
        Span::Part { first, last: last.min(len - 1) }
    } else {
        Span::Unsatisfiable
    })
}

/// Digits only; more than fit a u64 mean "beyond any end".
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}
