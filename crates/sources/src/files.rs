use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use ignore::{DirEntry, WalkBuilder};
use rayon::prelude::*;

use crate::{
    Decoded, Encoding, Error, NotText, SourceKind, SourceSpec,
    decode::{decode, decode_windows},
};

/// Larger files are not read, and say so: none holds a rule that anyone wrote by hand. What is made of a file takes several
/// times its size.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// A file of a source, read or with the reason why not.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path inside the source, with `/`.
    pub path: String,
    /// What is in it.
    pub content: Content,
    /// The content's hash; of what is known of the file where it could not be read.
    pub hash: [u8; 32],
    /// How the text was written in bytes.
    pub encoding: Encoding,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// Text.
    Text(String),
    /// Nothing that can be read: why, and the one-based line where there is one.
    Unreadable(String, Option<u32>),
    /// Nothing that is read: why.
    Skipped(String),
}

impl SourceFile {
    /// A file from its bytes: UTF-8 or UTF-16.
    #[must_use]
    pub fn from_bytes(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self::decoded(path.into(), bytes, decode)
    }

    /// A file of a source that holds files in Windows-1252 too: what is no Unicode is read as that.
    #[must_use]
    pub fn from_windows_bytes(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self::decoded(path.into(), bytes, decode_windows)
    }

    fn decoded(path: String, bytes: Vec<u8>, decode: fn(Vec<u8>) -> Result<Decoded, NotText>) -> Self {
        let hash = *blake3::hash(&bytes).as_bytes();
        if let Some(archive) = archive(&bytes) {
            let content = Content::Unreadable(format!("a {archive} archive; unpack it and name the folder"), None);
            return Self { path, content, hash, encoding: Encoding::default() };
        }
        match decode(bytes) {
            Ok(Decoded { text, encoding }) => Self { path, content: Content::Text(text), hash, encoding },
            Err(error) => {
                let content = Content::Unreadable(error.reason.to_owned(), Some(error.line));
                Self { path, content, hash, encoding: Encoding::default() }
            }
        }
    }

    /// The file's text; `None` where it could not be read.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The name's ending in lower case, without the dot; empty where there is none.
    #[must_use]
    pub fn extension(&self) -> String {
        extension(&self.path)
    }
}

fn extension(path: &str) -> String {
    let extension = Path::new(path).extension();
    extension.map(|extension| extension.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// Reads every file of a source, ordered by path. Symbolic links are not followed, `.git` is passed over.
///
/// # Errors
/// The folder is missing or cannot be listed. A single file that cannot be read is no error: it says so itself.
pub fn read_files(spec: &SourceSpec) -> Result<Vec<SourceFile>, Error> {
    let folder_error = |error| Error::Folder { path: spec.path.clone(), error };
    let metadata = fs::metadata(&spec.path).map_err(folder_error)?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(Error::Special { path: spec.path.clone() });
    }
    let root = if metadata.is_file() { spec.path.parent().unwrap_or(Path::new("")) } else { &spec.path };
    if metadata.is_dir() {
        fs::read_dir(root).map_err(folder_error)?;
    }
    let walk = WalkBuilder::new(&spec.path)
        .standard_filters(false)
        .follow_links(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let found = |entry: Result<DirEntry, ignore::Error>| match entry {
        Ok(entry) => {
            let name = relative(root, entry.path());
            let kind = entry.file_type()?;
            if kind.is_symlink() && entry.depth() > 0 {
                Some((name, Found::Link))
            } else if kind.is_file() || kind.is_symlink() {
                Some((name, Found::File(entry.into_path())))
            } else {
                (!kind.is_dir()).then(|| (name, Found::Broken("no regular file".to_owned())))
            }
        }
        Err(error) => Some((String::new(), Found::Broken(error.to_string()))),
    };
    let is_read = match spec.kind {
        SourceKind::Attack => crate::attack::is_read,
        SourceKind::D3fend => crate::d3fend::is_read,
        SourceKind::Atomic => crate::atomic::is_read,
        _ => |_: &str| true,
    };
    let format = spec.kind.vendor().map(|vendor| crate::format_of(vendor, |_, _| false));
    let has_windows_text = format.as_ref().is_some_and(|format| format.has_windows_text());
    let has_packages = format.as_ref().is_some_and(|format| format.has_packages());
    let rule_extensions = format.as_ref().map_or(&[][..], |format| format.extensions());
    let read_one = |(path, found): (String, Found)| match found {
        Found::File(_) if !is_read(&path) => {
            known(path, Content::Skipped("not among the files that are read".to_owned()))
        }
        Found::File(file) => match bytes(&file) {
            Ok(bytes) if is_binary(&bytes) && !rule_extensions.contains(&extension(&path).as_str()) => SourceFile {
                hash: *blake3::hash(&bytes).as_bytes(),
                ..known(path, Content::Skipped("a binary file".to_owned()))
            },
            Ok(bytes) if has_windows_text => SourceFile::from_windows_bytes(path, bytes),
            Ok(bytes) => SourceFile::from_bytes(path, bytes),
            Err(BytesError::TooLarge(size)) => known(path, Content::Unreadable(too_large(size), None)),
            Err(BytesError::Io(error)) => known(path, Content::Unreadable(error.to_string(), None)),
        },
        Found::Link => known(path, Content::Skipped("a symbolic link, not followed".to_owned())),
        Found::Broken(error) => known(path, Content::Unreadable(error, None)),
    };
    let read = |(path, found): (String, Found)| match found {
        Found::File(file) if has_packages && crate::package::may_be_package(&path) => match bytes(&file) {
            Ok(bytes) if crate::package::is_package(&path, &bytes) => crate::package::unpack(&path, &bytes),
            _ => vec![read_one((path, Found::File(file)))],
        },
        found => vec![read_one((path, found))],
    };
    // Files are read while the folders are still listed, so they come in any order.
    let mut files: Vec<SourceFile> = walk.par_bridge().filter_map(found).flat_map_iter(read).collect();
    files.sort_by(|a, b| (&a.path, a.hash).cmp(&(&b.path, b.hash)));
    // A file among others that cannot be read is in the ledger; the only one is what was meant.
    if let (true, [SourceFile { content: Content::Unreadable(reason, line), .. }]) = (metadata.is_file(), &files[..]) {
        let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        return Err(Error::File { path: spec.path.clone(), reason: format!("{line}{reason}") });
    }
    Ok(files)
}

/// One file under the path that it is asked for by; `None` where it cannot be read.
pub(crate) fn read_single(path: &Path) -> Option<SourceFile> {
    let name = path.to_string_lossy().into_owned();
    bytes(path).ok().map(|bytes| SourceFile::from_bytes(name, bytes))
}

enum Found {
    File(PathBuf),
    Link,
    Broken(String),
}

/// The kind of archive or compressed file that begins like this.
fn archive(bytes: &[u8]) -> Option<&'static str> {
    const BEGINNINGS: [(&[u8], &str); 7] = [
        (b"PK\x03\x04", "zip"),
        (b"PK\x05\x06", "zip"),
        (b"\x1f\x8b", "gzip"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
    ];
    let known = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning)).map(|(_, name)| *name);
    known.or_else(|| (bytes.get(257..262) == Some(b"ustar")).then_some("tar"))
}

