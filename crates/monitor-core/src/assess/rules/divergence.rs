//! Whether the members hold the same data.

use std::collections::BTreeSet;

use etcd_monitor_model::{
    AlertType, Evidence, Finding, MemberId, MemberSnapshot, Severity, UnknownClass, rule,
};

use super::{Context, Verdict, evidence};
use crate::assess::consensus::divergence::{Contradiction, DivergenceMemory};
use crate::assess::consensus::hashes::{Comparison, HashMemory, MemberHash};

/// Contradictions that one finding lists; among 16 members there are 240.
const LISTED_MAX: usize = 8;

/// Two members contradict each other, and no majority tells which of them is right.
pub(super) fn of_cluster(context: &Context<'_>) -> Finding {
    let memory = memory(context);
    let outvoted = outvoted(context);
    let undecided: Vec<&Contradiction> = memory
        .contradictions()
        .iter()
        .filter(|proof| !outvoted.contains(&proof.ahead) && !outvoted.contains(&proof.behind))
        .collect();
    let split = hashes(context).split(&outvoted);
    let alone = context.snapshot.member_count == Some(1);
    let verdict = if !undecided.is_empty() || split.is_some() {
        Verdict::when(true, || describe_undecided(context, &undecided, split))
    } else if alone || memory.any_compared() || any_equal(context) || !outvoted.is_empty() {
        Verdict::False
    } else {
        not_yet("no two members have answered often enough since their start to be compared")
    };
    context.cluster_finding(
        rule::DATA_DIVERGENCE,
        AlertType::Corruption,
        Severity::Critical,
        verdict,
    )
}

fn describe_undecided(
    context: &Context<'_>,
    proofs: &[&Contradiction],
    split: Option<&Comparison>,
) -> (String, Vec<Evidence>, String) {
    let contradict = proofs.iter().flat_map(|proof| [proof.ahead, proof.behind]);
    let hashed = split.into_iter().flat_map(|split| &split.hashes);
    let members: BTreeSet<MemberId> = contradict.chain(hashed.map(|own| own.member)).collect();
    let cause = format!(
        "The data of {} differs: {}; no majority tells who is right",
        names(context, &members),
        contrast(context, proofs, split),
    );
    let action = "Stop all writers and save a snapshot of each member (`etcdctl snapshot save FILE --endpoints=ENDPOINT`); compare `etcdctl endpoint hashkv --cluster`, find out whose data is right, and replace the others";
    let seen = proofs
        .iter()
        .take(LISTED_MAX)
        .flat_map(|proof| evidence_of(context, proof))
        .chain(hash_evidence(context, split));
    (cause, seen.collect(), action.to_owned())
}

/// A member contradicts most of the others.
pub(super) fn of_member(context: &Context<'_>, member: &MemberSnapshot) -> Option<Finding> {
    let id = member.id?;
    let memory = memory(context);
    let verdict = if outvoted(context).contains(&id) {
        Verdict::when(true, || describe_outvoted(context, member, id))
    } else if context.snapshot.member_count == Some(1)
        || memory.is_compared(id)
        || is_equal(context, id)
    {
        Verdict::False
    } else {
        not_compared(context, member)
    };
    Some(context.member_finding(
        rule::DATA_DIVERGENCE,
        AlertType::Corruption,
        Severity::Critical,
        member,
        verdict,
    ))
}

fn not_compared(context: &Context<'_>, member: &MemberSnapshot) -> Verdict {
    let Some(row) = context.row_of(member).filter(|row| row.status().is_some()) else {
        return context.no_status(member);
    };
    let starts = row.page().map(|page| page.process.start_time_seconds);
    if starts.flatten().is_none() {
        return context.no_metric(member, "process_start_time_seconds");
    }
    not_yet(
        "its applied index may not tell yet what it holds, since it started, took a snapshot from a peer, or was first seen a short while ago; or no other member answers with which it can be compared",
    )
}

