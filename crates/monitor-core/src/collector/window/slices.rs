//! What grew in each slice of a window.

use std::collections::VecDeque;

use etcd_monitor_client::histogram::Buckets;

use super::{Growth, Milliseconds, seconds};

/// Slices of a window: pages that are closer together share one.
const SLICES: i64 = 30;

/// Most slices kept: those of a window, and the one that began before it.
const SLICES_MAX: usize = 31;

/// The slices of a window, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Slices(VecDeque<Slice>);

/// What grew from one page to another.
#[derive(Debug, Clone, PartialEq)]
struct Slice {
    /// When the page was read that the growth is counted from.
    began: Milliseconds,
    /// (place, growth) of what grew, by place.
    grown: Vec<(u16, f32)>,
}

impl Slice {
    fn at(&self, place: u16) -> Result<usize, usize> {
        self.grown.binary_search_by_key(&place, |(place, _)| *place)
    }

    fn growth(&self, place: u16) -> Option<f32> {
        let at = self.at(place).ok()?;
        self.grown.get(at).map(|(_, grown)| *grown)
    }
}

impl Slices {
    /// Sees to a slice for what grew from the page before to the one of now.
    pub(super) fn open(&mut self, before: Milliseconds, now: Milliseconds, keep: Milliseconds) {
        let is_open = |slice: &Slice| now - slice.began <= keep / SLICES;
        if self.0.back().is_some_and(is_open) {
            return;
        }
        if self.0.len() >= SLICES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Slice {
            began: before,
            grown: Vec::new(),
        });
    }

    /// Adds growth to the latest slice.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "places are below 1,000, and growth within the range of f32"
    )]
    pub(super) fn add(&mut self, place: usize, grown: f64) {
        let Some(slice) = self.0.back_mut().filter(|_| grown > 0.0) else {
            return;
        };
        let (place, grown) = (place as u16, grown as f32);
        match slice.at(place) {
            Ok(at) => slice.grown[at].1 += grown,
            Err(at) => slice.grown.insert(at, (place, grown)),
        }
    }

    /// Adds the observations of each bucket to the latest slice.
    pub(super) fn add_buckets(&mut self, first: usize, grown: &Buckets) {
        let mut below = 0.0;
        for (bucket, (_, count)) in grown.as_slice().iter().enumerate() {
            self.add(first + bucket, count - below);
            below = *count;
        }
    }

    /// Drops what grew at some places: their counters began anew.
    pub(super) fn forget(&mut self, first: usize, places: usize) {
        let range = first..first + places;
        for slice in &mut self.0 {
            slice
                .grown
                .retain(|(place, _)| !range.contains(&usize::from(*place)));
        }
    }

    /// Drops the slices that began before.
    pub(super) fn drop_before(&mut self, begin: Milliseconds) {
        while self.0.front().is_some_and(|slice| slice.began < begin) {
            self.0.pop_front();
        }
    }

    /// When the oldest slice began.
    pub(super) fn begin(&self) -> Option<Milliseconds> {
        self.0.front().map(|slice| slice.began)
    }

    /// How one place grew in the slices that began at `begin` or later, up to now.
    pub(super) fn growth(
        &self,
        place: usize,
        now: Milliseconds,
        begin: Milliseconds,
    ) -> Option<Growth> {
        let place = u16::try_from(place).ok()?;
        let newest_first = self.0.iter().rev();
        let mut growth: Option<Growth> = None;
        for slice in newest_first.take_while(|slice| slice.began >= begin) {
            let growth = growth.get_or_insert_default();
            growth.seconds = seconds(now - slice.began);
            growth.slices += 1;
            if let Some(grown) = slice.growth(place) {
                growth.amount += f64::from(grown);
                growth.times += 1;
            }
        }
        growth
    }

    /// How every place grew in all slices.
    pub(super) fn sums(&self, places: usize) -> Vec<f64> {
        let mut sums = vec![0.0; places];
        for (place, grown) in self.0.iter().flat_map(|slice| &slice.grown) {
            if let Some(sum) = sums.get_mut(usize::from(*place)) {
                *sum += f64::from(*grown);
            }
        }
        sums
    }

    /// Bytes that the slices take on the heap.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        let slices = self.0.capacity() * size_of::<Slice>();
        let grown = self.0.iter().map(|slice| slice.grown.capacity());
        slices + grown.sum::<usize>() * size_of::<(u16, f32)>()
    }
}
