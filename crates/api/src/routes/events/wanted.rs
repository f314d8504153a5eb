//! What a client of the live events asks for.

use axum::http::HeaderMap;

use crate::problem::Problem;

/// Clusters whose snapshots one client can follow.
const CLUSTERS_MAX: usize = 20;

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Each once, in the order in which they were named.
    pub(super) clusters: Vec<String>,
    /// The id of the last event that the client has seen.
    pub(super) after: Option<String>,
}

impl Wanted {
    /// Reads the query, and `Last-Event-ID`, which a browser sends when it opens the stream again. The header counts: the
    /// query of a browser stays what it was when the stream was opened first.
    pub(super) fn read(query: &str, headers: &HeaderMap) -> Result<Self, Problem> {
        let mut wanted = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "cluster" => wanted.add(value.into_owned())?,
                "last_event_id" => wanted.after = Some(value.into_owned()),
                other => {
                    let reason =
                        format!("unknown parameter {other:?}; there are cluster and last_event_id");
                    return Err(Problem::bad_query(&reason));
                }
            }
        }
        let header = headers.get("last-event-id");
        if let Some(id) = header.and_then(|id| id.to_str().ok()) {
            wanted.after = Some(id.to_owned());
        }
        wanted.after = wanted.after.filter(|id| !id.is_empty());
        Ok(wanted)
    }

    fn add(&mut self, cluster: String) -> Result<(), Problem> {
        if !self.clusters.contains(&cluster) {
            self.clusters.push(cluster);
        }
        if self.clusters.len() > CLUSTERS_MAX {
            let reason = format!("cluster: at most {CLUSTERS_MAX} clusters in one stream");
            return Err(Problem::bad_query(&reason));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_named_once_and_the_header_goes_before_the_query() {
        let mut headers = HeaderMap::new();
        let read = |query: &str, headers: &HeaderMap| Wanted::read(query, headers).ok();
        let clusters = |wanted: &Wanted| wanted.clusters.join(" ");
        let wanted = read(
            "cluster=b&cluster=a+c&cluster=b&last_event_id=1-a",
            &headers,
        );
        let wanted = wanted.unwrap_or_default();
        assert_eq!(clusters(&wanted), "b a c");
        assert_eq!(wanted.after.as_deref(), Some("1-a"));
        headers.insert("last-event-id", axum::http::HeaderValue::from_static("2-b"));
        let wanted = read("last_event_id=1-a", &headers).unwrap_or_default();
        assert_eq!(wanted.after.as_deref(), Some("2-b"));
        assert_eq!(read("clusters=a", &headers), None);
        let many = (0..21).map(|number| format!("cluster=c{number}"));
        let many: Vec<String> = many.collect();
        assert_eq!(read(&many.join("&"), &headers), None);
    }
}