fn describe_outvoted(
    context: &Context<'_>,
    member: &MemberSnapshot,
    id: MemberId,
) -> (String, Vec<Evidence>, String) {
    let proofs = memory(context).contradictions().iter();
    let proofs: Vec<&Contradiction> = proofs.filter(|proof| proof.other(id).is_some()).collect();
    let hashed = hashes(context).proof_against(id);
    let others = proofs
        .iter()
        .filter_map(|proof| proof.other(id))
        .chain(hashed.into_iter().flat_map(|hashed| differing(hashed, id)))
        .collect();
    let cause = format!(
        "The data of {} differs from that of {}: {}",
        member.name,
        names(context, &others),
        contrast(context, &proofs, hashed),
    );
    let action = format!(
        "Take {} out of the clients' endpoints and replace it: `etcdctl member remove {id}`, then add it again with an empty data directory; keep the old one to find the cause",
        member.name
    );
    let seen = proofs
        .iter()
        .take(LISTED_MAX)
        .flat_map(|proof| evidence_of(context, proof))
        .chain(hash_evidence(context, hashed));
    (cause, seen.collect(), action)
}

/// Whose hash is another one than this member's.
fn differing(hashed: &Comparison, id: MemberId) -> impl Iterator<Item = MemberId> {
    let own = hashed.hash_of(id);
    let others = hashed
        .hashes
        .iter()
        .filter(move |other| Some(other.hash) != own);
    others.map(|other| other.member)
}

/// What the first of these proofs comes to, or else the hashes.
fn contrast(
    context: &Context<'_>,
    proofs: &[&Contradiction],
    hashed: Option<&Comparison>,
) -> String {
    let Some(proof) = proofs.first() else {
        return hashed.map_or_else(String::new, |hashed| {
            format!(
                "HashKV gives different hashes of their keys and values up to revision {}",
                hashed.revision
            )
        });
    };
    format!(
        "by raft index {} {} is at revision {}, {} only at {} although it has applied that index, and each entry gives every member the same revision",
        proof.low.from.applied,
        context.name_of(proof.ahead),
        proof.high.revision,
        context.name_of(proof.behind),
        proof.low.to.revision,
    )
}

fn evidence_of(context: &Context<'_>, proof: &Contradiction) -> [Evidence; 3] {
    let source = |member| format!("Status of {}", context.name_of(member));
    let high = format!(
        "revision {}, with no entry beyond raft index {}",
        proof.high.revision,
        proof.high.at_most_index()
    );
    let (from, to) = (proof.low.from, proof.low.to);
    [
        evidence(source(proof.ahead), high, proof.high.at),
        evidence(
            source(proof.behind),
            format!("raft index {} applied", from.applied),
            from.at,
        ),
        evidence(
            source(proof.behind),
            format!("revision {}, read after that", to.revision),
            to.at,
        ),
    ]
}

fn hash_evidence(context: &Context<'_>, hashed: Option<&Comparison>) -> Vec<Evidence> {
    let Some(hashed) = hashed else {
        return Vec::new();
    };
    let (revision, compacted) = (hashed.revision, hashed.compact_revision);
    let of_member = |own: &MemberHash| {
        let hash = own.hash;
        let value = format!("hash {hash} up to revision {revision}, compacted up to {compacted}");
        let source = format!("HashKV of {}", context.name_of(own.member));
        evidence(source, value, own.at)
    };
    hashed.hashes.iter().map(of_member).collect()
}

fn names(context: &Context<'_>, members: &BTreeSet<MemberId>) -> String {
    let names = members
        .iter()
        .take(LISTED_MAX)
        .map(|id| context.name_of(*id));
    names.collect::<Vec<_>>().join(" and ")
}

fn outvoted(context: &Context<'_>) -> BTreeSet<MemberId> {
    let mut outvoted = memory(context).outvoted(context.state.members().unwrap_or_default());
    outvoted.extend(hashes(context).outvoted());
    outvoted
}

fn any_equal(context: &Context<'_>) -> bool {
    let members = context.snapshot.members.iter();
    members
        .filter_map(|member| member.id)
        .any(|id| is_equal(context, id))
}

fn is_equal(context: &Context<'_>, id: MemberId) -> bool {
    let valid = context.parameters.consensus.hash_valid_seconds;
    hashes(context).is_equal(id, context.now(), valid)
}

fn hashes<'a>(context: &'a Context<'_>) -> &'a HashMemory {
    &context.state.consensus.hashes
}

fn memory<'a>(context: &'a Context<'_>) -> &'a DivergenceMemory {
    &context.state.consensus.divergence
}

fn not_yet(reason: &str) -> Verdict {
    Verdict::unknown_because(UnknownClass::NotEnoughData, reason)
}
