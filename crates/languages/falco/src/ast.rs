//! The tree of a condition, as written: macros and lists stand by their names.

use ruleatlas_syntax::Span;

use crate::error::ErrorKind;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Expr {
    /// At least one operand holds.
    Or(Vec<Self>),
    /// Every operand holds.
    And(Vec<Self>),
    /// The operand does not hold.
    Not(Box<Self>),
    /// A comparison.
    Check(Box<Check>),
    /// The name of a macro.
    Macro {
        /// The name.
        name: String,
        /// Where it stands.
        span: Span,
    },
    /// A part that does not follow the grammar.
    Broken {
        /// As written.
        text: String,
        /// Why it was not understood.
        kind: ErrorKind,
        /// Where it stands.
        span: Span,
    },
}

impl Expr {
    /// The expressions right below this one.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match self {
            Self::Or(children) | Self::And(children) => children,
            Self::Not(inner) => std::slice::from_ref(inner),
            Self::Check(_) | Self::Macro { .. } | Self::Broken { .. } => &[],
        }
    }

    /// This expression and all below it, each before its children, in the order of the text.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            let expr = waiting.pop()?;
            waiting.extend(expr.children().iter().rev());
            Some(expr)
        })
    }
}

/// A comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Check {
    /// What is compared.
    pub left: Operand,
    /// How.
    pub operator: Operator,
    /// With what.
    pub right: Right,
    /// Where it stands.
    pub span: Span,
}

/// A field, changed by transformers or as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Operand {
    /// The transformers, the outermost first.
    pub transformers: Vec<Transformer>,
    /// The field with its argument, without quotes around it (`proc.aname[2]`).
    pub field: String,
    /// Where it stands.
    pub span: Span,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Right {
    /// Nothing: `exists`.
    Nothing,
    /// A value.
    Value(Literal),
    /// A list in parentheses.
    List(Vec<Literal>),
    /// Another field, under `val()` or another transformer.
    Field(Operand),
}

/// A value, or the name of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Literal {
    /// The text, without quotes and escapes.
    pub text: String,
    /// Whether it stood in quotes: then it is never the name of a list.
    pub quoted: bool,
    /// Where it stands.
    pub span: Span,
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As it is written.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The one that is written so.
            #[must_use]
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.name() == word)
            }
        }
    };
}

words! {
    /// How a field is compared.
    Operator {
        /// The whole value is this.
        Eq = "=",
        /// It is not.
        Ne = "!=",
        /// Less than.
        Lt = "<",
        /// Less or equal.
        Lte = "<=",
        /// Greater than.
        Gt = ">",
        /// Greater or equal.
        Gte = ">=",
        /// The field has a value.
        Exists = "exists",
        /// The value contains this.
        Contains = "contains",
        /// The same, in any case.
        IContains = "icontains",
        /// The bytes contain these, written in hexadecimal.
        BContains = "bcontains",
        /// The value starts with this.
        StartsWith = "startswith",
        /// The bytes start with these, written in hexadecimal.
        BStartsWith = "bstartswith",
        /// The value ends with this.
        EndsWith = "endswith",
        /// The whole value is as the pattern of a shell.
        Glob = "glob",
        /// The same, in any case.
        IGlob = "iglob",
        /// The whole value is as the regular expression.
        Regex = "regex",
        /// All values are in the list.
        In = "in",
        /// One of the values is in the list.
        Intersects = "intersects",
        /// The path is one of the list, or lies below one.
        PMatch = "pmatch",
    }
}

impl Operator {
    /// Whether a list stands behind it.
    #[must_use]
    pub fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::Intersects | Self::PMatch)
    }
}

words! {
    /// What changes a field's value before it is compared.
    Transformer {
        /// The value itself, on the right of a comparison.
        Val = "val",
        /// In lower case.
        ToLower = "tolower",
        /// In upper case.
        ToUpper = "toupper",
        /// Decoded from base64.
        B64 = "b64",
        /// What stands behind the last slash.
        BaseName = "basename",
        /// Its length.
        Len = "len",
    }
}
