//! Sessions that a browser keeps: cookies that no script reads, and who may use them.
//!
//! `__Host-` binds a cookie to this very host over TLS: no other host can set or overwrite it. A
//! request that changes something counts only when it comes from a page of ours, which the browser
//! says in `Origin` (or, where it sends none, in `Sec-Fetch-Site`): scripts can't set either, and
//! nothing has to be kept or handed to the page, as a token against forgery would. `SameSite` keeps
//! most of what is forged from having cookies at all; the check does not rely on it, since it knows
//! sites and not origins.

use crate::problem::{Code, Problem};
use app::Grants;
use auth::{Binder, Origin, STATE_TIME};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use time::OffsetDateTime;

const ACCESS: &str = "__Host-stoa_access";
const REFRESH: &str = "__Host-stoa_refresh";
/// While staff are with their provider. `Lax`: the way back starts at another site.
const BINDER: &str = "__Host-stoa_provider";

/// The access token that a browser shows.
pub(crate) fn access(headers: &HeaderMap) -> Option<&str> {
    named(headers, ACCESS)
}

/// The refresh token that a browser shows.
pub(crate) fn refresh(headers: &HeaderMap) -> Option<&str> {
    named(headers, REFRESH)
}

/// What a browser keeps while its user is with the provider.
pub(crate) fn binder(headers: &HeaderMap) -> Option<&str> {
    named(headers, BINDER)
}

/// Have a browser keep it.
pub(crate) fn keep_binder(headers: &mut HeaderMap, binder: &Binder) {
    set(headers, BINDER, binder.reveal(), "Lax", STATE_TIME.whole_seconds());
}

/// The value of a cookie. One that is there twice was not set by us.
fn named<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
    found.next().filter(|value| !value.is_empty()).filter(|_| found.next().is_none())
}

/// May a request that shows cookies do what it asks for?
///
/// # Errors
/// [`Code::CrossOrigin`] when it changes something and no page of ours sent it.
pub(crate) fn check_page(
    method: &Method,
    headers: &HeaderMap,
    origins: &[Origin],
) -> Result<(), Problem> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    if is_from_page(headers, origins) { Ok(()) } else { Err(Code::CrossOrigin.into()) }
}

/// Does the browser say that a page of ours sent this?
pub(crate) fn is_from_page(headers: &HeaderMap, origins: &[Origin]) -> bool {
    let mut all = headers.get_all(header::ORIGIN).iter();
    match (all.next(), all.next()) {
        (Some(page), None) => origins.iter().any(|origin| page == origin.as_str()),
        (None, _) => headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
        (Some(_), Some(_)) => false,
    }
}

/// Have a browser keep the tokens of a session.
pub(crate) fn keep(headers: &mut HeaderMap, grants: &Grants, now: OffsetDateTime) {
    let seconds = |end: OffsetDateTime| (end - now).whole_seconds().max(0);
    let all = [
        (ACCESS, &grants.access_token, "Lax", seconds(grants.access_expires_at)),
        (REFRESH, &grants.refresh_token, "Strict", seconds(grants.session.expires_at)),
    ];
    for (name, token, same_site, age) in all {
        set(headers, name, token, same_site, age);
    }
}

/// Have a browser forget them.
pub(crate) fn forget(headers: &mut HeaderMap) {
    set(headers, ACCESS, "", "Lax", 0);
    set(headers, REFRESH, "", "Strict", 0);
}

fn set(headers: &mut HeaderMap, name: &str, value: &str, same_site: &str, age: i64) {
    let text =
        format!("{name}={value}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite={same_site}");
    if let Ok(mut value) = HeaderValue::try_from(text) {
        value.set_sensitive(true);
        headers.append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and values.
    type Pairs<'a> = &'a [(&'a str, &'a str)];

    #[test]
    fn a_cookie_is_found_once_or_not_at_all() {
        let cases: [(Pairs<'_>, Option<&str>); 7] = [
            (&[("cookie", "__Host-stoa_access=a.b.c")], Some("a.b.c")),
            (&[("cookie", "x=1; __Host-stoa_access=a.b.c; y=2")], Some("a.b.c")),
            (&[("cookie", "x=1"), ("cookie", "__Host-stoa_access=a")], Some("a")),
            (&[("cookie", "__Host-stoa_access=a; __Host-stoa_access=b")], None),
            (&[("cookie", "stoa_access=a; __host-stoa_access=b; x__Host-stoa_access=c")], None),
            (&[("cookie", "__Host-stoa_access=")], None),
            (&[], None),
        ];
        for (pairs, expected) in cases {
            assert_eq!(access(&headers(pairs)), expected, "{pairs:?}");
        }
    }

    fn headers(pairs: Pairs<'_>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: header::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_pages_of_ours_change_something() {
        let origins: Vec<Origin> = vec!["https://app.example.org".parse().unwrap()];
        let ours = ("origin", "https://app.example.org");
        let cases: [(Method, Pairs<'_>, bool); 12] = [
            (Method::GET, &[], true),
            (Method::GET, &[("origin", "https://evil.example")], true),
            (Method::POST, &[], false),
            (Method::POST, &[ours], true),
            (Method::DELETE, &[ours], true),
            (Method::DELETE, &[("origin", "https://evil.example")], false),
            (Method::POST, &[("origin", "null")], false),
            (Method::POST, &[("origin", "https://app.example.org.evil.example")], false),
            (Method::POST, &[ours, ("origin", "https://evil.example")], false),
            (Method::POST, &[("sec-fetch-site", "same-origin")], true),
            (Method::POST, &[("sec-fetch-site", "same-site")], false),
            (
                Method::POST,
                &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
                false,
            ),
        ];
        for (method, pairs, allowed) in cases {
            let checked = check_page(&method, &headers(pairs), &origins);
            assert_eq!(checked.is_ok(), allowed, "{method} {pairs:?}");
        }
    }
}
