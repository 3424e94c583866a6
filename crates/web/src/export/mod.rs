//! The site as files for any web host, under the same addresses.
//!
//! Every address of the table that does not depend on what is asked becomes a folder with an `index.html`, and its JSON a
//! file with `.json` at the end. What only a server can answer (filters, a single indicator) is left out: such links lose
//! their address and stay as text, forms fall away. The search is the browser's own, over files made for it, with lists
//! beside it for those without scripts. A strict policy stands in the pages themselves, as a host of files sends no
//! headers of ours.

mod links;
mod lists;
mod names;
mod search;

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use rayon::prelude::*;
use ruleatlas_views::Atlas;

use self::{links::Links, names::Names};
use crate::{
    answer::{Coding, META_POLICY},
    assets, page,
    routes::{self, API, Address, Export, Form, Route, RouteResponse},
};

/// The list of the site's files, which says that a folder is ours to write anew.
const LIST: &str = ".ruleatlas-site";
/// The head of that list.
const HEAD: &str = "Files of a site that `ruleatlas site` wrote; the next run removes those that are gone.";

/// What hosts show where there is no file.
const NOWHERE: &str = "404.html";

/// How a static site is written.
#[derive(Clone, Debug, Default)]
pub struct SiteOptions {
    /// Where the site stands on its host, when not at the root: `/atlas`.
    pub base: String,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Pages.
    pub pages: u64,
    /// All files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Pages that say that there is no such thing, as the server says it under that address: links lead to them, and
    /// the catalog does not know what they name.
    pub missing: u64,
    /// Pages that say that the catalog cannot be read there, and why.
    pub unreadable: u64,
}

/// Why a static site cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The folder holds something else.
    #[error("{0} is not empty and holds no site of this program; name another folder")]
    NotOurs(PathBuf),
    /// The base is no path of an address.
    #[error("`{0}` is no place on a host; one is written like /atlas")]
    Base(String),
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] ruleatlas_views::Error),
    /// A file cannot be written.
    #[error("cannot write {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A page could not be made.
    #[error("the page {address} could not be made (status {status})")]
    Page {
        /// Its address.
        address: String,
        /// The status that a server would have answered.
        status: u16,
    },
}

/// A page of the site, or what is JSON only.
struct Leaf {
    page: Option<File>,
    json: Option<File>,
}

/// A file of the site.
struct File {
    /// Its place below the folder, with `/`.
    name: String,
    /// The address that a server answers with it.
    address: String,
}

