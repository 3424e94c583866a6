//! The site as files.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use common::{Site, rule};
use ruleatlas_web::{SiteError, SiteOptions, site};

/// Every file of a folder by its path with `/`.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &format!("{name}/"), files);
            } else {
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, "", &mut found);
    found
}

/// What a plain host answers an address with: the file, or the folder's page.
fn found<'a>(files: &'a BTreeMap<String, Vec<u8>>, address: &str) -> Option<&'a Vec<u8>> {
    let path = common::percent_decoded(address.trim_start_matches('/'));
    let path = path.trim_end_matches('/');
    files.get(path).or_else(|| files.get(&format!("{path}/index.html")[usize::from(path.is_empty())..]))
}

/// Walks every link of every page; gives the pages seen.
fn walked(files: &BTreeMap<String, Vec<u8>>, base: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut ahead = vec!["/".to_owned()];
    while let Some(address) = ahead.pop() {
        if !seen.insert(address.clone()) {
            continue;
        }
        let body = found(files, &address).unwrap_or_else(|| panic!("{address} is dead"));
        let Ok(page) = std::str::from_utf8(body) else { continue };
        if !page.starts_with("<!DOCTYPE html>") {
            continue;
        }
        common::check(page, &address);
        assert_eq!(page.matches("<form").count(), 1, "{address}: only the search");
        assert!(
            page.contains("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"),
            "{address}"
        );
        for key in ["href=\"", "src=\"", "action=\""] {
            for link in page.split(key).skip(1).filter_map(|part| part.split('"').next()) {
                let link = link.split('#').next().unwrap_or_default();
                if link.starts_with("https://") || link.starts_with("http://") || link.is_empty() {
                    continue;
                }
                let own = link.strip_prefix(base).unwrap_or_else(|| panic!("{address}: {link}"));
                let is_search = own.starts_with("/search/?q=");
                assert!(own.starts_with('/') && (is_search || !own.contains('?')), "{address}: {link}");
                ahead.push(own.split('?').next().unwrap_or_default().replace("&amp;", "&"));
            }
        }
    }
    seen
}

fn odd_ids() -> Vec<String> {
    [
        "../../../etc/passwd",
        "a:b*c?d",
        "Same",
        "same",
        "CON",
        "x/y/..",
        "é🦀",
        "a b#0",
        "%2e%2e%2f",
        "index.html",
        ".git/config",
        "a\\..\\b",
    ]
    .iter()
    .enumerate()
    .map(|(n, id)| rule(&format!("rule {n}"), &format!("'{id}'"), "Image|endswith", &format!("\\tool{n}.exe")))
    .collect()
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_there() {
    let served = Site::new(&odd_ids(), |_| {});
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("site");
    let written = site(&served.atlas, &out, &SiteOptions::default()).unwrap();
    let files = files(&out);
    assert_eq!(files.len() as u64, written.files + 1, "and the list of them");
    assert_eq!(written.missing, 0);
    let seen = walked(&files, "");
    let rules = seen.iter().filter(|address| address.starts_with("/rule/")).count();
    assert_eq!(rules, odd_ids().len(), "{seen:?}");
    for page in [
        "/matrix",
        "/ledger",
        "/tactic/TA0011",
        "/technique/T1071",
        "/vendor/sigma",
        "/log-source/process_creation",
        "/about",
    ] {
        assert!(found(&files, page).is_some(), "{page}");
    }
    // On a file system that does not tell case apart all of them are still there, and none left the folder.
    let lower: BTreeSet<String> = files.keys().map(|name| name.to_lowercase()).collect();
    assert_eq!(lower.len(), files.len());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_page_is_what_a_server_shows_but_for_what_needs_one() {
    let served = Site::new(&odd_ids(), |_| {});
    let folder = tempfile::tempdir().unwrap();
    site(&served.atlas, folder.path(), &SiteOptions::default()).unwrap();
    let files = files(folder.path());
    let page = String::from_utf8(found(&files, "/technique/T1071").unwrap().clone()).unwrap();
    assert!(page.contains("<b>12</b> rules") && !page.contains("Show all"));
    assert_eq!(files["api/v1/technique/T1071.json"], served.page("/api/v1/technique/T1071").into_bytes());
    assert_eq!(files["api/v1/index.json"], served.page("/api/v1/").into_bytes());
    assert_eq!(files["api/v1/matrix/layer.json"], served.page("/api/v1/matrix/layer.json").into_bytes());
    let plain = |name: &&String| name.starts_with("api/v1/") && !name.contains('~') && !name.ends_with("layer.json");
    for name in files.keys().filter(plain).filter(|name| *name != "api/v1/index.json") {
        let answer = served.page(&format!("/{}", common::encoded(name.strip_suffix(".json").unwrap())));
        assert!(files[name] == answer.into_bytes(), "{name}");
    }
}

#[test]
fn equal_catalogs_give_equal_files_and_what_is_gone_is_removed() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut rules = odd_ids();
    let larger = Site::new(&rules, |_| {});
    rules.pop();
    let smaller = Site::new(&rules, |_| {});
    let options = SiteOptions::default();
    site(&larger.atlas, folders[0].path(), &options).unwrap();
    fs::write(folders[0].path().join("CNAME"), "example.org").unwrap();
    site(&smaller.atlas, folders[0].path(), &options).unwrap();
    site(&smaller.atlas, folders[1].path(), &options).unwrap();
    let [mut one, two] = folders.each_ref().map(|folder| files(folder.path()));
    assert_eq!(one.remove("CNAME").unwrap(), b"example.org", "what others put there stays");
    assert!(one.keys().eq(two.keys()), "{:?}", one.keys().filter(|name| !two.contains_key(*name)).collect::<Vec<_>>());
    assert!(one == two);
}

#[test]
fn a_site_below_a_host_s_root_has_its_place_in_every_link() {
    let served = Site::new(&odd_ids(), |_| {});
    let folder = tempfile::tempdir().unwrap();
    let options = |base: &str| SiteOptions { base: base.to_owned() };
    site(&served.atlas, folder.path(), &options("/atlas/")).unwrap();
    assert!(walked(&files(folder.path()), "/atlas").len() > 20);
    for wrong in ["atlas", "//example.org", "/a\"b", "/a b", "/<"] {
        let error = site(&served.atlas, folder.path(), &options(wrong)).unwrap_err();
        assert!(matches!(error, SiteError::Base(_)), "{wrong}: {error}");
    }
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let served = Site::new(&odd_ids(), |_| {});
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "x").unwrap();
    let error = site(&served.atlas, folder.path(), &SiteOptions::default()).unwrap_err();
    assert!(matches!(error, SiteError::NotOurs(_)), "{error}");
    // Nor does a list that was changed by hand reach out of the folder.
    let out = folder.path().join("out");
    site(&served.atlas, &out, &SiteOptions::default()).unwrap();
    let list = out.join(".ruleatlas-site");
    let text = fs::read_to_string(&list).unwrap() + "../thesis.txt\n";
    fs::write(&list, text).unwrap();
    site(&served.atlas, &out, &SiteOptions::default()).unwrap();
    assert!(folder.path().join("thesis.txt").exists());
}

