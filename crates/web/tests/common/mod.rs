//! A catalog of rules written in a test, and a client.

// Every test program uses a part of it.
#![allow(dead_code)]

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, StatusCode, request, response::Response},
};
use ruleatlas_catalog::{Catalog, Loaded, build};
use ruleatlas_hits::{Facts, HitsWriter};
use ruleatlas_hunt::{EventPlace, FileCount, Hit, KindCount, Matched, NotRun, Report, RuleCount, UnknownCount};
use ruleatlas_model::{Attack, AttackDomain, Tactic, Technique, Vendor};
use ruleatlas_sources::{SourceFile, SourceKind, SourceSpec};
use ruleatlas_store::WriteOptions;
use ruleatlas_views::{Atlas, LogHits};
use tower::ServiceExt as _;

pub struct Site {
    pub atlas: Arc<Atlas>,
    router: Router,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

/// A rule tagged with T1071.
pub fn rule(title: &str, id: &str, item: &str, value: &str) -> String {
    format!(
        "title: {title}\nid: {id}\nstatus: test\ndescription: Says what it looks for.\nauthor: Somebody\nlevel: high\ndate: 2026-01-01\n\
         license: DRL-1.1\nreferences:\n  - https://example.org/\ntags:\n  - attack.t1071\n\
         logsource:\n  category: process_creation\n  product: windows\n\
         detection:\n  selection:\n    {item}: '{value}'\n  condition: selection\n"
    )
}

fn technique(id: &str, name: &str) -> Technique {
    Technique {
        name: name.to_owned(),
        description: "What they do.\n\nAnd how.".to_owned(),
        tactics: vec!["command-and-control".to_owned()],
        platforms: vec!["Windows".to_owned()],
        url: format!("https://attack.mitre.org/techniques/{id}"),
        ..Technique::blank(id)
    }
}

fn tactic() -> Tactic {
    Tactic {
        id: "TA0011".to_owned(),
        short_name: "command-and-control".to_owned(),
        name: "Command and Control".to_owned(),
        domain: AttackDomain::Enterprise,
        order: 0,
        deprecated: false,
        description: "They talk to what they control.".to_owned(),
    }
}

impl Site {
    /// The site of Sigma rules, one a text, and an ATT&CK of one technique.
    pub fn new(rules: &[String], change: impl FnOnce(&mut Attack)) -> Self {
        let files = rules
            .iter()
            .enumerate()
            .map(|(n, text)| SourceFile::from_bytes(format!("rules/{n}.yml"), text.clone().into_bytes()));
        let spec = SourceSpec::new(SourceKind::Rules(Vendor::Sigma), "rules");
        Self::of(vec![Loaded { spec, files: files.collect() }], |attack| {
            attack.techniques.insert("T1071".to_owned(), technique("T1071", "Application Layer Protocol"));
            attack.tactics.push(tactic());
            change(attack);
        })
    }

    /// The site of the demo corpus.
    pub fn demo() -> Self {
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/demo");
        let mut folders: Vec<_> = fs::read_dir(demo).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.retain(|path| path.is_dir());
        folders.sort();
        let load = |path: &PathBuf| {
            let kind: SourceKind = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            let spec = SourceSpec::new(kind, path);
            Loaded { files: ruleatlas_sources::read_files(&spec).unwrap(), spec }
        };
        Self::of(folders.iter().map(load).collect(), |_| {})
    }

    pub fn of(loaded: Vec<Loaded>, change: impl FnOnce(&mut Attack)) -> Self {
        let mut catalog = build(loaded, &|_, _, _, _| {}).unwrap();
        change(&mut catalog.attack);
        Self::of_catalog(&catalog)
    }

    /// The site of a catalog, written and read back.
    pub fn of_catalog(catalog: &Catalog) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        ruleatlas_store::write(&path, catalog, WriteOptions::default()).unwrap();
        Self { folder, ..Self::open_at(&path) }
    }

    /// The same with a file of hits: one of every third rule.
    pub fn with_hits(self) -> Self {
        let catalog = self.folder.path().join("catalog.db");
        let path = self.folder.path().join("hits.db");
        let mut writer = HitsWriter::create(&path).unwrap();
        let mut report = Report::default();
        report.events.read = 10;
        for head in self.atlas.index.heads().iter().step_by(3) {
            let matched = vec![Matched { field: "Image".into(), op: "basename".into(), value: "cmd.exe".into() }];
            let event = serde_json::json!({"Image": "C:\\cmd.exe", "CommandLine": "<b>", "Hashes": ["a", "b"]});
            let hit = Hit {
                rule: head.id.clone(),
                time: Some("2026-01-02T03:04:05Z".to_owned()),
                host: Some("<i>host".to_owned()),
                file: "<u>a.jsonl".to_owned(),
                record: 1,
                provider: "Sysmon".to_owned(),
                event_id: "1".to_owned(),
                events: vec![EventPlace { file: "<u>a.jsonl".to_owned(), record: 1 }],
                count: Some(1),
                matched,
                event: event.as_object().unwrap().clone(),
                ..Hit::default()
            };
            writer.add(&hit).unwrap();
            report.rules.push(RuleCount {
                id: head.id.clone(),
                vendor: head.vendor,
                title: head.title.clone(),
                severity: head.severity,
                techniques: Vec::new(),
                asked: 10,
                hits: 1,
                candidates: 0,
                unknown: 1,
                unknown_why: vec![UnknownCount { why: "blind: <b>".to_owned(), events: 1 }],
                first: hit.time.clone(),
                last: hit.time.clone(),
                hosts: hit.host.into_iter().collect(),
                source_unknown: false,
            });
        }
        report.not_run.push(NotRun { id: "sigma/none".to_owned(), why: "<b>".to_owned() });
        report.kinds.push(KindCount { provider: "Sysmon".into(), event_id: "1".into(), read: 10, asked: 10, rules: 3 });
        report.files.push(FileCount { file: "<u>a.jsonl".to_owned(), read: 10, asked: 10, problems: 0 });
        let catalog_of = self.atlas.fingerprint().unwrap().unwrap_or_default();
        let facts = Facts { catalog: catalog_of, data_set: "<b>lab".to_owned(), ..Facts::default() };
        writer.finish(&report, &facts).unwrap();
        let hits = Arc::new(LogHits::open(&path).unwrap());
        let atlas = Atlas::open(&catalog).unwrap().with_hits(hits).map_err(|(_, error)| error).unwrap();
        let atlas = Arc::new(atlas);
        Self { router: ruleatlas_web::router(Arc::clone(&atlas)), atlas, ..self }
    }

