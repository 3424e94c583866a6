//! Whether similar rules are found: rules that cite a rule of another vendor should find it. `docs/similar.md` is made from
//! what this measures over the public corpora, with `UPDATE_SIMILAR=1`; `RULEATLAS_CORPORA` names their folder.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::PathBuf,
};

use ruleatlas_catalog::{Index, Loaded, RuleId, build};
use ruleatlas_model::{Role, Rule, Vendor};
use ruleatlas_sources::{SourceKind, SourceSpec};
use ruleatlas_store::WriteOptions;
use ruleatlas_views::Atlas;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/similar.md");
/// Rules among which a cited one counts as found.
const FIRST: usize = 10;
/// How far a cited rule is looked for.
const FURTHEST: usize = 1000;
/// The part of cited rules that is to be found.
const LEAST: f64 = 0.8;

/// A rule that cites one of another vendor.
struct Pair {
    from: String,
    to: String,
}

/// A citation by which a rule can be found: the name of its file, its id, or its title as an address spells it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Citation {
    File(String),
    Id(String),
    Title(String),
}

/// Which vendor's rule an address is of.
fn citation(address: &str) -> Option<(Vendor, Citation)> {
    let address = address.split(['#', '?']).next().unwrap_or_default().trim_end_matches('/');
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    let last = rest.rsplit('/').next()?.to_lowercase();
    let repositories = [
        ("github.com/elastic/detection-rules/", Vendor::Elastic, ".toml"),
        ("github.com/SigmaHQ/sigma/", Vendor::Sigma, ".yml"),
        ("github.com/splunk/security_content/", Vendor::Splunk, ".yml"),
        ("github.com/Azure/Azure-Sentinel/", Vendor::Kusto, ".yaml"),
        ("github.com/panther-labs/panther-analysis/", Vendor::Panther, ".py"),
    ];
    for (repository, vendor, ending) in repositories {
        if rest.starts_with(repository) && last.ends_with(ending) {
            return Some((vendor, Citation::File(last)));
        }
    }
    if let Some(path) = rest.strip_prefix("www.elastic.co/guide/en/security/") {
        let title = path.rsplit('/').next()?.strip_suffix(".html")?;
        return Some((Vendor::Elastic, Citation::Title(slug(title))));
    }
    let path = rest.strip_prefix("research.splunk.com/")?;
    let is_rule = ["endpoint/", "network/", "cloud/", "web/", "application/"].iter().any(|part| path.starts_with(part));
    let is_id = last.len() == 36 && last.matches('-').count() == 4;
    is_rule.then(|| (Vendor::Splunk, if is_id { Citation::Id(last) } else { Citation::Title(slug(&last)) }))
}

