//! What the server tells about itself.

use std::sync::Arc;

use etcd_monitor_model::{Stat, StatSource};

use crate::admission::Admission;
use crate::tls::LiveTls;

/// The numbers of a server that runs.
#[derive(Debug)]
pub(crate) struct ServerStats {
    admission: Arc<Admission>,
    tls: Option<LiveTls>,
}

impl ServerStats {
    pub(crate) fn new(admission: &Arc<Admission>, tls: Option<&LiveTls>) -> Self {
        Self {
            admission: Arc::clone(admission),
            tls: tls.cloned(),
        }
    }
}

impl StatSource for ServerStats {
    fn stats(&self) -> Vec<Stat> {
        let open = Stat::gauge(
            "etcd_monitor_http_connections",
            "Connections to the HTTP server that are open",
            self.admission.open() as f64,
        );
        let refused = self.admission.refused().into_iter().map(|(why, count)| {
            let name = "etcd_monitor_http_refused_connections_total";
            let help = "Connections that were closed at once, since there were as many as there may be: in all, or of one address";
            Stat::counter(name, help, count).label("limit", why.as_str())
        });
        let tls = self.tls.iter().flat_map(of_tls);
        std::iter::once(open).chain(refused).chain(tls).collect()
    }
}

fn of_tls(tls: &LiveTls) -> [Stat; 2] {
    [
        Stat::gauge(
            "etcd_monitor_tls_reload_failing",
            "1 while the files of TLS have changed and cannot be used, so that those before go on; else 0",
            f64::from(u8::from(tls.is_reload_failing())),
        ),
        Stat::counter(
            "etcd_monitor_tls_failed_handshakes_total",
            "TLS handshakes with clients that failed or took too long",
            tls.failed_handshakes(),
        ),
    ]
}
