//! The file: what it keeps, and what becomes of it when it is damaged, newer, locked, or on a full disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use etcd_monitor_model::{
    AlertType, ClusterName, Finding, FindingStatus, MonitorCondition, Severity, Snapshot, Subject,
};
use proptest::prelude::*;
use redb::TableDefinition;

use super::*;
use crate::alert::Fingerprint;
use crate::engine::{AlertEngine, StateRow};
use crate::notification::{Group, NotificationKind};
use crate::notifier::Receipt;
use crate::policy::AlertPolicy;
use crate::store::{DeadLetter, KeptReceipt, MAX_DEAD_LETTERS, ReceiptKey};

#[test]
fn a_look_at_a_file_that_is_open_tells_the_alerts_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.redb");
    assert_eq!(FileAlertStore::peek_active(&path), None);
    assert!(!path.exists());
    let store = FileAlertStore::open(&path).unwrap();
    assert_eq!(FileAlertStore::peek_active(&path), Some(BTreeSet::new()));
    let mut engine = AlertEngine::new(AlertPolicy::to_channels(["console"]));
    let (snapshot, now) = one_fault();
    engine.observe(&snapshot, now);
    let changes = Changes {
        rows: engine.take_changes(),
        ..Changes::default()
    };
    store.commit(&changes).unwrap();
    let id = engine.alerts()[0].id;
    let before = std::fs::read(&path).unwrap();
    assert_eq!(FileAlertStore::peek_active(&path), Some([id].into()));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    drop(store);
    std::fs::write(&path, "nonsense").unwrap();
    assert_eq!(FileAlertStore::peek_active(&path), None);
    assert_eq!(std::fs::read(&path).unwrap(), b"nonsense");
}

/// A snapshot with something that fires at once.
fn one_fault() -> (Snapshot, Timestamp) {
    let cluster = ClusterName::new("prod");
    let monitor = MonitorCondition {
        timer_lag_seconds: 0.0,
        deadline_seconds: 2.0,
    };
    let mut snapshot = Snapshot::empty(cluster.clone(), at(), monitor);
    let (kind, severity) = (AlertType::Capacity, Severity::Critical);
    let subject = Subject::cluster(&cluster);
    let mut finding = Finding::new("AlarmNoSpace", kind, severity, &cluster, subject, at());
    finding.status = FindingStatus::True;
    snapshot.cycle = 1;
    snapshot.interval_seconds = 5.0;
    snapshot.findings.push(finding);
    (snapshot, at())
}

fn at() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn letter(number: u64) -> DeadLetter {
    DeadLetter {
        id: format!("id-{number}"),
        channel: "mail".to_owned(),
        kind: NotificationKind::Fired,
        group: Group {
            id: "00000000000000ab".parse::<Fingerprint>().unwrap(),
            labels: BTreeMap::from([("cluster".to_owned(), "prod".to_owned())]),
        },
        severity: Severity::Critical,
        summary: "m1 is down".to_owned(),
        firing_count: 1,
        resolved_count: 0,
        at: at(),
        given_up_at: at(),
        attempts: 3,
        reason: "channel removed".to_owned(),
    }
}

fn row(key: &str, value: Option<&str>) -> StateRow {
    StateRow {
        key: key.to_owned(),
        value: value.map(|it| it.as_bytes().to_vec()),
    }
}

fn receipt(number: u64) -> (ReceiptKey, KeptReceipt) {
    let key = ReceiptKey {
        channel: "chat".to_owned(),
        dedup_key: format!("group-{number}"),
    };
    let kept = KeptReceipt {
        incident_at: at(),
        at: at(),
        receipt: Receipt("1700000000.1".to_owned()),
    };
    (key, kept)
}

fn json(text: &str) -> Arc<[u8]> {
    text.as_bytes().into()
}

/// A little of everything.
fn some(count: u64) -> Changes {
    Changes {
        rows: (0..count)
            .map(|it| row(&format!("alert/{it}"), Some("state")))
            .collect(),
        waiting: (0..count)
            .map(|it| (it, Some(json(&format!("notification {it}")))))
            .collect(),
        receipts: (0..count)
            .map(receipt)
            .map(|(key, kept)| (key, Some(kept)))
            .collect(),
        dead: (0..count).map(|it| (it, letter(it))).collect(),
        ..Changes::default()
    }
}

