//! What one connection of HTTP/2 may cost, beside what [`HttpLimits`] says of every connection.

use hyper::server::conn::http2::Builder;
use hyper_util::rt::TokioTimer;
use std::time::Duration;

use crate::limits::HttpLimits;
use crate::tasks::Tasks;

/// Streams that the client took back before they were looked at; one more ends the connection. So a client that opens
/// streams and takes them back without end (rapid reset) is rid of its connection after as many as a browser never has.
const TAKEN_BACK_MAX: usize = 20;

/// Streams that we reset for errors of the client; one more ends the connection. Each costs it as little as it costs to
/// write a wrong frame. Those that come while its streams are all in use count too, so there is room for some.
const RESET_FOR_ERRORS_MAX: usize = 128;

/// What of an answer waits in memory for a client that takes it slowly, beside the answer itself. 64 streams of it are
/// 4 MiB.
const UNSENT_BYTES_MAX: usize = 64 << 10;

/// What a client may send of a body before anybody reads it: the largest body that is taken, and the least that HTTP/2
/// begins with.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;

/// The same of all bodies of a connection together.
const CONNECTION_WINDOW_BYTES: u32 = 256 << 10;

/// The most that a frame may have; the least that HTTP/2 allows.
const FRAME_BYTES_MAX: u32 = 16 << 10;

/// A client that has vanished is noticed by a ping that stays without an answer.
const PING_PAUSE: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The settings of every connection.
///
/// What else is bounded is bounded by h2 itself: frames that continue a head by the size of the head, answers to pings and
/// to settings by one of each that waits, after which no more is read.
pub(crate) fn builder(tasks: Tasks, limits: &HttpLimits) -> Builder<Tasks> {
    let head_bytes = u32::try_from(limits.head_bytes).unwrap_or(u32::MAX);
    let mut builder = Builder::new(tasks);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(head_bytes)
        .max_pending_accept_reset_streams(TAKEN_BACK_MAX)
        .max_local_error_reset_streams(RESET_FOR_ERRORS_MAX)
        .max_send_buf_size(UNSENT_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .keep_alive_interval(PING_PAUSE)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}
