//! A packaged Splunk app (`.spl`, `.tgz`, `.tar.gz`): the files in it, read in memory and within bounds.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use crate::{Content, SourceFile};

/// How many bytes a package may unpack to.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// How many entries of a package are read.
const MAX_ENTRIES: usize = 20_000;
/// Larger files in a package are not read, and are reported.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// The endings of files that may hold something that is read.
const READ: [&str; 8] = ["conf", "csv", "json", "md", "markdown", "spl", "yaml", "yml"];

/// Whether a file is named as packages are.
pub(crate) fn may_be_package(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    [".spl", ".tgz", ".tar.gz"].iter().any(|ending| path.ends_with(ending))
}

/// Whether a file is named as packages are and compressed by gzip: a `.spl` may also be a search.
pub(crate) fn is_package(path: &str, bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b]) && may_be_package(path)
}

/// The package itself, with what became of it, and the files in it by their paths behind its own.
pub(crate) fn unpack(path: &str, bytes: &[u8]) -> Vec<SourceFile> {
    unpack_within(path, bytes, MAX_BYTES, MAX_FILE_BYTES)
}

fn unpack_within(path: &str, bytes: &[u8], max_bytes: u64, max_file_bytes: u64) -> Vec<SourceFile> {
    let mut package = SourceFile::from_bytes(path, Vec::new());
    package.hash = *blake3::hash(bytes).as_bytes();
    let mut files = Vec::new();
    package.content = match entries(path, bytes, max_bytes, max_file_bytes, &mut files) {
        Ok(()) => Content::Skipped("a packaged app, of which the files are read".to_owned()),
        Err(reason) => Content::Unreadable(format!("packaged app: {reason}; unpack it and name its folder"), None),
    };
    files.push(package);
    files
}

fn entries(
    path: &str,
    bytes: &[u8],
    max_bytes: u64,
    max_file_bytes: u64,
    files: &mut Vec<SourceFile>,
) -> Result<(), String> {
    // One byte more than is let pass tells a package that ends there from one that goes on.
    let mut archive = Archive::new(MultiGzDecoder::new(bytes).take(max_bytes + 1));
    let mut passed: u64 = 0;
    for (count, entry) in archive.entries().map_err(|error| error.to_string())?.enumerate() {
        if count >= MAX_ENTRIES {
            return Err(format!("more than {MAX_ENTRIES} entries"));
        }
        let mut entry = entry.map_err(|error| error.to_string())?;
        passed = passed.saturating_add(entry.size());
        if passed > max_bytes {
            return Err(format!("larger than {} MiB unpacked", max_bytes / 1024 / 1024));
        }
        if entry.header().entry_type() != EntryType::Regular {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // The name is only a name: nothing is written anywhere.
        let parts = name.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | ".."));
        let name = parts.collect::<Vec<_>>().join("/");
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        if !READ.contains(&ending.as_str()) {
            continue;
        }
        let path = format!("{path}/{name}");
        if entry.size() > max_file_bytes {
            let mut file = SourceFile::from_bytes(path, Vec::new());
            let reason = format!(
                "larger than {} MiB in a packaged app; unpack the app and name its folder",
                max_file_bytes / 1024 / 1024
            );
            file.content = Content::Unreadable(reason, None);
            files.push(file);
            continue;
        }
        let mut text = Vec::new();
        entry.read_to_end(&mut text).map_err(|error| error.to_string())?;
        files.push(SourceFile::from_bytes(path, text));
    }
    if files.is_empty() { Err("no file in it that is read".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            // `set_path` refuses the names that a hostile package has.
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, *text).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn a_package_is_read_as_the_files_in_it() {
        let bytes = packed(&[
            ("app/default/savedsearches.conf", b"[a]\nsearch = x\n"),
            ("app/bin/tool.py", b"print()"),
            ("../../etc/local/macros.conf", b"[m]\ndefinition = x\n"),
        ]);
        assert!(is_package("a/b.spl", &bytes) && !is_package("a/b.txt", &bytes) && !is_package("b.spl", b"index=a"));
        let files = unpack("b.spl", &bytes);
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["b.spl/app/default/savedsearches.conf", "b.spl/etc/local/macros.conf", "b.spl"]);
        assert_eq!(files[0].text(), Some("[a]\nsearch = x\n"));
        assert!(matches!(files[2].content, Content::Skipped(_)));
    }

    #[test]
    fn a_large_file_in_a_package_is_reported() {
        let bytes =
            packed(&[("app/default/macros.conf", b"[m]\ndefinition = x\n"), ("app/lookups/a.csv", &[b'a'; 64])]);
        let files = unpack_within("b.spl", &bytes, MAX_BYTES, 32);
        let csv = files.iter().find(|file| file.path == "b.spl/app/lookups/a.csv").unwrap();
        assert!(
            matches!(&csv.content, Content::Unreadable(reason, None) if reason.starts_with("larger than")),
            "{csv:?}"
        );
        assert_eq!(files.iter().filter(|file| file.text().is_some()).count(), 1);
    }

    #[test]
    fn what_is_no_package_or_too_large_is_said() {
        let bytes = packed(&[("a.conf", &[b' '; 4096])]);
        for (bytes, max) in [(&bytes[..], 1024), (&bytes[..bytes.len() / 2], MAX_BYTES), (&[0x1f, 0x8b][..], MAX_BYTES)]
        {
            let files = unpack_within("b.spl", bytes, max, MAX_FILE_BYTES);
            let Some(Content::Unreadable(reason, None)) = files.last().map(|file| &file.content) else {
                panic!("{files:?}")
            };
            assert!(reason.starts_with("packaged app: "), "{reason}");
        }
        let mut zeros = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let block = vec![0_u8; 1 << 20];
        (0..64).for_each(|_| zeros.write_all(&block).unwrap());
        let files = unpack_within("bomb.tgz", &zeros.finish().unwrap(), 1 << 20, MAX_FILE_BYTES);
        assert!(matches!(files[0].content, Content::Unreadable(..)));
    }
}
