use std::time::Duration;

use etcd_monitor_model::{ClusterName, Subject};

use super::*;
use crate::fixtures::matchers;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn silence(from: i64, to: i64) -> Silence {
    let matchers = matchers(&["cluster=a"]);
    Silence::new(matchers, at(from), at(to), "eve", "upgrade").unwrap()
}

fn fingerprint(rule: &str) -> Fingerprint {
    Fingerprint::new(&ClusterName::new("a"), rule, &Subject::monitor())
}

fn acknowledgement(second: i64) -> Acknowledgement {
    Acknowledgement::new("eve", at(second), "on it").unwrap()
}

fn fresh() -> (tempfile::TempDir, MuteFile) {
    let folder = tempfile::tempdir().unwrap();
    let file = MuteFile::new(folder.path());
    (folder, file)
}

#[test]
fn what_is_written_is_read_and_the_stamp_tells_that_it_changed() {
    let (_folder, file) = fresh();
    assert_eq!(file.load(at(0)).unwrap(), Mutes::default());
    let mut stamps = vec![file.stamp().unwrap()];
    let silence = silence(0, 100);
    file.add_silence(silence.clone(), at(0)).unwrap();
    stamps.push(file.stamp().unwrap());
    file.acknowledge(fingerprint("x"), acknowledgement(1), at(1))
        .unwrap();
    stamps.push(file.stamp().unwrap());
    let mutes = file.load(at(1)).unwrap();
    assert_eq!(mutes.silences, [silence]);
    assert_eq!(
        mutes.acknowledgements[&fingerprint("x")],
        acknowledgement(1)
    );
    assert!(stamps[0] != stamps[1] && stamps[1] != stamps[2]);
    assert_eq!(file.stamp().unwrap(), stamps[2]);
}

#[test]
fn an_acknowledgement_is_replaced_and_removed() {
    let (_folder, file) = fresh();
    let alert = fingerprint("x");
    for second in [1, 2] {
        file.acknowledge(alert, acknowledgement(second), at(second))
            .unwrap();
    }
    let kept = file.load(at(2)).unwrap().acknowledgements;
    assert_eq!((kept.len(), kept[&alert].at), (1, at(2)));
    assert!(file.remove_acknowledgement(alert, at(3)).unwrap());
    assert!(!file.remove_acknowledgement(alert, at(3)).unwrap());
    assert_eq!(file.load(at(3)).unwrap(), Mutes::default());
}

#[test]
fn a_silence_is_ended_now_and_one_to_come_never_begins() {
    let (_folder, file) = fresh();
    let (active, pending) = (silence(0, 100), silence(50, 100));
    file.add_silence(active.clone(), at(0)).unwrap();
    file.add_silence(pending.clone(), at(0)).unwrap();
    let ended = file.expire_silence(&active.id, at(10)).unwrap();
    assert_eq!((ended.starts_at, ended.ends_at), (at(0), at(10)));
    let ended = file.expire_silence(&pending.id, at(10)).unwrap();
    assert_eq!((ended.starts_at, ended.ends_at), (at(10), at(10)));
    let kept = file.load(at(10)).unwrap().silences;
    assert!(
        kept.iter()
            .all(|it| it.state_at(at(60)) == SilenceState::Expired)
    );
    let again = file.expire_silence(&active.id, at(11)).unwrap_err();
    assert!(matches!(again, MuteFileError::Expired(_)), "{again}");
    let unknown = file.expire_silence("0", at(11)).unwrap_err();
    assert!(unknown.to_string().contains("no silence has the id 0"));
}

#[test]
fn what_is_over_is_kept_for_five_days() {
    let (_folder, file) = fresh();
    file.add_silence(silence(0, 100), at(0)).unwrap();
    let days = 5 * 86_400;
    assert_eq!(file.load(at(99 + days)).unwrap().silences.len(), 1);
    assert_eq!(file.load(at(100 + days)).unwrap().silences.len(), 0);
    file.add_silence(silence(0, 200), at(101 + days)).unwrap();
    let kept = file.load(at(0)).unwrap().silences;
    assert_eq!(kept.len(), 1, "the next change writes it no more");
}

