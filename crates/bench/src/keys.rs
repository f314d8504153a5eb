//! Keys and values: how they look, and in which order keys are taken.

use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};

use crate::error::BenchError;

/// The exponent of YCSB's zipfian keys.
pub const ZIPF_EXPONENT_DEFAULT: f64 = 0.99;

/// Bytes that values are cut from, beyond the size of one.
const POOL_BYTES: usize = 64 << 10;

/// How keys look: a prefix, and a number with zeros before it, so that their order is that of the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyShape {
    prefix: Vec<u8>,
    digits: usize,
}

impl KeyShape {
    /// Keys of `size` bytes below `prefix`, with room for the numbers below `space`.
    pub fn new(prefix: &str, size: usize, space: u64) -> Result<Self, BenchError> {
        let needed = space.saturating_sub(1).max(1).ilog10() as usize + 1;
        match size.checked_sub(prefix.len()) {
            Some(digits) if digits >= needed => Ok(Self {
                prefix: prefix.as_bytes().to_vec(),
                digits,
            }),
            _ => Err(BenchError::KeyTooShort {
                size,
                needed: prefix.len() + needed,
                prefix: prefix.to_owned(),
                space,
            }),
        }
    }

    /// Writes the key of this number over what `key` holds.
    pub fn write(&self, number: u64, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(&self.prefix);
        key.resize(self.prefix.len() + self.digits, b'0');
        let mut rest = number;
        for place in key.iter_mut().skip(self.prefix.len()).rev() {
            if rest == 0 {
                break;
            }
            // A digit is below 10.
            *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
    }

    /// What all keys begin with.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }
}

/// The key behind all keys with a prefix; `\0` (all there are) where none is.
pub fn end_of_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

/// In which order keys are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum KeyOrder {
    /// One after the other; from the beginning again at the end.
    Sequential,
    /// Each as likely as any other.
    Random,
    /// Few keys are taken often, as by YCSB: the probability of the n-th is as n to the power of minus the exponent. The
    /// popular ones lie scattered.
    Zipf {
        /// Above 0; 0.99 is usual.
        exponent: f64,
    },
}

/// Numbers of keys below `space`, in an order.
#[derive(Debug, Clone)]
pub struct KeyPicker {
    space: u64,
    order: Picking,
}

#[derive(Debug, Clone)]
enum Picking {
    Sequential,
    Random,
    Zipf(Zipf<f64>),
}

impl KeyPicker {
    /// Picks among `space` keys, at least one.
    pub fn new(order: KeyOrder, space: u64) -> Result<Self, BenchError> {
        let space = space.max(1);
        let order = match order {
            KeyOrder::Sequential => Picking::Sequential,
            KeyOrder::Random => Picking::Random,
            KeyOrder::Zipf { exponent } => Zipf::new(space as f64, exponent)
                .map(Picking::Zipf)
                .map_err(|_| BenchError::BadZipf { exponent })?,
        };
        Ok(Self { space, order })
    }

    /// The key for the request of this number.
    pub fn pick(&self, number: u64, rng: &mut SmallRng) -> u64 {
        match &self.order {
            Picking::Sequential => number % self.space,
            Picking::Random => rng.random_range(0..self.space),
            Picking::Zipf(zipf) => scattered(rank(zipf.sample(rng)), self.space),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is a whole number of at least 1"
)]
fn rank(sample: f64) -> u64 {
    (sample as u64).saturating_sub(1)
}

/// Spreads ranks over the keys: two may meet, as in YCSB's scrambled zipfian.
fn scattered(rank: u64, space: u64) -> u64 {
    // A multiplication by an odd number near 2^64 / phi and a shift mix all bits (Knuth's multiplicative hash).
    let mixed = rank.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)) % space
}

/// Values of one size, cut from a pool of random bytes: they do not compress, and making one costs a copy.
#[derive(Debug, Clone)]
pub struct Values {
    pool: Arc<[u8]>,
    size: usize,
}

impl Values {
    /// Values of `size` bytes.
    pub fn new(size: usize, seed: u64) -> Self {
        let mut pool = vec![0; POOL_BYTES + size];
        SmallRng::seed_from_u64(seed).fill(pool.as_mut_slice());
        Self {
            pool: pool.into(),
            size,
        }
    }

    /// Writes a value over what `value` holds.
    pub fn write(&self, rng: &mut SmallRng, value: &mut Vec<u8>) {
        let at = rng.random_range(0..POOL_BYTES);
        value.clear();
        value.extend_from_slice(self.pool.get(at..at + self.size).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn keys_have_their_size_and_the_order_of_their_numbers() {
        let shape = KeyShape::new("b/", 8, 1_000_000).unwrap();
        let key = |number| {
            let mut key = b"what was before".to_vec();
            shape.write(number, &mut key);
            key
        };
        assert_eq!(key(0), b"b/000000");
        assert_eq!(key(999_999), b"b/999999");
        assert!((0..2_000).all(|number| key(number) < key(number + 1)));
    }

    #[test]
    fn keys_without_room_for_their_numbers_are_refused() {
        assert!(KeyShape::new("b/", 3, 10).is_ok());
        let error = KeyShape::new("b/", 3, 11).unwrap_err();
        assert!(error.to_string().contains('4'), "{error}");
        assert!(KeyShape::new("prefix", 3, 1).is_err());
    }

    #[test]
    fn a_prefix_ends_behind_its_last_key() {
        assert_eq!(end_of_prefix(b"a/"), b"a0");
        assert_eq!(end_of_prefix(b"a\xff\xff"), b"b");
        assert_eq!(end_of_prefix(b"\xff"), b"\0");
    }

    fn counted(order: KeyOrder, space: u64) -> BTreeMap<u64, u32> {
        let picker = KeyPicker::new(order, space).unwrap();
        let mut rng = SmallRng::seed_from_u64(7);
        let mut counts = BTreeMap::new();
        for number in 0..20_000 {
            *counts.entry(picker.pick(number, &mut rng)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn orders_pick_as_they_say() {
        let sequential = counted(KeyOrder::Sequential, 100);
        assert!(sequential.values().all(|count| *count == 200));
        let random = counted(KeyOrder::Random, 100);
        assert!(random.len() == 100 && random.values().all(|count| (100..300).contains(count)));
        let zipf = counted(KeyOrder::Zipf { exponent: 0.99 }, 1_000);
        assert!(zipf.keys().all(|key| *key < 1_000));
        // The most popular of 1,000 has about 1 / 7.7 of all.
        let most = *zipf.values().max().unwrap();
        assert!((2_200..3_200).contains(&most), "{most}");
        assert!(KeyPicker::new(KeyOrder::Zipf { exponent: f64::NAN }, 10).is_err());
    }

    #[test]
    fn values_have_their_size_and_differ() {
        let values = Values::new(256, 1);
        let mut rng = SmallRng::seed_from_u64(2);
        let mut made: Vec<Vec<u8>> = Vec::new();
        for _ in 0..20 {
            let mut value = Vec::new();
            values.write(&mut rng, &mut value);
            assert_eq!(value.len(), 256);
            made.push(value);
        }
        made.sort();
        made.dedup();
        assert!(made.len() > 15);
    }
}
