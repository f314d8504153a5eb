//! How a client is asked who it is.

use axum::http::{HeaderMap, HeaderValue, header};

const BASIC: HeaderValue =
    HeaderValue::from_static("Basic realm=\"etcd-monitor\", charset=\"UTF-8\"");
const BEARER: HeaderValue = HeaderValue::from_static("Bearer realm=\"etcd-monitor\"");

/// The challenges of a refusal. A browser opens its window for passwords at `Basic`: right where somebody opens an
/// address by hand, wrong where a page asks in the background and has a form of its own.
pub(crate) fn add(headers: &mut HeaderMap, asked: &HeaderMap, has_users: bool) {
    headers.append(header::WWW_AUTHENTICATE, BEARER);
    if has_users && !is_a_pages(asked) {
        headers.append(header::WWW_AUTHENTICATE, BASIC);
    }
}

/// Whether a page asks in the background. Browsers say so by `Sec-Fetch-Dest`, but not over plain HTTP: there a browser
/// is known by its agent, and an address that somebody opened by the wish for HTML.
fn is_a_pages(asked: &HeaderMap) -> bool {
    let text = |name: &str| asked.get(name).and_then(|value| value.to_str().ok());
    if asked.contains_key("x-requested-with") {
        return true;
    }
    if let Some(destination) = text("sec-fetch-dest") {
        return destination != "document";
    }
    let wants = |kind: &str| text("accept").is_some_and(|accept| accept.contains(kind));
    let is_browser = text("user-agent").is_some_and(|agent| agent.starts_with("Mozilla/"));
    wants("text/event-stream") || (is_browser && !wants("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks_for_password(pairs: &[(&'static str, &'static str)]) -> bool {
        let asked = pairs.iter();
        let asked =
            asked.map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        let mut headers = HeaderMap::new();
        add(&mut headers, &asked.collect(), true);
        let challenges: Vec<_> = headers.get_all(header::WWW_AUTHENTICATE).iter().collect();
        assert!(challenges.contains(&&BEARER));
        challenges.contains(&&BASIC)
    }

    #[test]
    fn scripts_and_opened_addresses_are_asked_for_a_password() {
        let firefox = ("user-agent", "Mozilla/5.0");
        assert!(asks_for_password(&[
            ("user-agent", "curl/8"),
            ("accept", "*/*")
        ]));
        assert!(asks_for_password(&[
            firefox,
            ("accept", "text/html,*/*;q=0.8")
        ]));
        assert!(asks_for_password(&[
            firefox,
            ("sec-fetch-dest", "document"),
            ("accept", "*/*")
        ]));
    }

    #[test]
    fn what_a_page_asks_in_the_background_opens_no_window() {
        let firefox = ("user-agent", "Mozilla/5.0");
        assert!(!asks_for_password(&[
            firefox,
            ("accept", "application/json")
        ]));
        assert!(!asks_for_password(&[firefox, ("accept", "*/*")]));
        assert!(!asks_for_password(&[("accept", "text/event-stream")]));
        assert!(!asks_for_password(&[
            ("sec-fetch-dest", "empty"),
            ("accept", "text/html")
        ]));
        assert!(!asks_for_password(&[("x-requested-with", "fetch")]));
    }

    #[test]
    fn without_users_nobody_is_asked_for_a_password() {
        let mut headers = HeaderMap::new();
        add(&mut headers, &HeaderMap::new(), false);
        assert_eq!(headers.get_all(header::WWW_AUTHENTICATE).iter().count(), 1);
    }
}