struct Folder {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

fn folder() -> Folder {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alerts.redb");
    Folder {
        _folder: folder,
        file,
    }
}

fn asides(file: &Path) -> usize {
    let entries = std::fs::read_dir(file.parent().unwrap()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".damaged-")).count()
}

#[test]
fn what_is_committed_is_there_after_a_restart() {
    let folder = folder();
    let store = FileAlertStore::open(&folder.file).unwrap();
    assert!(store.load().unwrap().rows.is_empty());
    store.commit(&some(3)).unwrap();
    let (forgotten, _) = receipt(1);
    store
        .commit(&Changes {
            rows: vec![row("alert/0", None), row("alert/1", Some("other"))],
            waiting: BTreeMap::from([(0, None), (7, Some(json("seven")))]),
            receipts: BTreeMap::from([(forgotten.clone(), None)]),
            ..Changes::default()
        })
        .unwrap();
    drop(store);

    let stored = FileAlertStore::open(&folder.file).unwrap().load().unwrap();
    let rows: Vec<_> = stored.rows.iter().map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(
        rows,
        [("alert/1", &b"other"[..]), ("alert/2", &b"state"[..])]
    );
    let numbers: Vec<_> = stored.waiting.keys().copied().collect();
    assert_eq!(numbers, [1, 2, 7]);
    assert_eq!(&*stored.waiting[&7], b"seven");
    assert_eq!(stored.receipts.len(), 2);
    assert!(!stored.receipts.contains_key(&forgotten));
    assert_eq!(stored.dead[&2], letter(2));
    assert_eq!(stored.damaged, 0);
}

#[test]
fn writing_anew_leaves_nothing_of_before() {
    let folder = folder();
    let store = FileAlertStore::open(&folder.file).unwrap();
    store.commit(&some(3)).unwrap();
    let anew = Changes {
        anew: true,
        rows: vec![row("only", Some("this"))],
        ..Changes::default()
    };
    store.commit(&anew).unwrap();
    let stored = store.load().unwrap();
    assert_eq!(stored.rows.len(), 1);
    assert!(stored.waiting.is_empty() && stored.receipts.is_empty() && stored.dead.is_empty());
}

#[test]
fn only_so_many_dead_letters_stay() {
    let folder = folder();
    let store = FileAlertStore::open(&folder.file).unwrap();
    store.commit(&some(MAX_DEAD_LETTERS as u64 + 5)).unwrap();
    let dead = store.load().unwrap().dead;
    assert_eq!(dead.len(), MAX_DEAD_LETTERS);
    assert_eq!(*dead.keys().next().unwrap(), 5);
}

#[test]
fn one_process_at_a_time_has_the_file() {
    let folder = folder();
    let _first = FileAlertStore::open(&folder.file).unwrap();
    let second = FileAlertStore::open(&folder.file).unwrap_err();
    assert!(matches!(second, StoreError::Locked { .. }), "{second}");
    assert!(second.to_string().contains("alerts.redb"), "{second}");
}

/// Writes records as a damaged or newer file has them.
fn tamper(file: &Path, table: &str, key: &str, value: &[u8]) {
    let db = Database::create(file).unwrap();
    let txn = db.begin_write().unwrap();
    let table: TableDefinition<'_, &str, &[u8]> = TableDefinition::new(table);
    txn.open_table(table).unwrap().insert(key, value).unwrap();
    txn.commit().unwrap();
}

#[test]
fn a_newer_file_is_refused_by_name_and_left_alone() {
    let folder = folder();
    let store = FileAlertStore::open(&folder.file).unwrap();
    store.commit(&some(3)).unwrap();
    drop(store);
    let newer = schema::sealed(b"format_version", &2_u64.to_le_bytes());
    tamper(&folder.file, "meta", "format_version", &newer);
    let error = FileAlertStore::open(&folder.file).unwrap_err();
    let found = matches!(
        error,
        StoreError::Newer {
            found: 2,
            known: 1,
            ..
        }
    );
    assert!(found, "{error}");
    assert!(error.to_string().contains("alerts.redb"), "{error}");
    assert_eq!(asides(&folder.file), 0);
    let db = Database::create(&folder.file).unwrap();
    let mut stored = Stored::default();
    schema::read(&db, &mut stored).unwrap();
    assert_eq!(stored.rows.len(), 3);
}