/// A file of the search as JSON.
fn json(files: &BTreeMap<String, Vec<u8>>, name: &str) -> serde_json::Value {
    serde_json::from_slice(&files[&format!("search/{name}.json")]).unwrap()
}

/// The rows that `kind` has for a beginning of a word.
fn rows(files: &BTreeMap<String, Vec<u8>>, kind: &str, beginning: &str) -> Vec<serde_json::Value> {
    let index = json(files, "index");
    let known = index[kind].as_array().unwrap();
    let at = known.iter().position(|entry| entry[0] == beginning).unwrap_or_else(|| panic!("{kind} {beginning}"));
    let rows = json(files, &format!("{kind}-{at}")).as_array().unwrap().clone();
    assert!(known[at][1].as_u64().unwrap() >= rows.len() as u64);
    rows
}

#[test]
fn the_search_s_files_have_every_rule_and_each_link_of_them_leads_to_its_page() {
    let mut rules = odd_ids();
    let shared =
        |n: u32| rule(&format!("Läuft finger {n}"), &format!("finger-{n}"), "Image|endswith", "\\FINGER.exe\u{202e}");
    rules.extend([shared(1), shared(2)]);
    let served = Site::new(&rules, |_| {});
    let folder = tempfile::tempdir().unwrap();
    site(&served.atlas, folder.path(), &SiteOptions::default()).unwrap();
    let files = files(folder.path());
    // Every rule under every word of its title, with a link where its name does not give one.
    for (beginning, count) in [("ru", odd_ids().len()), ("lä", 2), ("fi", 2), ("1", 2)] {
        let rows = rows(&files, "rules", beginning);
        assert_eq!(rows.len(), count, "{beginning}");
        for row in rows {
            let id = row[0].as_str().unwrap();
            let address = row[2].as_str().map_or_else(|| format!("/rule/{}", common::encoded(id)), str::to_owned);
            let page =
                String::from_utf8(found(&files, &address).unwrap_or_else(|| panic!("{address}")).clone()).unwrap();
            assert!(page.contains(row[1].as_str().unwrap()), "{address}");
        }
    }
    // Values that one rule checks are left out; what cannot be seen in the others is made visible.
    let values = rows(&files, "values", "fi");
    assert_eq!(values.len(), 1);
    assert_eq!(values[0][2], "FINGER.exe⟨U+202E⟩");
    assert_eq!((&values[0][4], values[0][5].as_array().unwrap().len()), (&serde_json::json!(2), 2));
    assert!(!json(&files, "index")["values"].to_string().contains("\"to\""), "of tool0.exe");
    let techniques = json(&files, "techniques");
    assert_eq!(techniques["rows"], serde_json::json!([["T1071", "Application Layer Protocol", 14]]));
    let fields = json(&files, "fields");
    let image = fields["rows"].as_array().unwrap().iter().find(|row| row[0] == "Image").unwrap();
    assert!(image[3].as_array().unwrap().iter().any(|name| name == "process.executable"), "{image}");
    // A page finds the files, and its policy lets it.
    let page = String::from_utf8(files["search/index.html"].clone()).unwrap();
    assert!(page.contains("data-search=\"/search/\"") && page.contains("connect-src 'self'"));
    assert!(
        page.contains("<noscript>")
            && page.contains("href=\"/search/rules/sigma\"")
            && page.contains("href=\"/search/fields\"")
    );
}
