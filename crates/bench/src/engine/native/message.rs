//! etcd's messages (`etcdserverpb`), as far as the requests of a load and their answers need them.

mod reading;
mod writing;

pub(super) use reading::answer;
pub(super) use writing::{length, write};

#[cfg(test)]
mod tests;
