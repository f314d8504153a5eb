//! `assess` on observations made by hand: one small cluster, one thing wrong at a time.