#[test]
fn a_record_that_is_damaged_sets_the_file_aside_and_the_rest_goes_on() {
    let folder = folder();
    let store = FileAlertStore::open(&folder.file).unwrap();
    store.commit(&some(3)).unwrap();
    drop(store);
    tamper(&folder.file, "rows", "alert/1", b"no checksum");
    let store = FileAlertStore::open(&folder.file).unwrap();
    let stored = store.load().unwrap();
    assert_eq!((stored.rows.len(), stored.damaged), (2, 1));
    assert_eq!(stored.waiting.len(), 3);
    let aside = store.latest_aside().unwrap();
    assert!(
        aside.path.exists() && aside.reason.contains("1 record"),
        "{aside:?}"
    );
    let again = store.load().unwrap();
    assert_eq!(
        (again.rows.len(), again.waiting.len(), again.damaged),
        (2, 3, 0)
    );
}

#[test]
fn a_file_that_is_none_is_set_aside() {
    let folder = folder();
    std::fs::write(&folder.file, "not a database").unwrap();
    let store = FileAlertStore::open(&folder.file).unwrap();
    store.commit(&some(1)).unwrap();
    assert_eq!(store.load().unwrap().rows.len(), 1);
    let aside = store.latest_aside().unwrap().path;
    assert_eq!(std::fs::read(aside).unwrap(), b"not a database");
}

/// The bytes of a file with a hundred of everything.
fn whole() -> Vec<u8> {
    let folder = folder();
    let store = FileAlertStore::open(&folder.file).unwrap();
    store.commit(&some(100)).unwrap();
    drop(store);
    std::fs::read(&folder.file).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is flipped or cut: it opens, gives only what was written, says where the damaged file is, and takes more.
    #[test]
    fn no_damage_stops_it_or_invents_anything(
        place in 0_usize..1 << 20,
        length in 1_usize..4_096,
        flip in 1_u8..=255,
        cut in any::<bool>(),
    ) {
        static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut bytes = BYTES.get_or_init(whole).clone();
        let place = 1 + place % (bytes.len() - 1);
        if cut {
            bytes.truncate(place);
        } else {
            bytes[place..].iter_mut().take(length).for_each(|byte| *byte ^= flip);
        }
        let folder = folder();
        std::fs::write(&folder.file, bytes).unwrap();
        let store = FileAlertStore::open(&folder.file);
        // A flipped version with a right checksum is not made here.
        let store = store.unwrap();
        let mut stored = store.load();
        if stored.is_err() {
            stored = store.load();
        }
        let stored = stored.unwrap();
        let all = some(100);
        let is_written = |(number, json): (&u64, &Arc<[u8]>)| {
            all.waiting.get(number).is_some_and(|it| it.as_ref() == Some(json))
        };
        prop_assert!(stored.waiting.iter().all(is_written));
        prop_assert!(stored.rows.values().all(|value| value == b"state"));
        let lost = stored.waiting.len() + stored.rows.len() < 200;
        prop_assert!(!lost || asides(&folder.file) == 1);
        if store.commit(&some(1)).is_err() {
            store.commit(&some(1)).unwrap();
        }
        drop(store);
        let again = FileAlertStore::open(&folder.file).unwrap().load().unwrap();
        prop_assert!(again.rows.contains_key("alert/0"));
    }
}

/// A small file system in memory, where the test may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(folder.path())
            .output();
        mounted
            .is_ok_and(|it| it.status.success())
            .then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_is_told_is_no_damage_and_ends() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: a file system cannot be mounted here, which takes root");
        return;
    };
    let file = disk.0.path().join("alerts.redb");
    let store = FileAlertStore::open(&file).unwrap();
    store.commit(&some(10)).unwrap();
    let filler = disk.0.path().join("filler");
    let _ = std::fs::write(&filler, vec![1_u8; 8 << 20]);
    let large = |number| Changes {
        waiting: BTreeMap::from([(number, Some(vec![b'x'; 100_000].into()))]),
        ..Changes::default()
    };
    let mut commits = (100..200).map(|number| store.commit(&large(number)));
    let error = commits.find_map(Result::err).expect("4 MiB are not full");
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("alerts.redb"), "{error}");
    let kept = store.load().unwrap();
    assert_eq!(kept.rows.len(), 10, "it can still be read");
    assert_eq!(asides(&file), 0);

    std::fs::remove_file(filler).unwrap();
    store.commit(&large(200)).unwrap();
    drop(store);
    let stored = FileAlertStore::open(&file).unwrap().load().unwrap();
    assert!(stored.waiting.contains_key(&200) && stored.rows.len() == 10);
}
