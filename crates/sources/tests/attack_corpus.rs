//! The published bundles, and the tags of the Sigma rules; skipped where `RULEATLAS_CORPORA` names no folder.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use ruleatlas_model::{Attack, AttackDomain, Resolution, ThreatKind};
use ruleatlas_sources::{
    SourceKind, SourceSpec,
    attack::{self, Crosswalk, Knowledge, read_tags},
    read_files,
};

fn corpora(folder: &str) -> Option<PathBuf> {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA") else {
        println!("skipped: RULEATLAS_CORPORA is not set");
        return None;
    };
    let folder = Path::new(&corpora).join(folder);
    assert!(folder.is_dir(), "{} is not there", folder.display());
    Some(folder)
}

fn load() -> Option<Attack> {
    let (attack, diagnostics) = attack::load(&corpora("attack")?, None).unwrap();
    let said: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert_eq!(said, ["ATT&CK: revoked technique without a successor: T1454"]);
    Some(attack)
}

#[test]
fn the_published_bundles_are_read_whole() {
    let Some(attack) = load() else { return };
    let count = |domain, live: bool| {
        attack
            .techniques
            .values()
            .filter(|technique| technique.domain == domain && technique.deprecated != live)
            .count()
    };
    // Counted in the files: objects of each domain that are not revoked, live and deprecated ones.
    assert_eq!((count(AttackDomain::Enterprise, true), count(AttackDomain::Enterprise, false)), (691, 12));
    // One revoked technique has no successor and counts as deprecated.
    assert_eq!((count(AttackDomain::Mobile, true), count(AttackDomain::Mobile, false)), (124, 13 + 1));
    assert_eq!((count(AttackDomain::Ics, true), count(AttackDomain::Ics, false)), (83, 12));
    assert_eq!(attack.version, "2025-11-13");
    let revoked = attack.redirects.values().filter(|redirect| redirect.resolution == Resolution::RevokedBy).count();
    assert_eq!(revoked, 132 + 53 - 1);
    assert!(attack.redirects.values().all(|redirect| !redirect.to.is_empty()));
    let enterprise: Vec<_> = attack.tactics.iter().take(14).map(|tactic| tactic.id.as_str()).collect();
    assert_eq!((enterprise[0], enterprise[6], enterprise[13]), ("TA0043", "TA0005", "TA0040"));
    assert_eq!(attack.tactics.iter().filter(|tactic| tactic.deprecated).count(), 2);

    let web = &attack.techniques["T1071.001"];
    assert_eq!(
        (web.name.as_str(), web.parent.as_deref(), &*web.tactics),
        ("Web Protocols", Some("T1071"), &["command-and-control".to_owned()][..])
    );
    for technique in attack.techniques.values() {
        assert_eq!(
            technique.parent.as_deref(),
            technique.id.split_once('.').map(|(parent, _)| parent),
            "{}",
            technique.id
        );
        assert!(technique.mitigations.iter().all(|mitigation| attack.mitigations.contains_key(&mitigation.id)));
        assert!(!technique.url.is_empty() && !technique.description.is_empty(), "{}", technique.id);
    }
}

#[test]
fn citation_marks_have_their_references() {
    let Some(attack) = load() else { return };
    let (mut marks, mut bare) = (0, Vec::new());
    for technique in attack.techniques.values() {
        let texts = technique.mitigations.iter().map(|mitigation| &mitigation.description);
        for text in texts.chain([&technique.description]) {
            for mark in text.split("(Citation: ").skip(1) {
                marks += 1;
                if !technique.references.iter().any(|reference| mark.starts_with(&reference.name)) {
                    bare.push((technique.id.as_str(), mark.split(')').next()));
                }
            }
        }
    }
    assert!(marks > 3000, "{marks}");
    // The file itself has no reference for this one.
    assert!(bare.iter().all(|(_, name)| *name == Some("Microsoft System Services Fundamentals")), "{bare:?}");
}

