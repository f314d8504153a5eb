//! `assess` on observations made by hand: one small cluster, one thing wrong at a time.

mod canaries;
mod certificates;
mod clocks;
mod consensus;
mod coverage;
mod divergence;
mod hashes;
mod learners;
mod links;
mod load;
mod membership;
mod properties;
mod restarts;
mod room;
mod samples;
mod scene;
mod space;
mod tables;
mod time;
mod trust;
mod versions;
