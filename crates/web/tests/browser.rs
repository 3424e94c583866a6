//! The walk of a newcomer in a real browser: Chromium, headless, over the DevTools protocol.
//!
//! Left out, with a word about it, where no browser is found. `RULEATLAS_AXE` may name axe-core's `axe.min.js`: then every
//! page of the walk is checked with it. Pictures of the pages stay under the target folder's `tmp/screens`.

#![allow(clippy::unwrap_used, clippy::panic)]

mod browser_client;

use std::path::Path;

use browser_client::{Browser, Tab};
use ruleatlas_catalog::{Facet, Loaded, build};
use ruleatlas_model::{AttackDomain, Technique};
use ruleatlas_sources::{SourceKind, SourceSpec, read_files};
use ruleatlas_store::WriteOptions;
use ruleatlas_views::Atlas;

/// The demo corpus with the technique that most of its rules are tagged with.
fn demo(folder: &Path) -> (Atlas, String) {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/demo");
    let kinds = [SourceKind::Sigma, SourceKind::Elastic, SourceKind::Splunk, SourceKind::Kusto, SourceKind::Panther];
    let loaded = kinds.into_iter().filter_map(|kind| {
        let spec = SourceSpec::new(kind, format!("{demo}/{kind}"));
        let files = read_files(&spec).ok()?;
        Some(Loaded { spec, files })
    });
    let mut catalog = build(loaded.collect(), &|_, _, _, _| {}).unwrap();
    let path = folder.join("catalog.db");
    ruleatlas_store::write(&path, &catalog, WriteOptions::default()).unwrap();
    let atlas = Atlas::open(&path).unwrap();
    let by_rules = atlas.index.values(Facet::Technique).map(|(id, rules)| (rules.len(), id.to_owned()));
    let (_, id) = by_rules.max().unwrap();
    let technique = Technique {
        id: id.clone(),
        name: "What most rules are about".to_owned(),
        domain: AttackDomain::Enterprise,
        description: "They do it.".to_owned(),
        tactics: Vec::new(),
        platforms: vec!["Windows".to_owned()],
        parent: None,
        deprecated: false,
        url: String::new(),
        references: Vec::new(),
        mitigations: Vec::new(),
    };
    catalog.attack.techniques.insert(id.clone(), technique);
    ruleatlas_store::write(&path, &catalog, WriteOptions::default()).unwrap();
    (Atlas::open(&path).unwrap(), id)
}

/// Serves a catalog for as long as the program runs, and says where.
fn served(atlas: Atlas) -> String {
    let (ready, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(ruleatlas_web::serve(atlas, ([127, 0, 0, 1], 0).into(), move |at| ready.send(at).unwrap()))
    });
    format!("http://{}", address.recv().unwrap())
}

