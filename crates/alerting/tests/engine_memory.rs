//! What 10,000 alerts that fire take in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod crowd;

/// Resident memory of this process in bytes.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() * 1_024
}

#[test]
fn ten_thousand_alerts_take_at_most_50_megabytes() {
    let before = resident_bytes();
    let (engine, _) = crowd::engine();
    let taken = resident_bytes().saturating_sub(before);
    let clusters = crowd::CLUSTERS * crowd::MEMBERS;
    assert_eq!(engine.refused(), 0);
    assert_eq!(engine.events_recorded(), clusters);
    println!("{taken} bytes");
    assert!(taken <= 50_000_000, "{taken} bytes");
}
