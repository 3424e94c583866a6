//! Members of fields that hold an object: `requestParameters.roleName` of the field `requestParameters`, whether or not a
//! table lists the member.

use std::sync::{
    OnceLock, RwLock,
    atomic::{AtomicUsize, Ordering},
};

use rustc_hash::FxHashMap;

use crate::{Field, FieldType, field::without_places};

/// Members that are made at a time, and how often; what rules make up beyond that stays without a canonical field.
const CHUNK: usize = 256;
const MAX_CHUNKS: usize = 256;

/// Members that were made together.
type Chunk = Box<[OnceLock<Field>]>;

/// The fields that hold an object, and the members of them that were asked for.
#[derive(Debug)]
pub(crate) struct Members {
    /// Listed fields by the object's place in the table and the member's path, as [`plain_path`] writes it.
    listed: FxHashMap<(u32, String), u32>,
    /// Places of made members, likewise.
    made: RwLock<FxHashMap<(u32, String), usize>>,
    chunks: Box<[OnceLock<Chunk>]>,
    next: AtomicUsize,
}

impl Default for Members {
    fn default() -> Self {
        let chunks = (0..MAX_CHUNKS).map(|_| OnceLock::new()).collect();
        Self { listed: FxHashMap::default(), made: RwLock::default(), chunks, next: AtomicUsize::new(0) }
    }
}

/// A copy makes its members anew.
impl Clone for Members {
    fn clone(&self) -> Self {
        Self { listed: self.listed.clone(), ..Self::default() }
    }
}

impl Members {
    /// Says that a field of the table is a member of another.
    pub fn list(&mut self, object: u32, path: &str, field: u32) {
        self.listed.entry((object, plain_path(path))).or_insert(field);
    }

    /// The listed field that a member is, or else the field that stands for it.
    pub fn find<'a>(&'a self, all: &'a [Field], object: u32, path: &str) -> Option<&'a Field> {
        let key = (object, plain_path(path));
        if key.1.is_empty() {
            return None;
        }
        if let Some(listed) = self.listed.get(&key) {
            return all.get(*listed as usize);
        }
        let known = self.made.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&key).copied();
        let place = match known {
            Some(place) => place,
            None => self.make(all, object, key)?,
        };
        self.at(place)
    }

    /// Whether no further member can be made.
    pub fn is_full(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= MAX_CHUNKS * CHUNK
    }

    /// The made member at a place.
    pub fn at(&self, place: usize) -> Option<&Field> {
        self.chunks.get(place / CHUNK)?.get()?.get(place % CHUNK)?.get()
    }

    fn make(&self, all: &[Field], object: u32, key: (u32, String)) -> Option<usize> {
        let object = all.get(object as usize)?;
        let mut made = self.made.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(place) = made.get(&key) {
            return Some(*place);
        }
        let place = self.next.load(Ordering::Relaxed);
        let chunk = self.chunks.get(place / CHUNK)?.get_or_init(|| (0..CHUNK).map(|_| OnceLock::new()).collect());
        let index = u32::try_from(all.len() + place).ok()?;
        chunk.get(place % CHUNK)?.get_or_init(|| Field {
            index,
            name: format!("{}.{}", object.name, key.1),
            description: format!("A member of `{}`.", object.name),
            field_type: FieldType::Keyword,
            members: false,
            aliases: Vec::new(),
        });
        self.next.store(place + 1, Ordering::Relaxed);
        made.insert(key, place);
        Some(place)
    }
}

/// A member's path as all vendors' spellings of it are compared: in lower case, without underscores, without places and
/// marks of lists (`Statement[0].Action`, `statement{}.action` and `statement.0.action` are one).
fn plain_path(path: &str) -> String {
    let lower = path.to_lowercase().replace("{}", "").replace('_', "");
    let lower = without_places(&lower).unwrap_or(lower);
    let is_place = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    lower.split('.').filter(|part| !is_place(part) && !part.is_empty()).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_path_are_one() {
        for path in [
            "Statement[0].Action",
            "statement{}.action",
            "statement.0.action",
            "state_ment.action",
            ".Statement.Action",
        ] {
            assert_eq!(plain_path(path), "statement.action", "{path}");
        }
        assert_eq!(plain_path("[0]"), "");
    }

    #[test]
    fn members_are_made_once_and_bounded() {
        let object = Field {
            index: 0,
            name: "o".to_owned(),
            description: String::new(),
            field_type: FieldType::Text,
            members: true,
            aliases: Vec::new(),
        };
        let all = [object];
        let members = Members::default();
        let first = members.find(&all, 0, "a.b").map(std::ptr::from_ref);
        assert_eq!(first, members.find(&all, 0, "A{}.B").map(std::ptr::from_ref));
        assert_eq!(members.find(&all, 0, "a.b").map(|field| field.name.as_str()), Some("o.a.b"));
        assert!(!members.is_full());
        let made = (0..MAX_CHUNKS * CHUNK + 10).filter(|n| members.find(&all, 0, &format!("x{n}")).is_some()).count();
        assert_eq!(made, MAX_CHUNKS * CHUNK - 1);
        assert!(members.is_full());
        assert!(members.find(&all, 0, "a.b").is_some());
    }
}