#[test]
fn of_a_thousand_silences_the_oldest_that_is_over_makes_room() {
    let (_folder, file) = fresh();
    let mut mutes = Mutes {
        silences: (0..1_000).map(|_| silence(0, 1_000)).collect(),
        ..Mutes::default()
    };
    file.write(&mutes).unwrap();
    let error = file.add_silence(silence(0, 10), at(5)).unwrap_err();
    assert!(matches!(error, MuteFileError::TooMany), "{error}");
    mutes.silences[7] = silence(0, 3);
    mutes.silences[8] = silence(0, 2);
    file.write(&mutes).unwrap();
    file.add_silence(silence(0, 10), at(5)).unwrap();
    let kept = file.load(at(5)).unwrap().silences;
    assert_eq!(kept.len(), 1_000);
    assert!(kept.iter().any(|it| it.ends_at == at(3)));
    assert!(!kept.iter().any(|it| it.ends_at == at(2)));
}

#[test]
fn many_writers_at_once_lose_nothing_and_readers_see_whole_files() {
    let (_folder, file) = fresh();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..10 {
                        file.add_silence(silence(0, 100), at(0)).unwrap();
                    }
                })
            })
            .collect();
        while !writers
            .iter()
            .all(std::thread::ScopedJoinHandle::is_finished)
        {
            file.load(at(0)).unwrap();
        }
    });
    assert_eq!(file.load(at(0)).unwrap().silences.len(), 40);
}

#[test]
fn a_flipped_bit_anywhere_is_seen() {
    let mut mutes = Mutes::default();
    mutes.silences.push(silence(0, 100));
    let text = format::render(&mutes).into_bytes();
    for position in 0..text.len() - 1 {
        let mut flipped = text.clone();
        flipped[position] ^= 1;
        let content = format::parse(&flipped);
        assert!(!matches!(content, Content::Mutes(_)), "byte {position}");
    }
}

#[test]
fn a_damaged_file_is_set_aside_by_name_and_the_next_begins_anew() {
    let (folder, file) = fresh();
    for damaged in ["", "garbage", "{}\n{}\n", "\u{0}\n"] {
        std::fs::write(file.path(), damaged).unwrap();
        let error = file.load(at(0)).unwrap_err();
        let MuteFileError::Damaged { aside, .. } = &error else {
            panic!("{damaged:?}: {error}");
        };
        assert_eq!(aside, &folder.path().join("mutes.json.damaged"));
        assert_eq!(std::fs::read_to_string(aside).unwrap(), damaged);
        assert_eq!(file.load(at(0)).unwrap(), Mutes::default());
    }
    std::fs::write(file.path(), "garbage").unwrap();
    assert!(file.add_silence(silence(0, 1), at(0)).is_err());
    file.add_silence(silence(0, 1), at(0)).unwrap();
}

#[test]
fn a_newer_file_is_refused_by_name_and_left() {
    let (_folder, file) = fresh();
    let newer = format::render(&Mutes::default()).replace("\"version\":1", "\"version\":2");
    std::fs::write(file.path(), &newer).unwrap();
    for error in [
        file.load(at(0)).unwrap_err(),
        file.add_silence(silence(0, 1), at(0)).unwrap_err(),
    ] {
        assert!(
            matches!(error, MuteFileError::Newer { found: 2, .. }),
            "{error}"
        );
    }
    assert_eq!(std::fs::read_to_string(file.path()).unwrap(), newer);
}

#[test]
fn a_lock_that_is_not_given_back_is_named_and_does_not_hinder_readers() {
    let (_folder, file) = fresh();
    file.add_silence(silence(0, 100), at(0)).unwrap();
    let _held = Locked::beside(file.path()).unwrap();
    let second = Locked::within(file.path(), Duration::from_millis(30));
    let Err(error) = second.map(|_| ()) else {
        panic!("two hold it");
    };
    assert!(error.to_string().contains("mutes.json.lock"), "{error}");
    assert_eq!(file.load(at(0)).unwrap().silences.len(), 1);
}

#[test]
fn where_nothing_can_be_written_the_old_file_stays_and_the_error_says_where() {
    let (folder, file) = fresh();
    file.add_silence(silence(0, 100), at(0)).unwrap();
    // A folder in the place of the new file: it cannot be made, whoever asks.
    std::fs::create_dir(folder.path().join("mutes.json.new")).unwrap();
    let error = file.add_silence(silence(0, 50), at(0)).unwrap_err();
    assert!(error.to_string().contains("cannot write"), "{error}");
    assert_eq!(file.load(at(0)).unwrap().silences.len(), 1);
    let nowhere = MuteFile::new(&folder.path().join("gone"));
    assert!(nowhere.add_silence(silence(0, 50), at(0)).is_err());
}
