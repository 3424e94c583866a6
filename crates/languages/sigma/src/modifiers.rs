use ruleatlas_model::{Modifier, Op};

/// What a detection item's key says: the field, and how its values are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Modifiers<'k> {
    /// The field; empty for keywords.
    pub field: &'k str,
    pub kind: Kind,
    /// A wildcard stands before the value (`contains`, `endswith`).
    pub before: bool,
    /// A wildcard stands behind the value (`contains`, `startswith`).
    pub after: bool,
    /// Every value must match, not any.
    pub all: bool,
    /// The match is turned round.
    pub negated: bool,
    pub cased: bool,
    /// A regular expression's `i`.
    pub ignore_case: bool,
    /// The value is encoded in a way that knows no wildcards.
    pub base64: bool,
    pub time_part: Option<TimePart>,
    /// What stays with the predicate, in the order written.
    pub kept: ruleatlas_model::Modifiers,
    /// Modifiers that were understood although they are odd.
    pub odd: Vec<String>,
}

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Regex,
    Cidr,
    Exists,
    FieldRef,
    /// Numbers, compared with this operator.
    Compare(Op),
}

/// The part of a date that is compared, with the numbers it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimePart {
    pub name: &'static str,
    pub least: u32,
    pub most: u32,
}

const TIME_PARTS: [TimePart; 6] = [
    TimePart { name: "minute", least: 0, most: 59 },
    TimePart { name: "hour", least: 0, most: 23 },
    TimePart { name: "day", least: 1, most: 31 },
    TimePart { name: "week", least: 1, most: 53 },
    TimePart { name: "month", least: 1, most: 12 },
    TimePart { name: "year", least: 0, most: u32::MAX },
];

/// Why a key's modifiers mean nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub code: &'static str,
    pub message: String,
}

impl<'k> Modifiers<'k> {
    /// A keyword's: no field, no modifier.
    pub(crate) fn none() -> Self {
        Self::plain("")
    }

    fn plain(field: &'k str) -> Self {
        Self {
            field,
            kind: Kind::Text,
            before: false,
            after: false,
            all: false,
            negated: false,
            cased: false,
            ignore_case: false,
            base64: false,
            time_part: None,
            kept: ruleatlas_model::Modifiers::NONE,
            odd: Vec::new(),
        }
    }

    /// Reads `field|modifier|modifier`; the modifiers work in the order written, as in the specification's appendix
    /// "Sigma Modifiers" and in pySigma.
    pub(crate) fn read(key: &'k str) -> Result<Self, Fault> {
        let mut parts = key.split('|');
        let mut read = Self::plain(parts.next().unwrap_or_default());
        let mut previous = "";
        for name in parts {
            if name == previous {
                read.odd.push(format!("the modifier `{name}` stands twice"));
            }
            // Encoding twice is not the same as once.
            if name != previous || matches!(name, "base64" | "base64offset" | "wide" | "utf16le" | "utf16be" | "utf16")
            {
                read.apply(name)?;
            }
            previous = name;
        }
        read.complete()
    }

