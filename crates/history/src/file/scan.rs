//! Going through a table, and holding it to its order: in a damaged file redb may give keys that were not asked for, give
//! some twice, or go in circles. Then the file as a whole is not to be trusted.

use std::ops::RangeInclusive;

use redb::{AccessGuard, Key, ReadableTable, Value};

use super::error::Trouble;

/// A key and what lies under it.
pub(crate) type Entry<'a, K> = (K, AccessGuard<'a, &'static [u8]>);

/// Calls for each entry of a range, in order.
pub(crate) fn each<K>(
    table: &impl ReadableTable<K, &'static [u8]>,
    range: RangeInclusive<K>,
    mut call: impl FnMut(K, &[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble>
where
    K: Key + Copy + Ord + for<'a> Value<SelfType<'a> = K> + 'static,
{
    let mut before = None;
    for entry in table.range::<K>(range.clone())? {
        let (key, value) = entry?;
        let key = within(key.value(), &range)?;
        if before.is_some_and(|it| key <= it) {
            return Err(out_of_order());
        }
        before = Some(key);
        call(key, value.value())?;
    }
    Ok(())
}

/// The first entry of a range.
pub(crate) fn first<K>(
    table: &impl ReadableTable<K, &'static [u8]>,
    range: RangeInclusive<K>,
) -> Result<Option<Entry<'_, K>>, Trouble>
where
    K: Key + Copy + Ord + for<'a> Value<SelfType<'a> = K> + 'static,
{
    let Some((key, value)) = table.range::<K>(range.clone())?.next().transpose()? else {
        return Ok(None);
    };
    Ok(Some((within(key.value(), &range)?, value)))
}

/// The last entry of a range.
pub(crate) fn last<K>(
    table: &impl ReadableTable<K, &'static [u8]>,
    range: RangeInclusive<K>,
) -> Result<Option<Entry<'_, K>>, Trouble>
where
    K: Key + Copy + Ord + for<'a> Value<SelfType<'a> = K> + 'static,
{
    let Some((key, value)) = table.range::<K>(range.clone())?.next_back().transpose()? else {
        return Ok(None);
    };
    Ok(Some((within(key.value(), &range)?, value)))
}

fn within<K: Ord>(key: K, range: &RangeInclusive<K>) -> Result<K, Trouble> {
    if range.contains(&key) {
        Ok(key)
    } else {
        Err(out_of_order())
    }
}

/// What to say of a table that is not in order.
pub(crate) fn out_of_order() -> Trouble {
    Trouble::Damaged("a table is not in order".to_owned())
}