/// Writes the whole site into a folder; equal catalogs give equal files.
///
/// The folder must be new, empty, or hold a site of this program, whose files that are gone are removed.
///
/// # Errors
/// The folder holds something else, or a file cannot be written.
pub fn site(atlas: &Atlas, folder: &Path, options: &SiteOptions) -> Result<Written, SiteError> {
    let base = base_of(&options.base)?;
    let before = listed(folder)?;
    let mut names = Names::default();
    let mut leaves = Vec::new();
    let mut links = HashMap::new();
    for route in routes::table() {
        for address in addresses(route, atlas) {
            // The table's own paths are plain.
            let is_own = matches!(route.export, Export::Once);
            let name = if is_own { route.path.trim_start_matches('/').to_owned() } else { names.name(&address) };
            let has = |form| route.only.is_none_or(|only| only == form);
            let page = has(Form::Page).then(|| {
                links.insert(address.clone(), names::address(&name));
                File { name: names::page_file(&name), address: address.clone() }
            });
            let json = has(Form::Json).then(|| {
                let file = File { name: names::json_file(&name), address: format!("{API}{address}") };
                links.insert(file.address.clone(), names::address(&file.name));
                file
            });
            leaves.push(Leaf { page, json });
        }
    }
    let mut extra: Vec<(String, Vec<u8>)> = search::files(atlas, &links)?
        .into_iter()
        .map(|(name, bytes)| (format!("{}/{name}", search::FOLDER), bytes))
        .collect();
    let lists = lists::pages(atlas);
    links.extend(lists.iter().map(|(address, _)| (address.clone(), address.clone())));
    let links = Links { known: links, base };
    let own_pages = lists.len() as u64;
    for (address, page) in lists {
        extra.push((names::page_file(address.trim_start_matches('/')), links.rewritten(&page, META_POLICY)));
    }
    let files = || leaves.iter().flat_map(|leaf| leaf.page.iter().chain(&leaf.json)).map(|file| file.name.as_str());
    let files = || files().chain(extra.iter().map(|(name, _)| name.as_str()));
    let folders: BTreeSet<&str> = files().filter_map(|name| name.rsplit_once('/')).map(|(at, _)| at).collect();
    for place in folders.iter().copied().chain(["", "assets"]) {
        let path = folder.join(place);
        fs::create_dir_all(&path).map_err(|error| SiteError::Io { path, error })?;
    }
    let bytes = AtomicU64::new(0);
    let (missing, unreadable) = (AtomicU64::new(0), AtomicU64::new(0));
    let write = |name: &str, text: &[u8]| {
        let path = folder.join(name);
        bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        fs::write(&path, text).map_err(|error| SiteError::Io { path, error })
    };
    let mut list: Vec<String> = files().map(str::to_owned).collect();
    list.extend(assets::all().map(|(name, _)| format!("assets/{name}")));
    list.push(NOWHERE.to_owned());
    list.sort_unstable();
    let gone: Vec<&String> = before.iter().filter(|name| list.binary_search(name).is_err()).collect();
    let said = |names: &mut dyn Iterator<Item = &String>| {
        names.fold(format!("{HEAD}\n"), |text, name| text + name + "\n").into_bytes()
    };
    // The list comes first, so that a folder of which not all was written is known as ours.
    write(LIST, &said(&mut list.iter().chain(gone.iter().copied())))?;
    leaves.par_iter().try_for_each(|leaf| {
        let mut beside = None;
        if let Some(page) = &leaf.page {
            let (mut made, json) = routes::made_with_json(atlas, &Address::new(&page.address, ""));
            beside = json;
            if let RouteResponse::Redirect(other) = &made {
                // Another name of the same: its page stands here as well.
                made = routes::made(atlas, &Address::new(other.split('?').next().unwrap_or_default(), ""));
            }
            if let RouteResponse::Body { status: status @ (404 | 500), .. } = made {
                let count = if status == 404 { &missing } else { &unreadable };
                count.fetch_add(1, Ordering::Relaxed);
            }
            let text = finished(made, &page.address)?;
            let is_page = !page.name.ends_with(".json");
            write(&page.name, &if is_page { links.rewritten(&text, META_POLICY) } else { text.into_bytes() })?;
        }
        let Some(json) = &leaf.json else { return Ok(()) };
        let text = match beside {
            Some(text) => text,
            None => {
                let mut made = routes::made(atlas, &Address::new(&json.address, ""));
                if let RouteResponse::Redirect(other) = &made {
                    made = routes::made(atlas, &Address::new(other.split('?').next().unwrap_or_default(), ""));
                }
                finished(made, &json.address)?.into_bytes()
            }
        };
        write(&json.name, &text)
    })?;
    extra.par_iter().try_for_each(|(name, bytes)| write(name, bytes))?;
    for (name, asset) in assets::all() {
        write(&format!("assets/{name}"), &asset.body(Coding::Identity).bytes)?;
    }
    let nowhere = page::failed("There is no such page", "The address leads nowhere in this copy of the site.");
    write(NOWHERE, &links.rewritten(&nowhere.into_string(), META_POLICY))?;
    for name in gone {
        // Whoever took a file away before did what is wanted here.
        let _ = fs::remove_file(folder.join(name));
    }
    write(LIST, &said(&mut list.iter()))?;
    let pages = leaves.iter().filter(|leaf| leaf.page.is_some()).count() as u64 + own_pages;
    Ok(Written {
        pages,
        files: list.len() as u64,
        bytes: bytes.into_inner(),
        missing: missing.into_inner(),
        unreadable: unreadable.into_inner(),
    })
}

/// The addresses of a route's pages in the static site.
fn addresses(route: &Route, atlas: &Atlas) -> Vec<String> {
    match route.export {
        Export::Never => Vec::new(),
        Export::Once => vec![route.path.to_owned()],
        Export::Each(addresses) => addresses(atlas),
    }
}

/// The text of an answer that is one, or that says why there is none: a page that cannot be made must not take the site
/// along.
fn finished(made: RouteResponse, address: &str) -> Result<String, SiteError> {
    let status = match made {
        RouteResponse::Body { status: 200 | 404 | 500, bytes, .. } => match String::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(_) => 500,
        },
        RouteResponse::Body { status, .. } => status,
        RouteResponse::Redirect(_) => 302,
    };
    Err(SiteError::Page { address: address.to_owned(), status })
}

/// Where the site stands, without a stroke at the end.
fn base_of(base: &str) -> Result<String, SiteError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let base = base.trim_end_matches('/');
    if base.is_empty() || (base.starts_with('/') && !base.contains("//") && base.bytes().all(plain)) {
        Ok(base.to_owned())
    } else {
        Err(SiteError::Base(base.to_owned()))
    }
}

/// The files that an earlier run wrote into a folder.
fn listed(folder: &Path) -> Result<Vec<String>, SiteError> {
    let failed = |error| SiteError::Io { path: folder.to_owned(), error };
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    if entries.next().is_none() {
        return Ok(Vec::new());
    }
    let list = fs::read_to_string(folder.join(LIST)).map_err(|_| SiteError::NotOurs(folder.to_owned()))?;
    let Some(names) = list.strip_prefix(HEAD) else { return Err(SiteError::NotOurs(folder.to_owned())) };
    // The list may have been changed by hand: nothing outside the folder is touched for it.
    let is_below =
        |name: &&str| Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    Ok(names.lines().filter(|name| !name.is_empty()).filter(is_below).map(str::to_owned).collect())
}
