//! What scripts need whose names stand for tables, lists and functions of the query.

use std::rc::Rc;

use ruleatlas_model::{Node, Span};

use super::{Column, Const, Expr};

/// A function of the language: what it gives for what its arguments stand for.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// What it gives for constants, where that can be worked out.
    pub fold: Option<fn(&[Known]) -> Known>,
    /// What it gives otherwise.
    pub gives: Gives,
}

/// What is known of an argument or a result as constants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is this constant.
    One(Const),
    /// It is a list of these.
    Many(Vec<Const>),
    /// It is no constant.
    Nothing,
}

impl Known {
    /// The constants that it lists.
    #[must_use]
    pub fn constants(&self) -> Option<&[Const]> {
        match self {
            Self::One(constant) => Some(std::slice::from_ref(constant)),
            Self::Many(constants) => Some(constants),
            Self::Nothing => None,
        }
    }

    /// The constant that it is.
    #[must_use]
    pub fn constant(&self) -> Option<&Const> {
        if let Self::One(constant) = self { Some(constant) } else { None }
    }
}

/// What a function gives of values that are no constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// The argument at this place, compared as it is.
    Argument(usize),
    /// Its only argument, and something computed of several.
    Only,
    /// Its first argument in lower case.
    Lower,
    /// Its first argument in upper case.
    Upper,
    /// A part of the text of the first argument that comes from a field.
    Cut,
    /// The time among its arguments.
    Time,
    /// A time that is moved by a duration; by `either` order of the two.
    Moved {
        /// Whether the duration may stand first.
        either: bool,
    },
    /// A list of which a row for each element gives one of the fields.
    Collection,
    /// Something computed.
    Computed,
    /// What is not known, for this reason.
    Unknown(&'static str),
}

/// A table whose rows are no events: values of the query, or a list that is known by its name.
#[derive(Clone, Debug)]
pub struct Listing {
    /// What the list is called, where these are constants: its address, its alias.
    pub names: Vec<Expr>,
    /// What it is called otherwise; nothing where the rows are values that are computed in the query.
    pub otherwise: Option<Rc<str>>,
    /// The columns.
    pub columns: Vec<(Rc<str>, ListColumn)>,
    /// Whether it may have other columns.
    pub is_open: bool,
}

/// A column of a [`Listing`].
#[derive(Clone, Debug)]
pub enum ListColumn {
    /// One value.
    Value(Expr),
    /// The values of its rows.
    Cells(Vec<Expr>),
    /// Values that are known by the list's name alone.
    Named,
}

/// A join of two tables by keys.
#[derive(Clone, Debug)]
pub struct KeyJoin {
    /// The other table.
    pub right: Expr,
    /// What the other step is called.
    pub label: Rc<str>,
    /// Which rows stay, and with which columns.
    pub kind: KeyJoinKind,
    /// The keys.
    pub keys: Vec<JoinKey>,
    /// The values of the keys in each row of the other table, where that is a list whose rows are known.
    pub rows: Option<Vec<Vec<Expr>>>,
}

/// How the rows of a [`KeyJoin`] meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyJoinKind {
    /// Rows with a partner, with the columns of both.
    Inner,
    /// All rows of the first table, with the columns of both.
    Left,
    /// All rows of the second table, or of both, with the columns of both.
    Outer,
    /// Rows of the first table that have a partner.
    LeftSemi,
    /// Rows of the first table that have none.
    LeftAnti,
    /// Rows of the second table that have a partner.
    RightSemi,
    /// Rows of the second table that have none.
    RightAnti,
}

/// What rows of two tables share.
#[derive(Clone, Debug)]
pub struct JoinKey {
    /// The first table's value.
    pub left: Expr,
    /// The second one's.
    pub right: Expr,
    /// The columns that these are, where they are columns.
    pub names: (Option<Rc<str>>, Option<Rc<str>>),
}

/// Columns of the row of another table whose network an address is in.
#[derive(Clone, Debug)]
pub struct AddressLookup {
    /// The other table.
    pub table: Expr,
    /// What its step is called.
    pub label: Rc<str>,
    /// What it is called where its networks are not known.
    pub text: Rc<str>,
    /// The address.
    pub address: Expr,
    /// The network, a value of the other table.
    pub network: Expr,
    /// The columns of the other table that are compared.
    pub columns: Vec<Rc<str>>,
    /// Whether other columns are compared besides the network.
    pub has_keys: bool,
    /// Whether rows stay whose address is in no network.
    pub keeps_unmatched: bool,
}

/// What of the columns before it a plug-in leaves that makes rows of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reshaped {
    /// Names that are not known are computed.
    Computed,
    /// They are columns of the table, as long as these are not known.
    IfOpen,
    /// They are columns of the table.
    Kept,
}

/// What a pattern asks of the edges and nodes of a graph.
#[derive(Clone, Debug)]
pub struct GraphMatch {
    /// The variables of the pattern.
    pub variables: Vec<GraphVariable>,
    /// What they must meet, each part by itself.
    pub parts: Vec<GraphPart>,
    /// The columns of the result; without any, other names may be columns too.
    pub project: Vec<Column>,
}

/// A variable of a pattern.
#[derive(Clone, Debug)]
pub struct GraphVariable {
    /// The name.
    pub name: Rc<str>,
    /// Whether it stands for edges; otherwise for a node.
    pub is_edge: bool,
}

/// A condition of a pattern.
#[derive(Clone, Debug)]
pub struct GraphPart {
    /// The place of the only variable that it is about.
    pub about: Option<usize>,
    /// Whether its names are columns of the edges.
    pub is_of_edges: bool,
    /// The condition.
    pub condition: Expr,
}

/// Makes a condition of the constants of a value; nothing where they say nothing of the event.
pub type OfConstants = fn(&str, &[Const], Span) -> Option<Node>;