/// A title as addresses spell it.
fn slug(title: &str) -> String {
    let words = title.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// The rules of each vendor by what cites them; `None` for what is of several.
fn cited(index: &Index) -> BTreeMap<(&'static str, Citation), Option<RuleId>> {
    let mut known: BTreeMap<(&'static str, Citation), Option<RuleId>> = BTreeMap::new();
    for (number, head) in (0..).zip(index.heads()).filter(|(_, head)| head.variant_of.is_none()) {
        let file = head.path.rsplit('/').next().unwrap_or_default().to_lowercase();
        let id = head.id.split_once('/').map_or("", |(_, id)| id).to_lowercase();
        for citation in [Citation::File(file), Citation::Id(id), Citation::Title(slug(&head.title))] {
            known.entry((head.vendor.name(), citation)).and_modify(|found| *found = None).or_insert(Some(number));
        }
    }
    known
}

fn pairs<'r>(index: &Index, rules: impl Iterator<Item = &'r Rule>) -> (Vec<Pair>, usize) {
    let known = cited(index);
    let (mut pairs, mut unknown) = (BTreeSet::new(), 0);
    for rule in rules.filter(|rule| rule.variant_of.is_none() && rule.is_counted()) {
        for (vendor, citation) in rule.references.iter().filter_map(|address| citation(address)) {
            if vendor == rule.vendor {
                continue;
            }
            match known.get(&(vendor.name(), citation)).copied().flatten().and_then(|number| index.head(number)) {
                Some(head) => {
                    pairs.insert((rule.id.clone(), head.id.clone()));
                }
                None => unknown += 1,
            }
        }
    }
    (pairs.into_iter().map(|(from, to)| Pair { from, to }).collect(), unknown)
}

#[test]
fn rules_find_the_rules_that_they_cite() {
    let Some(corpora) = std::env::var_os("RULEATLAS_CORPORA").filter(|folder| !folder.is_empty()) else {
        println!("left out: RULEATLAS_CORPORA names no folder with public rules");
        return;
    };
    let corpora = PathBuf::from(corpora);
    let specs: Vec<SourceSpec> = Vendor::ALL
        .iter()
        .map(|vendor| SourceKind::Rules(*vendor))
        .chain([SourceKind::Attack])
        .map(|kind| SourceSpec::new(kind, corpora.join(kind.name())))
        .filter(|spec| spec.path.exists())
        .collect();
    let catalog = build(Loaded::read(&specs, &|_, _, _, _| {}).unwrap(), &|_, _, _, _| {}).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("catalog.db");
    ruleatlas_store::write(&db, &catalog, WriteOptions::default()).unwrap();
    let atlas = Atlas::open(&db).unwrap();
    let (mut pairs, unknown) = pairs(&atlas.index, catalog.entries.iter().map(|entry| &entry.rule));
    let resolved = pairs.len();
    pairs.retain(|pair| looks_for_something(&atlas, &pair.from) && looks_for_something(&atlas, &pair.to));
    assert!(pairs.len() > 20, "{} pairs", pairs.len());

    let place = |pair: &Pair, vendors: &[Vendor]| {
        let wanted = atlas.index.rule(&pair.to);
        let found = atlas.nearest_rules(&pair.from, vendors, FURTHEST).unwrap();
        found.iter().position(|(rule, _)| Some(*rule) == wanted)
    };
    let vendor_of = |id: &str| atlas.index.head(atlas.index.rule(id).unwrap()).unwrap().vendor;
    let (mut others, mut all, mut own) = (0, 0, 0);
    let mut by_vendors: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    let mut misses = String::new();
    for pair in &pairs {
        let (from, to) = (vendor_of(&pair.from), vendor_of(&pair.to));
        let not_own: Vec<Vendor> = Vendor::ALL.iter().copied().filter(|vendor| *vendor != from).collect();
        let among_others = place(pair, &not_own);
        let is_found = |place: Option<usize>| place.is_some_and(|place| place < FIRST);
        others += usize::from(is_found(among_others));
        all += usize::from(is_found(place(pair, &[])));
        own += usize::from(is_found(place(pair, &[to])));
        let row = by_vendors.entry((from.name(), to.name())).or_default();
        row.0 += 1;
        row.1 += usize::from(is_found(among_others));
        if is_found(among_others) {
            continue;
        }
        let _ = writeln!(misses, "| `{}` | `{}` | {} |", pair.from, pair.to, why(&atlas, pair, among_others));
    }
    let recall = rate(others, pairs.len());
    let mut page = format!(
        "# Similar rules\n\n\
         `ruleatlas similar ID` lists the rules of other vendors that are most like a rule, then those of its own, and says \
         how each relates to it: the same, narrower, wider, overlapping, or not decided. How alike two rules are is the cosine of what they look for, \
         each value and each word of it weighted by how rare it is in the catalog; how they relate is proven from their conditions over canonical \
         fields, or shown by an event that the evaluator confirms ([decision](decisions/check.md)).\n\n\
         This page is made by `UPDATE_SIMILAR=1 cargo test -p ruleatlas-views --test similar` over the public corpora that \
         `ruleatlas sync` fetches.\n\n\
         ## Are cited rules found?\n\n\
         Some rules cite a rule of another vendor in their references: by its file in the vendor's repository, or by its page. \
         A cited rule counts as found when it is among the first {FIRST} rules of other vendors. {resolved} pairs could be resolved, {unknown} \
         citations are of rules that the corpora do not have, or of several. Of {} pairs one rule looks for no value, as it \
         has no query or one that is not understood; the others are:\n\n\
         | among the rules of | pairs | found | recall at {FIRST} |\n|---|---|---|---|\n",
        resolved - pairs.len()
    );
    for (what, found) in [("all other vendors", others), ("every vendor, its own too", all), ("the cited vendor", own)]
    {
        let _ = writeln!(page, "| {what} | {} | {found} | {:.2} |", pairs.len(), rate(found, pairs.len()));
    }
    page.push_str("\n| rules of | cite rules of | pairs | found |\n|---|---|---|---|\n");
    for ((from, to), (count, found)) in &by_vendors {
        let _ = writeln!(page, "| {from} | {to} | {count} | {found} |");
    }
    let _ = write!(page, "\n## What is not found\n\n| rule | cites | why |\n|---|---|---|\n{misses}");
    if std::env::var_os("UPDATE_SIMILAR").is_some() {
        fs::write(PAGE, &page).unwrap();
    } else {
        let written = fs::read_to_string(PAGE).unwrap_or_default();
        assert_eq!(written, page, "run this test with UPDATE_SIMILAR=1 and read the difference");
    }
    assert!(recall >= LEAST, "recall at {FIRST}: {recall:.2} of {} pairs", pairs.len());
}

#[allow(clippy::cast_precision_loss)]
fn rate(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Whether a rule looks for a value at all.
fn looks_for_something(atlas: &Atlas, id: &str) -> bool {
    let uses = atlas.index.uses_of(atlas.index.rule(id).unwrap());
    uses.iter().any(|(_, role, _)| *role == Role::Indicator)
}

/// Why a cited rule is not among the first.
fn why(atlas: &Atlas, pair: &Pair, place: Option<usize>) -> String {
    let looked_for = |id: &str| -> BTreeSet<u32> {
        let uses = atlas.index.uses_of(atlas.index.rule(id).unwrap());
        uses.iter().filter(|(_, role, _)| *role == Role::Indicator).map(|(id, ..)| *id).collect()
    };
    let field_of = |id: &u32| atlas.index.indicator(*id).map(|indicator| indicator.field.to_lowercase());
    let (here, there) = (looked_for(&pair.from), looked_for(&pair.to));
    let shares_field = || {
        let fields: BTreeSet<Option<String>> = here.iter().map(field_of).collect();
        there.iter().any(|id| fields.contains(&field_of(id)))
    };
    match place {
        Some(place) => format!("it is number {}", place + 1),
        None if !shares_field() => "they compare no field in common".to_owned(),
        None if here.is_disjoint(&there) => "they look for no value in common".to_owned(),
        None => "what they have in common is common in the catalog".to_owned(),
    }
}
