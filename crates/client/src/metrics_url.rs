//! Where members serve `/metrics` when that is not their client port.

use std::fmt;

use crate::endpoint::{Endpoint, EndpointError, bracketed};

const PLACE: &str = "{host}";
const EXAMPLE: &str = "http://{host}:2381";

/// A template such as `http://{host}:2381`: the address at which each member serves `/metrics` and `/health`, for
/// members started with `--listen-metrics-urls`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsUrl {
    template: String,
}

impl MetricsUrl {
    /// Reads a template: `http` or `https`, the text `{host}` for the host of each endpoint, and a port; no path.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim().trim_end_matches('/');
        let fail = |reason: &str| EndpointError::new(text, reason, EXAMPLE);
        if !text.contains("://") {
            return Err(fail("the metrics URL needs a scheme, http:// or https://"));
        }
        if text.matches(PLACE).count() != 1 {
            return Err(fail(
                "the metrics URL needs the text {host} once, in the place of the host",
            ));
        }
        let template = Self {
            template: text.to_owned(),
        };
        let sample = Endpoint::parse(&template.fill("localhost"), false);
        sample.map_err(|error| EndpointError::new(text, error.to_string(), EXAMPLE))?;
        Ok(template)
    }

    /// The address at which the member behind an endpoint serves its metrics.
    pub fn for_endpoint(&self, endpoint: &Endpoint) -> Result<Endpoint, EndpointError> {
        Endpoint::parse(&self.fill(&bracketed(endpoint.host())), false)
    }

    fn fill(&self, host: &str) -> String {
        self.template.replace(PLACE, host)
    }
}

impl fmt::Display for MetricsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.template)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_put_in_place() {
        let template = MetricsUrl::parse("http://{host}:2381/").unwrap();
        for (endpoint, expected) in [
            ("https://10.0.0.1:2379", "http://10.0.0.1:2381"),
            ("[::1]:2379", "http://[::1]:2381"),
            ("etcd-0.example", "http://etcd-0.example:2381"),
        ] {
            let endpoint = Endpoint::parse(endpoint, false).unwrap();
            assert_eq!(template.for_endpoint(&endpoint).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("{host}:2381", "scheme"),
            ("http://10.0.0.1:2381", "{host}"),
            ("http://{host}{host}", "{host}"),
            ("http://{host}:x", "not a port"),
            ("http://{host}:2381/metrics", "no path"),
        ] {
            let message = MetricsUrl::parse(text).unwrap_err().to_string();
            assert!(
                message.contains(part) && message.contains(EXAMPLE),
                "{text}: {message}"
            );
        }
    }
}