    /// The site of the catalog at `path`.
    pub fn open_at(path: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let atlas = Arc::new(Atlas::open(path).unwrap());
        let router = ruleatlas_web::router(Arc::clone(&atlas));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { atlas, router, runtime, folder }
    }

    /// The catalog, opened once more.
    pub fn open(&self) -> Atlas {
        Atlas::open(&self.folder.path().join("catalog.db")).unwrap()
    }

    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn send(&self, request: Request<Body>) -> Response<Body> {
        self.runtime.block_on(self.router.clone().oneshot(request)).unwrap()
    }

    pub fn ask(&self, request: request::Builder) -> Response<Body> {
        self.send(request.body(Body::empty()).unwrap())
    }

    pub fn get(&self, address: &str) -> Response<Body> {
        self.ask(Request::get(address))
    }

    pub fn bytes(&self, answer: Response<Body>) -> Bytes {
        self.runtime.block_on(axum::body::to_bytes(answer.into_body(), usize::MAX)).unwrap()
    }

    pub fn status_and_page(&self, address: &str) -> (StatusCode, String) {
        let answer = self.get(address);
        let status = answer.status();
        (status, String::from_utf8(self.bytes(answer).to_vec()).unwrap())
    }

    pub fn page(&self, address: &str) -> String {
        let (status, page) = self.status_and_page(address);
        assert_eq!(status, StatusCode::OK, "{address}: {page}");
        page
    }
}

pub fn decoded(coding: &str, bytes: Bytes) -> String {
    let mut text = String::new();
    match coding {
        "br" => brotli::Decompressor::new(&bytes[..], 4096).read_to_string(&mut text).unwrap(),
        _ => flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap(),
    };
    text
}

/// Percent-encoded, but for `/`.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'/' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low].map(char::from).iter().collect::<String>();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
                rest = after;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

const TAGS: &str = "html head meta title link script body a header form input kbd nav ol ul li main div p h1 h2 h3 span b em strong \
                    i wbr abbr svg rect text line circle figure figcaption footer details summary fieldset legend label select option button section table thead tbody tr th td \
                    code pre mark dl dt dd sup br blockquote textarea noscript";
const ATTRIBUTES: &str = "lang charset name content http-equiv rel href type src defer class action role value aria-label placeholder autocomplete \
                          spellcheck aria-hidden id width height x title tabindex scope data-p selected checked download viewBox y x1 x2 y1 y2 \
                          cx cy r text-anchor aria-sort data-copy colspan method enctype accept rows cols required open";

/// Fails when a page holds a tag or attribute that the site does not write itself, a link that leads neither to the
/// site nor to the web, or a character that reorders or hides text.
pub fn check(page: &str, address: &str) {
    // What a form sends back is the text itself.
    let parts = page.split(" value=\"").enumerate();
    let shown = parts.map(|(at, part)| if at == 0 { part } else { part.split_once('"').map_or("", |(_, rest)| rest) });
    let odd = shown.flat_map(str::chars).find(|character| {
        (character.is_control() && *character != '\n' && *character != '\t')
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}')
    });
    assert_eq!(odd, None, "{address}");
    let known = |list: &str, name: &str| list.split_whitespace().any(|known| known == name);
    for part in page.strip_prefix("<!DOCTYPE html>").unwrap_or(page).split('<').skip(1) {
        let mut rest = part.strip_prefix('/').unwrap_or(part);
        let end = rest.find([' ', '>']).unwrap_or(rest.len());
        let tag = &rest[..end];
        assert!(known(TAGS, tag), "{address}: tag {tag:.40}");
        rest = &rest[end..];
        while let Some(inner) = rest.strip_prefix(' ') {
            let end = inner.find(['=', ' ', '>']).unwrap();
            let name = &inner[..end];
            let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            let is_ours = is_plain && (name.starts_with("aria-") || name.starts_with("data-"));
            assert!(is_ours || known(ATTRIBUTES, name), "{address}: attribute {name:.40} of {tag}");
            rest = &inner[end..];
            if let Some(quoted) = rest.strip_prefix("=\"") {
                let (value, behind) = quoted.split_once('"').unwrap();
                let leads = ["/", "#", "https://", "http://"].iter().any(|start| value.starts_with(start));
                assert!(
                    !matches!(name, "href" | "src" | "action") || (leads && !value.starts_with("//")),
                    "{address}: {value:.80}"
                );
                rest = behind;
            }
        }
        assert!(rest.starts_with('>'), "{address}: {tag} {rest:.40}");
    }
}
