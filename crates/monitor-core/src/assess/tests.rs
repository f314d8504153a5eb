//! `assess` on observations made by hand: one small cluster, one thing wrong at a time.

mod consensus;
mod properties;
mod scene;
mod space;
mod tables;
mod time;
mod trust;
