use etcd_monitor_model::{AlarmKind, MemberId};

use super::read_metrics_page;

#[test]
fn reads_what_is_there_and_leaves_the_rest_unknown() {
    let page = b"# TYPE process_start_time_seconds gauge\n\
        process_start_time_seconds 1.7e+09\n\
        grpc_server_handled_total{grpc_code=\"OK\",grpc_type=\"unary\"} 5\n\
        grpc_server_handled_total{grpc_code=\"OK\",grpc_type=\"bidi_stream\"} 2\n\
        etcd_disk_wal_fsync_duration_seconds_bucket{le=\"+Inf\"} 3\n\
        etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.001\"} 1\n\
        etcd_network_peer_received_bytes_total{From=\"1f\"} 7\n\
        process_resident_memory_bytes is garbage\n";
    let read = read_metrics_page(page);
    assert_eq!(read.process.start_time_seconds, Some(1.7e9));
    assert_eq!(
        (read.requests.handled, read.requests.unary_handled),
        (Some(7.0), Some(5.0))
    );
    assert_eq!(
        read.disk.wal_fsync.map(|reading| reading.buckets),
        Some(vec![(0.001, 1.0), (f64::INFINITY, 3.0)])
    );
    let peer = &read.network.peers[0];
    assert_eq!(
        (peer.peer, peer.received_bytes, peer.sent_bytes),
        (MemberId(0x1f), Some(7.0), None)
    );
    assert_eq!(
        (read.process.resident_memory_bytes, read.skipped_lines),
        (None, 1)
    );
    assert_eq!(read.requests.started, None);
}
fn requests(labels: &str, counts: [u32; 3]) -> String {
    let line = |bound, count| {
        format!("etcd_server_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}} {count}\n")
    };
    ["0.001", "0.002", "+Inf"]
        .into_iter()
        .zip(counts)
        .map(|(bound, count)| line(bound, count))
        .collect()
}

fn writes(page: &str) -> Option<Vec<f64>> {
    let buckets = read_metrics_page(page.as_bytes()).requests.writes?.buckets;
    let bounds: Vec<f64> = buckets.iter().map(|(bound, _)| *bound).collect();
    assert_eq!(bounds, [0.001, 0.002, f64::INFINITY]);
    Some(buckets.into_iter().map(|(_, count)| count).collect())
}

#[test]
fn writes_are_the_successful_puts_and_transactions() {
    let reads = requests(r#"success="true",type="Range""#, [1000, 1000, 1000])
        + &requests(r#"success="true",type="ReadonlyTxn""#, [500, 500, 500]);
    let failed = requests(r#"success="false",type="Put""#, [70, 80, 90]);
    let puts = requests(r#"success="true",type="Put""#, [1, 2, 3]);
    let transactions = requests(r#"success="true",type="Txn""#, [10, 20, 30]);
    assert_eq!(writes(&failed), None);
    assert_eq!(
        writes(&(reads.clone() + &failed)),
        Some(vec![0.0, 0.0, 0.0])
    );
    assert_eq!(
        writes(&(failed + &puts + &reads + &transactions)),
        Some(vec![11.0, 22.0, 33.0])
    );
}

#[test]
fn a_count_of_zero_is_known_to_be_zero() {
    let sample =
        |code| format!("grpc_server_handled_total{{grpc_code=\"{code}\",grpc_type=\"unary\"}} 0\n");
    let read = read_metrics_page((sample("OK") + &sample("Aborted")).as_bytes());
    assert_eq!(
        (read.requests.handled, read.requests.unary_handled),
        (Some(0.0), Some(0.0))
    );
}

#[test]
fn alarms_are_read_by_member_and_kind_and_garbage_is_none() {
    let page = b"etcd_debugging_server_alarms{alarm_type=\"NOSPACE\",server_id=\"1f\"} 2\n\
        etcd_debugging_server_alarms{alarm_type=\"CORRUPT\",server_id=\"1f\"} 0\n\
        etcd_debugging_server_alarms{alarm_type=\"NEW\",server_id=\"1f\"} 1\n\
        etcd_debugging_server_alarms{alarm_type=\"CORRUPT\",server_id=\"x\"} 1\n\
        etcd_debugging_server_alarms{alarm_type=\"CORRUPT\",server_id=\"2f\"} NaN\n\
        etcd_debugging_server_alarms{alarm_type=\"CORRUPT\"} 1\n";
    let read = read_metrics_page(page).alarms.into_iter();
    let read: Vec<_> = read.map(|it| (it.member.0, it.kind, it.count)).collect();
    let expected = [
        (0x1f, AlarmKind::NoSpace, 2.0),
        (0x1f, AlarmKind::Corrupt, 0.0),
    ];
    assert_eq!(read, expected);
}