    fn apply(&mut self, name: &'k str) -> Result<(), Fault> {
        match name {
            "contains" | "startswith" | "endswith" => {
                if !matches!(self.kind, Kind::Text | Kind::Regex | Kind::FieldRef) || self.time_part.is_some() {
                    return Err(self.combination(name));
                }
                if self.before || self.after {
                    self.odd.push(format!("`{name}` beside another modifier that adds wildcards"));
                }
                self.before |= name != "startswith";
                self.after |= name != "endswith";
            }
            "all" => self.all = true,
            "neq" => self.negated = true,
            "cased" => match self.kind {
                Kind::Text if self.time_part.is_none() => self.cased = true,
                Kind::Regex => self.odd.push("`cased` on a regular expression, which has case anyway".to_owned()),
                _ => return Err(self.combination(name)),
            },
            "re" => self.only_unmodified(name, Kind::Regex)?,
            "cidr" => self.only_unmodified(name, Kind::Cidr)?,
            "exists" => self.only_unmodified(name, Kind::Exists)?,
            "i" | "m" | "s" | "ignorecase" | "multiline" | "dotall" => {
                if self.kind != Kind::Regex {
                    let message = format!("`{name}` stands behind `re` only");
                    return Err(Fault { code: "impossible modifiers", message });
                }
                if name.len() > 1 {
                    self.odd.push(format!("`{name}` is pySigma's; the specification has i, m and s"));
                }
                match name {
                    "i" | "ignorecase" => self.ignore_case = true,
                    "m" | "multiline" => self.kept.push(Modifier::MultiLine),
                    _ => self.kept.push(Modifier::DotAll),
                }
            }
            "fieldref" => {
                if self.kind != Kind::Text || !self.kept.is_empty() || self.time_part.is_some() {
                    return Err(self.combination(name));
                }
                self.kind = Kind::FieldRef;
            }
            // Hayabusa's names.
            "equalsfield" | "endswithfield" => {
                self.odd.push(format!("`{name}` is Hayabusa's; the specification has `fieldref`"));
                if name == "endswithfield" {
                    self.apply("endswith")?;
                }
                self.apply("fieldref")?;
            }
            "gt" => self.compare(name, Op::Gt)?,
            "gte" => self.compare(name, Op::Gte)?,
            "lt" => self.compare(name, Op::Lt)?,
            "lte" => self.compare(name, Op::Lte)?,
            "windash" => self.encode(name, Modifier::Windash)?,
            "wide" | "utf16le" => self.encode(name, Modifier::Utf16Le)?,
            "utf16be" => self.encode(name, Modifier::Utf16Be)?,
            "utf16" => self.encode(name, Modifier::Utf16)?,
            "base64" | "base64offset" => {
                if self.before || self.after {
                    return Err(self.combination(name));
                }
                self.encode(name, if name == "base64" { Modifier::Base64 } else { Modifier::Base64Offset })?;
                self.base64 = true;
            }
            "expand" => {
                if !matches!(self.kind, Kind::Text | Kind::Regex) || self.time_part.is_some() {
                    return Err(self.combination(name));
                }
                self.kept.push(Modifier::Expand);
            }
            _ => match TIME_PARTS.into_iter().find(|part| part.name == name) {
                Some(part) if self.is_unmodified() => self.time_part = Some(part),
                Some(_) => return Err(self.combination(name)),
                None => {
                    let message = format!("`{name}` is no modifier of the Sigma specification");
                    return Err(Fault { code: "unknown modifier", message });
                }
            },
        }
        Ok(())
    }

    fn complete(mut self) -> Result<Self, Fault> {
        if self.field.is_empty() && (!matches!(self.kind, Kind::Text | Kind::Regex) || self.time_part.is_some()) {
            let message = "these modifiers ask for a field, and a keyword has none".to_owned();
            return Err(Fault { code: "impossible modifiers", message });
        }
        if self.kind == Kind::Exists && self.all {
            return Err(self.combination("all"));
        }
        if self.kind == Kind::FieldRef {
            match (self.before, self.after) {
                (true, true) => self.kept.push(Modifier::Contains),
                (false, true) => self.kept.push(Modifier::StartsWith),
                (true, false) => self.kept.push(Modifier::EndsWith),
                (false, false) => {}
            }
        }
        Ok(self)
    }

    fn is_unmodified(&self) -> bool {
        self.kind == Kind::Text
            && !(self.before || self.after || self.cased)
            && self.kept.is_empty()
            && self.time_part.is_none()
    }

    fn only_unmodified(&mut self, name: &str, kind: Kind) -> Result<(), Fault> {
        if !self.is_unmodified() {
            return Err(self.combination(name));
        }
        self.kind = kind;
        Ok(())
    }

    fn compare(&mut self, name: &str, op: Op) -> Result<(), Fault> {
        let time_part = self.time_part.take();
        if !self.is_unmodified() {
            return Err(self.combination(name));
        }
        self.time_part = time_part;
        self.kind = Kind::Compare(op);
        Ok(())
    }

    fn encode(&mut self, name: &str, modifier: Modifier) -> Result<(), Fault> {
        if self.kind != Kind::Text || self.time_part.is_some() {
            return Err(self.combination(name));
        }
        self.kept.push(modifier);
        Ok(())
    }

    fn combination(&self, name: &str) -> Fault {
        let message = format!("`{name}` cannot stand behind the modifiers before it");
        Fault { code: "impossible modifiers", message }
    }
}
