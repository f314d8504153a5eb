//! The exporter on snapshots made by hand.