/// Whether bytes are a picture, a program or the like: they hold zeros and are neither text nor an archive, for which there
/// are messages of their own.
fn is_binary(bytes: &[u8]) -> bool {
    let start = bytes.get(..8192).unwrap_or(bytes);
    start.contains(&0)
        && archive(bytes).is_none()
        && decode(bytes.to_vec()).is_err()
        && !bytes.starts_with(b"\xff\xfe")
        && !bytes.starts_with(b"\xfe\xff")
}

/// A file without text; its hash stands for why.
fn known(path: String, content: Content) -> SourceFile {
    let reason = match &content {
        Content::Unreadable(text, _) | Content::Skipped(text) | Content::Text(text) => text,
    };
    let hash = *blake3::hash(reason.as_bytes()).as_bytes();
    SourceFile { path, content, hash, encoding: Encoding::default() }
}

/// Why the bytes of a file are not available.
enum BytesError {
    Io(io::Error),
    /// It has so many bytes.
    TooLarge(u64),
}

impl From<io::Error> for BytesError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The bytes of a regular file. The file is asked for its size once it is open: to find it by its path a second time costs
/// as much as to parse a tenth of it.
fn bytes(file: &Path) -> Result<Vec<u8>, BytesError> {
    let file = fs::File::open(file)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(BytesError::Io(io::Error::other("no regular file")));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(BytesError::TooLarge(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    // It may have grown meanwhile.
    if bytes.len() as u64 > MAX_FILE_BYTES { Err(BytesError::TooLarge(bytes.len() as u64)) } else { Ok(bytes) }
}

fn too_large(size: u64) -> String {
    let mebibytes = size.div_ceil(1024 * 1024);
    format!("{mebibytes} MiB, larger than the {} MiB that are read of a file; split it", MAX_FILE_BYTES / 1024 / 1024)
}

fn relative(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    relative.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
/// The path of a file that another names, from the folder of that one.
pub(crate) fn sibling_path(path: &str, name: &str) -> String {
    let (root, path) = path.strip_prefix('/').map_or(("", path), |path| ("/", path));
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop_if(|part| *part != "..")),
            part => parts.push(part),
        }
    }
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_skipped_and_a_damaged_rule_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        for (name, bytes) in [("a.png", &png[..]), ("b.yml", png), ("c.png", b"\xff\xfea"), ("d.txt", b"\xe9 \xe8")] {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let files =
            read_files(&SourceSpec::new(SourceKind::Rules(ruleatlas_model::Vendor::Sigma), folder.path())).unwrap();
        let is_skipped = |file: &SourceFile| match &file.content {
            Content::Skipped(reason) => reason == "a binary file",
            Content::Unreadable(..) => false,
            Content::Text(text) => panic!("{text:?}"),
        };
        let skipped: Vec<(&str, bool)> = files.iter().map(|file| (file.path.as_str(), is_skipped(file))).collect();
        assert_eq!(skipped, [("a.png", true), ("b.yml", false), ("c.png", false), ("d.txt", false)]);
    }
}