#[test]
fn a_newcomer_finds_the_way() {
    let Some(browser) = Browser::start() else {
        println!("skipped: no chromium on this machine");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (atlas, technique) = demo(folder.path());
    let base = served(atlas);
    for scripts in [true, false] {
        let mut tab = browser.tab();
        tab.scripts(scripts);
        walk(&mut tab, &base, &technique, scripts);
    }
    let mut tab = browser.tab();
    let mut barriers = Vec::new();
    for (width, dark) in [(360, false), (360, true), (1280, false), (1280, true), (1920, false)] {
        tab.size(width, dark);
        for (name, address) in [
            ("home", "/".to_owned()),
            ("technique", format!("/technique/{technique}")),
            ("rules", "/rules".to_owned()),
            ("search", "/search?q=cmd".to_owned()),
            ("field", "/field/Image".to_owned()),
        ] {
            tab.go(&format!("{base}{address}"));
            let over = tab.js("document.documentElement.scrollWidth - window.innerWidth");
            assert!(over.as_i64().unwrap() <= 0, "{name} is wider than {width} pixels");
            let shade = if dark { "dark" } else { "light" };
            tab.picture(&format!("{name}-{width}-{shade}"));
            barriers.extend(barriers_of(&mut tab).into_iter().map(|it| format!("{name} at {width}, {shade}: {it}")));
        }
    }
    assert!(barriers.is_empty(), "{}", barriers.join("\n"));
}

/// Home, search, technique, a value, a rule, a similar rule, a filter, a download.
fn walk(tab: &mut Tab<'_>, base: &str, technique: &str, scripts: bool) {
    tab.go(base);
    tab.js("document.querySelector('.find input').focus()");
    tab.write(&technique.to_lowercase());
    if scripts {
        tab.until("document.querySelectorAll('.hits [role=option]').length > 0");
        assert_eq!(tab.js("document.querySelector('.hits .val').textContent"), technique);
    }
    tab.enter();
    tab.until(&format!("location.pathname === '/technique/{technique}'"));
    // What runs in a page waits for timers, which a page without scripts does not have.
    let check = |tab: &mut Tab<'_>, what: &str| {
        if scripts {
            assert_eq!(barriers_of(tab), Vec::<String>::new(), "{what}");
        }
    };
    check(tab, "technique");

    // A value opens to its rules; without scripts it says where they stand.
    let value = "table.indicators details.in";
    tab.js(&format!("document.querySelector('{value} summary').click()"));
    tab.until(&format!("document.querySelector('{value}').open"));
    if scripts {
        tab.until(&format!("document.querySelector('{value} .part li a')"));
        // Another order, without another page.
        tab.js("window.here = 1; document.querySelector('#indicators-section thead th:nth-child(3) a').click()");
        tab.until("document.querySelector('#indicators-section th[aria-sort]')");
        assert_eq!(tab.js("window.here"), 1, "the page stayed");
        assert_eq!(tab.js("location.search"), "?sort=indicators.value");
        tab.js(&format!("document.querySelector('{value} summary').click()"));
        tab.until(&format!("document.querySelector('{value} .part li a')"));
        tab.js(&format!("document.querySelector('{value} .part li a').click()"));
    } else {
        tab.js(&format!("document.querySelector('{value} p a').click()"));
        tab.until("location.pathname === '/rules'");
        tab.js("document.querySelector('table.rules td.w > a').click()");
    }
    tab.until("location.pathname.startsWith('/rule/')");
    tab.until("document.querySelector('pre.query .p')");
    check(tab, "rule");

    // From some rule a similar one of another vendor.
    tab.go(&format!("{base}/rules?all=rules"));
    let rules = tab.js("[...new Set([...document.querySelectorAll('table.rules td.w > a')].map(a => a.pathname))]");
    let rules: Vec<String> = serde_json::from_value(rules).unwrap();
    let has_similar = rules.iter().find(|rule| {
        tab.go(&format!("{base}{rule}"));
        tab.js("document.querySelectorAll('table.similar td.w a').length > 0") == true
    });
    let from = has_similar.unwrap();
    tab.js("document.querySelector('table.similar td.w a').click()");
    tab.until(&format!(
        "location.pathname.startsWith('/rule/') && location.pathname !== '{from}' && document.querySelector('h1')"
    ));

    // An event that it reads, where one stands on the page.
    tab.go(&format!("{base}/technique/{technique}"));
    if tab.js("document.querySelector('table.events td a[href^=\"/event/\"]') !== null") == true {
        tab.js("document.querySelector('table.events td a[href^=\"/event/\"]').click()");
        tab.until("location.pathname.startsWith('/event/') && document.querySelector('h1')");
        check(tab, "event");
    }

    // A filter narrows, and stands in the address.
    tab.go(&format!("{base}/technique/{technique}"));
    let before = rules_of(tab);
    tab.js("document.querySelector('.filters input[name=vendor]').checked = true");
    tab.js("document.querySelector('.filters button').click()");
    tab.until("location.search.includes('vendor=')");
    assert!(rules_of(tab) < before, "fewer rules than {before}");

    // The rows as data.
    let link = tab.js("document.querySelector('#indicators-section .tools a[download]').href");
    if scripts {
        let csv = tab.text_of(link.as_str().unwrap());
        assert!(csv.starts_with("field,op,value,") && csv.lines().count() > 1, "{csv}");
    }
}

fn rules_of(tab: &mut Tab<'_>) -> u64 {
    tab.js("Number(document.querySelector('.sum b').textContent.replaceAll(',', ''))").as_u64().unwrap()
}

/// The barriers that axe knows and finds, where it is at hand.
fn barriers_of(tab: &mut Tab<'_>) -> Vec<String> {
    let Some(path) = std::env::var_os("RULEATLAS_AXE") else { return Vec::new() };
    let axe = std::fs::read_to_string(path).unwrap();
    tab.js(&format!("{axe}; 1"));
    let found = tab.js(
        "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then(found => found.violations.map(it => \
         it.id + ': ' + it.help + ' ' + it.nodes.slice(0, 4).map(node => node.html.slice(0, 160)).join(' | ')))",
    );
    serde_json::from_value(found).unwrap()
}
