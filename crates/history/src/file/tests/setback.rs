//! A clock that is wrong for a while, and right again.

use super::*;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// Flushes of a minute each.
fn write_minutes(store: &FileStore, from: i64, until: i64) {
    for second in (from..until).step_by(60) {
        let end = until.min(second + 60);
        write(store, &counting(second, end), end);
    }
}

async fn all(store: &FileStore) -> Vec<Point> {
    let everything = query("index", (0, 3 * BEGIN), None);
    points(store, &everything).await.unwrap()
}

/// What is there between two seconds is what was measured, without a gap.
fn is_whole(points: &[Point], from: i64, until: i64) {
    let within = |it: &&Point| (from..until).contains(&it.at.as_second());
    let found: Vec<Point> = points.iter().filter(within).copied().collect();
    is_counting(&found, from, until);
}

/// Stores until a time, some cycles a year ahead, and on with the right clock.
async fn stores_on(stored: i64, ahead: i64, restarts: bool) {
    let folder = folder();
    let (mut store, mut writer) = open(&folder);
    let set = BEGIN + stored;
    for second in (BEGIN..set).step_by(600) {
        let end = set.min(second + 600);
        write(&store, &counting(second, end), end);
    }
    write_minutes(&store, set + YEAR, set + YEAR + ahead);
    assert!(all(&store).await.last().unwrap().at.as_second() > set + YEAR - HOUR);
    if restarts {
        drop((store, writer));
        (store, writer) = open(&folder);
    }
    let back = set + ahead;
    write_minutes(&store, back, back + 2 * HOUR);

    let found = all(&store).await;
    is_whole(&found, BEGIN, set);
    // The first batches say that the clock is back, and what is left of ten minutes may have been closed.
    is_whole(&found, back + 1200, back + 2 * HOUR);
    let last = found.last().unwrap().at.as_second();
    assert_eq!(last, back + 2 * HOUR - 10, "the future is gone");
    assert!(found.windows(2).all(|pair| pair[0].at < pair[1].at));
    assert_eq!(store.status().failing, None);
    let [counted, measured] = sizes(&store);
    assert_eq!(counted, measured);
    drop((store, writer));

    let (store, _writer) = open(&folder);
    assert_eq!(all(&store).await, found, "and so after a restart");
}

#[tokio::test]
async fn after_a_clock_that_was_ahead_storing_goes_on_and_nothing_from_before_is_lost() {
    for restarts in [false, true] {
        // Few rows, which are not in a block yet; many, which the jump makes a block of; in the midst of ten minutes.
        for stored in [20, HOUR + 130, 10 * HOUR + 250] {
            // One cycle; and an hour.
            for ahead in [10, HOUR] {
                stores_on(stored, ahead, restarts).await;
            }
        }
    }
}

#[tokio::test]
async fn what_was_stored_in_the_flush_of_the_jump_stays() {
    let folder = folder();
    let (store, _writer) = open(&folder);
    let set = BEGIN + 300;
    let mut batches = counting(BEGIN, set);
    batches.extend(counting(set + YEAR, set + YEAR + 10));
    write(&store, &batches, set + YEAR);
    write_minutes(&store, set + 10, set + 130);
    let found = all(&store).await;
    is_whole(&found, BEGIN, set);
    is_whole(&found, set + 10, set + 130);
}

#[tokio::test]
async fn a_clock_that_is_ahead_ages_nothing() {
    let folder = folder();
    let options = FileStoreOptions::new(&folder.file);
    let (store, _writer) = FileStore::open(options).unwrap();
    let end = BEGIN + 20 * DAY;
    for second in (BEGIN..end).step_by(6 * 3600) {
        let until = second + 6 * HOUR;
        write(&store, &counting(second, until), until);
    }
    write_minutes(&store, end + 10 * YEAR, end + 10 * YEAR + HOUR);
    write(&store, &[], end + 20 * YEAR);
    write_minutes(&store, end + HOUR, end + 3 * HOUR);
    let found = all(&store).await;
    is_whole(&found, BEGIN, end);
    is_whole(&found, end + HOUR + 1200, end + 3 * HOUR);
}

#[tokio::test]
async fn what_is_too_old_after_an_outage_goes_in_time() {
    let folder = folder();
    let options = FileStoreOptions::new(&folder.file);
    let (store, _writer) = FileStore::open(options).unwrap();
    for second in (BEGIN..BEGIN + 2 * DAY).step_by(6 * 3600) {
        let until = second + 6 * HOUR;
        write(&store, &counting(second, until), until);
    }
    let again = BEGIN + 40 * DAY;
    write(&store, &counting(again, again + HOUR), again + HOUR);
    is_whole(&all(&store).await, BEGIN, BEGIN + 2 * DAY);
    for second in (again + HOUR..again + 25 * DAY).step_by(6 * 3600) {
        let until = second + 6 * HOUR;
        write(&store, &counting(second, until), until);
    }
    let found = all(&store).await;
    assert!(found[0].count > 1, "minutes of what is older than 30 days");
}

#[tokio::test]
async fn a_clock_that_is_behind_is_a_failure_and_costs_nothing_that_is_stored() {
    let folder = folder();
    let (store, _writer) = open(&folder);
    let end = BEGIN + 10 * HOUR;
    write(&store, &counting(BEGIN, end), end);
    // Into what is stored, and long before it.
    for behind in [end - 5 * HOUR, BEGIN - YEAR] {
        write_minutes(&store, behind, behind + 120);
        assert_eq!(store.status().failing, None, "two may be late");
        write_minutes(&store, behind + 120, behind + HOUR);
        let failure = store.status().failing.unwrap();
        assert!(failure.reason.contains("the clock"), "{failure:?}");
        assert_eq!(store.watch_failure().borrow().as_ref(), Some(&failure));
        write(&store, &[], behind + HOUR);
        let still = store.status().failing;
        assert_eq!(still, Some(failure), "nothing came, nothing was stored");

        let right = all(&store).await.last().unwrap().at.as_second() + 10;
        is_counting(&all(&store).await, BEGIN, right);
        write_minutes(&store, right, right + 60);
        assert_eq!(store.status().failing, None);
        is_counting(&all(&store).await, BEGIN, right + 60);
    }
}