#[test]
fn the_folder_s_crosswalk_says_nothing_that_the_built_in_one_lacks() {
    let Some(folder) = corpora("attack") else { return };
    let mut diagnostics = Vec::new();
    let own = Crosswalk::parse("crosswalk.csv", &fs::read(folder.join("crosswalk.csv")).unwrap(), &mut diagnostics);
    assert_eq!(diagnostics, []);
    assert_ne!(own, Crosswalk::default());
    let mut both = Crosswalk::built_in();
    both.extend(own);
    assert_eq!(both, Crosswalk::built_in());
}

/// The `attack.` tags of Sigma's rules: list items of a line of their own, as every rule has them.
fn sigma_tags(folder: &Path, tags: &mut BTreeMap<String, usize>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sigma_tags(&path, tags);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            for line in String::from_utf8_lossy(&fs::read(path).unwrap()).lines() {
                let item = line.trim().strip_prefix("- ").and_then(|item| item.split_whitespace().next());
                if let Some(tag) = item.filter(|tag| tag.starts_with("attack.")) {
                    *tags.entry(tag.to_owned()).or_default() += 1;
                }
            }
        }
    }
}

#[test]
fn every_attack_tag_of_sigma_leads_somewhere() {
    let (Some(attack), Some(folder)) = (load(), corpora("sigma")) else { return };
    let mut tags = BTreeMap::new();
    sigma_tags(&folder, &mut tags);
    assert!(tags.values().sum::<usize>() > 10_000, "{}", tags.len());
    let (mut ways, mut tactics, mut other, mut unknown) = (BTreeMap::new(), BTreeSet::new(), Vec::new(), Vec::new());
    for (tag, count) in &tags {
        let read = read_tags(&attack, [tag.as_str()]);
        unknown.extend(read.diagnostics.iter().map(|diagnostic| diagnostic.message.clone()));
        match read.techniques.first() {
            Some(technique) => *ways.entry(technique.resolution).or_insert(0) += count,
            None if read.tactics.is_empty() => other.push(tag.as_str()),
            None => tactics.extend(read.tactics),
        }
    }
    println!("{} tags: {ways:?}, tactics {tactics:?}", tags.len());
    println!("neither: {other:?}\nunknown: {unknown:?}");
    let digits = |tag: &str| tag.trim_start_matches("attack.").trim_start_matches(['s', 'g', 'd', 'c']).parse::<u32>();
    assert!(other.iter().all(|tag| digits(tag).is_ok()), "software, groups and data sources only: {other:?}");
    assert_eq!(unknown, [""; 0]);
    assert!(!tactics.contains("stealth") && tactics.contains("defense-evasion"));

    assert_eq!(read_tags(&attack, ["attack.t1685"]).techniques[0].techniques, ["T1562.001"]);
    assert_eq!(read_tags(&attack, ["attack.t1686.003"]).techniques[0].techniques, ["T1562.004"]);
}

#[test]
fn the_published_groups_software_and_campaigns_are_read() {
    let Some(folder) = corpora("attack") else { return };
    let files = read_files(&SourceSpec::new(SourceKind::Attack, folder)).unwrap();
    let begun = std::time::Instant::now();
    let Knowledge { attack, threats, .. } = attack::load_all(&files, None).unwrap();
    println!("{} threats, read with the techniques in {:.0?}", threats.len(), begun.elapsed());
    let uses: usize = threats.iter().map(|threat| threat.techniques.len()).sum();
    let count = |kind| threats.iter().filter(|threat| threat.kind == kind && threat.revoked_by.is_none()).count();
    println!(
        "{uses} uses; {} {} {}",
        count(ThreatKind::Group),
        count(ThreatKind::Software),
        count(ThreatKind::Campaign)
    );
    for threat in &threats {
        assert!(threat.techniques.iter().all(|id| attack.techniques.contains_key(id)), "{}", threat.id);
        assert!(!threat.name.is_empty() && threat.url.contains("mitre.org/"), "{}", threat.id);
    }
    let apt29 = threats.iter().find(|threat| threat.id == "G0016").unwrap();
    assert_eq!(apt29.name, "APT29");
    assert!(apt29.aliases.contains(&"Cozy Bear".to_owned()));
    // Counted in the file: targets of its `uses` that are techniques.
    assert_eq!(apt29.techniques.len(), 66);
}
