//! What a query says, in the terms that all languages share.

use std::rc::Rc;

use ruleatlas_model::{DataSource, Modifier, Node, Span};

pub use comparison::{CaseRule, Comparison, Const, ConstKind, MissingRule, PatternSyntax, Relation};
pub use script::{
    AddressLookup, Function, Gives, GraphMatch, GraphPart, GraphVariable, JoinKey, KeyJoin, KeyJoinKind, Known,
    ListColumn, Listing, OfConstants, Reshaped,
};

mod comparison;
mod script;

/// A query: the pipelines that the rule runs.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Expressions that stand in several places ([`ExprKind::Shared`]); each sees none of a table's columns.
    pub shared: Vec<Expr>,
    /// The pipelines in order; what they join and compare with becomes further steps behind each.
    pub steps: Vec<Step>,
}

/// A pipeline that becomes a step of the rule.
#[derive(Clone, Debug)]
pub struct Step {
    /// What the step is called for a reader; empty for the only one.
    pub label: Rc<str>,
    /// Whether there must be no such event.
    pub absent: bool,
    /// The rows that it reads and what it does with them: a table, a [`Query`], a union, …
    pub rows: Expr,
}

/// Rows, and the stages that they go through.
#[derive(Clone, Debug)]
pub struct Query {
    /// Names that are bound for this query, each visible to those behind it.
    pub definitions: Vec<Definition>,
    /// Where the rows come from.
    pub source: Expr,
    /// The stages in order.
    pub stages: Vec<Stage>,
}

/// A name and the table that it is bound to.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The name.
    pub name: Rc<str>,
    /// The table.
    pub rows: Expr,
}

/// A stage of a pipeline.
#[derive(Clone, Debug)]
pub struct Stage {
    /// What it does.
    pub operation: Operation,
    /// Its place among the stages that the author wrote; predicates say it. In [`Scripts`](crate::Scripts), how many stages
    /// it is behind the one before it.
    pub index: u32,
    /// Where it stands.
    pub span: Span,
}

/// What a stage does with rows.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Keeps the rows for which the condition holds.
    Filter(Expr),
    /// Reads these tables too.
    Read(Vec<DataSource>),
    /// Begins anew with the events of the tables that are read; no name that was made before is known.
    Begin,
    /// Begins anew with rows that are no events: no name is a field.
    BeginRows,
    /// Adds rows that are no events.
    AddRows,
    /// Adds columns.
    Extend(Vec<Column>),
    /// Keeps these columns and no other; a column of [`ExprKind::AnyField`] keeps all.
    Project(Vec<Column>),
    /// Pairs of old and new name; a `*` in both stands for the same part of any name, where [`Searches`] says so.
    ///
    /// [`Searches`]: crate::Searches
    Rename(Vec<(Rc<str>, Rc<str>)>),
    /// Makes one row of many.
    Aggregate {
        /// What is made of the rows of a group.
        outputs: Vec<Output>,
        /// The values that the rows of a group share.
        keys: Vec<Column>,
        /// Whether every row stays, and gets the outputs as further columns.
        keeps_rows: bool,
    },
    /// Adds columns that are cut out of a text by a pattern.
    Extract {
        /// The text.
        from: Expr,
        /// The columns.
        names: Vec<Rc<str>>,
        /// What the text must be where rows that do not fit the pattern fall away.
        demands: Option<Expr>,
    },
    /// Adds columns that a template makes of all fields of a pattern.
    Each {
        /// The pattern; empty where it is not known.
        fields: Rc<str>,
        /// The columns.
        names: Vec<Rc<str>>,
    },
    /// Makes every name behind `prefix` and a dot a part of a text.
    Parts {
        /// The prefix.
        prefix: Rc<str>,
        /// The text.
        from: Expr,
    },
    /// Columns that are computed, or come from where no event is; a `*` in one stands for any text, where
    /// [`Searches`](crate::Searches) says so.
    Compute(Vec<Rc<str>>),
    /// Puts the events together that share these columns: any other column is what a group has.
    Group(Vec<Rc<str>>),
    /// Says what the first or the last event of each group is: a step of its own.
    Bound {
        /// What the step is called.
        label: Rc<str>,
        /// What the event must be.
        condition: Expr,
    },
    /// A row for each element of these columns.
    Expand(Vec<Column>),
    /// Joins the rows of another table.
    Join(Box<Join>),
    /// Adds the rows of another search, or the columns of these.
    Beside(Beside),
    /// Adds columns of a list's rows that are found by the values of other columns.
    Rows(ListRows),
    /// Adds columns of a list that is known by its name.
    Lookup(Lookup),
    /// Joins the rows of another table by keys.
    KeyJoin(Box<KeyJoin>),
    /// Adds columns of the row of another table whose network an address is in.
    AddressLookup(Box<AddressLookup>),
    /// The rows of these tables too; the rows before and filtered tables become steps of their own.
    Union {
        /// The tables.
        legs: Vec<Expr>,
        /// What the steps are called.
        label: Rc<str>,
    },
    /// Runs stages over the elements of these columns; a row stays where an element does.
    ForEach {
        /// The columns.
        columns: Vec<Column>,
        /// The stages.
        stages: Vec<Stage>,
    },
    /// Branches that each become a step, from the rows at this place.
    Fork {
        /// The branches.
        branches: Vec<Vec<Stage>>,
        /// What the steps are called.
        label: Rc<str>,
    },
    /// Keeps the rows at this place for [`ExprKind::Saved`].
    Save(u32),
    /// Keeps the rows at this place, and goes on with others, which may be made of them.
    Invoke {
        /// The number that they are kept under.
        table: u32,
        /// The other rows.
        rows: Expr,
    },
    /// Makes the members of an object columns.
    Unpack {
        /// The object.
        bag: Expr,
        /// What the columns' names begin with.
        prefix: Option<Expr>,
        /// The columns, where they are known.
        declared: Option<Rc<[Rc<str>]>>,
    },
    /// Makes rows of many by a plug-in.
    Reshape {
        /// Columns that stay as they are.
        columns: Vec<Column>,
        /// What other names stand for.
        rest: Reshaped,
    },
    /// Other columns may be there from here on.
    Open,
    /// Takes these tables for the nodes of a graph, whose edges the rows are.
    Nodes(Vec<Expr>),
    /// Makes rows of the parts of a graph that fit a pattern.
    Match(Box<GraphMatch>),
    /// Branches that each go on from here; a row of any of them stays.
    Branches {
        /// The branches.
        branches: Vec<Vec<Stage>>,
        /// The column that says which branch a row comes from, and its value before the branch's number.
        selector: Option<(Rc<str>, Rc<str>)>,
    },
    /// Orders, cuts, formats: selects rows by no field.
    Sort,
    /// Not understood, for this reason.
    Opaque(Rc<str>),
}

/// A row of a list that is known by its name.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The list's name.
    pub list: Rc<str>,
    /// The key that a row is found by.
    pub key: Option<Expr>,
    /// The columns that it adds; `None` where they are not known.
    pub names: Option<Vec<Rc<str>>>,
    /// The names that its columns may have before them (`t.a`); where it has some, its columns are written with one.
    pub tables: Vec<Rc<str>>,
    /// Which rows stay.
    pub kind: JoinKind,
}

/// A name and the expression that it stands for from here on.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name.
    pub name: Rc<str>,
    /// The expression.
    pub value: Expr,
}

/// What an aggregation makes.
#[derive(Clone, Debug)]
pub struct Output {
    /// The name.
    pub name: Rc<str>,
    /// How it is made.
    pub kind: Aggregate,
    /// Where a condition stands that says which rows it is made of.
    pub condition: Option<Span>,
}

/// How an aggregate is made of the rows of a group.
#[derive(Clone, Debug)]
pub enum Aggregate {
    /// The value of one of the rows.
    Pick(Expr),
    /// The values of all rows, of which [`Operation::Expand`] gives each back.
    Collect(Expr),
    /// Computed of many rows: a count, a sum of these.
    Compute(Vec<Expr>),
    /// What a group of rows has of a value.
    OfGroup {
        /// The value.
        of: Expr,
        /// What it is called.
        text: Rc<str>,
        /// Whether it is a collection of the values, of which [`Operation::Expand`] gives each back.
        collects: bool,
        /// Whether it is one of them where they are times.
        picks: bool,
    },
    /// All columns of one of the rows.
    PickRow,
    /// The same of all columns of a pattern; the output's name is one too.
    OfNames {
        /// The pattern.
        names: Rc<str>,
        /// What it is called.
        text: Rc<str>,
        /// Whether a key of the group is its own value.
        picks: bool,
    },
}

/// A join.
#[derive(Clone, Debug)]
pub struct Join {
    /// The other table.
    pub right: Expr,
    /// What the other step is called; empty for the names of its tables.
    pub label: Rc<str>,
    /// Whether rows stay that have no partner.
    pub kind: JoinKind,
    /// What partners must meet. Comparisons of two tables' columns for equality are keys, and no predicates.
    pub on: Option<Expr>,
}

/// A search whose rows stand below those of the pipeline, or are joined to them; a step of its own.
#[derive(Clone, Debug)]
pub struct Beside {
    /// What the step is called.
    pub label: Rc<str>,
    /// Its stages.
    pub stages: Vec<Stage>,
    /// Whether it begins with the rows of the pipeline, instead of events.
    pub continues: bool,
    /// The columns by which its rows are joined; `None` where they stand below.
    pub keys: Option<Vec<Rc<str>>>,
}

/// Columns of a list that is known by its name, and whose rows the surroundings of the query may have.
#[derive(Clone, Debug)]
pub struct ListRows {
    /// The list's name.
    pub list: Rc<str>,
    /// The list's columns that a row is found by, and the values that they are compared with.
    pub keys: Vec<(Rc<str>, Expr)>,
    /// The list's columns that it adds, and their names from here on; `None` where they are not known.
    pub names: Option<Vec<(Rc<str>, Rc<str>)>>,
    /// Whether any row may be found; which of them may is not known otherwise.
    pub whole: bool,
    /// Whether a name that the query did not use before may be one of its columns, where these are not known.
    pub joined: bool,
}

/// How the rows of two tables meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Rows with a partner.
    Inner,
    /// Rows with or without a partner.
    Outer,
    /// Rows without a partner: the other step must be absent.
    Anti,
}

/// An expression and its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

impl Expr {
    /// An expression at a place.
    #[must_use]
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// What could not be read or is not known, for this reason.
    #[must_use]
    pub fn opaque(reason: &str, span: Span) -> Self {
        Self::new(ExprKind::Opaque(Rc::from(reason)), span)
    }

    /// A text constant.
    #[must_use]
    pub fn text(text: &str, span: Span) -> Self {
        Self::new(ExprKind::Const(Const::new(text, ConstKind::Text)), span)
    }

    /// The expression behind a wrapper.
    #[must_use]
    pub fn wrapped(self, wrapper: Wrapper) -> Self {
        let span = self.span;
        Self::new(ExprKind::Wrap(wrapper, Box::new(self)), span)
    }
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A column, or a name that a definition binds.
    Name(Rc<str>),
    /// A column of the table of this name, written with it (`t.a`).
    Qualified(Rc<str>, Rc<str>),
    /// A constant.
    Const(Const),
    /// Any column.
    AnyField,
    /// A list.
    List(Vec<Expr>),
    /// The member of this name.
    Member(Box<Expr>, Rc<str>),
    /// The element at this index.
    Element(Box<Expr>, Rc<str>),
    /// What a path in a text or object gives that is the whole event: the event's own field of that path.
    OwnPath(Rc<str>),
    /// The member or element that the second says.
    Index(Box<Expr>, Box<Expr>),
    /// An object of the query; the members of a list have the numbers of their places.
    Object(Vec<(Rc<str>, Expr)>),
    /// A list of these constants.
    Constants(Rc<[Const]>),
    /// Values of lists that are known by these names.
    Named(Vec<Rc<str>>),
    /// What a function gives.
    Apply(Function, Vec<Expr>),
    /// An expression of [`Plan::shared`].
    Shared(usize),
    /// Values that names of a body have, and the body.
    Let(Vec<(u32, Expr)>, Box<Expr>),
    /// A name that [`ExprKind::Let`] gives a value.
    Local(u32),
    /// A name that a stage may have made; what it stands for otherwise.
    ColumnOr(Rc<str>, Box<Expr>),
    /// The condition that the constants of a value are made to, with a name; nothing where they are not known.
    OfConstants(OfConstants, Rc<str>, Box<Expr>),
    /// A condition; the second where the first is about something computed.
    IfOfField(Box<Expr>, Box<Expr>),
    /// All of these hold.
    All(Vec<Expr>),
    /// Any of these holds.
    Any(Vec<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// A comparison with a value, or with any of a list.
    Compare(Comparison, Box<Expr>, Operand),
    /// Whether there is a value.
    Presence {
        /// Of what.
        of: Box<Expr>,
        /// Whether it must be there; it must be missing otherwise.
        present: bool,
        /// Whether an empty text is none.
        empty_is_null: bool,
    },
    /// The first that is not missing (`coalesce`).
    First(Vec<Expr>),
    /// Any of these values (`mvappend`).
    AnyValue(Vec<Expr>),
    /// The value of the first condition that holds (`case`, `iff`).
    Case {
        /// Conditions and values.
        arms: Vec<(Expr, Expr)>,
        /// The value where none holds; null where there is none.
        otherwise: Option<Box<Expr>>,
    },
    /// A value that is compared as another is.
    Wrap(Wrapper, Box<Expr>),
    /// Something computed.
    Computed {
        /// Of these.
        of: Vec<Expr>,
        /// What it is called; what stands at its place where this is missing.
        text: Option<Rc<str>>,
    },
    /// An expression that is called so where it is computed, or compares something computed.
    Called(Box<Expr>, Rc<str>),
    /// A side of a comparison that is called so where neither side is a constant.
    Written(Box<Expr>, Rc<str>),
    /// A changed text: something computed of this name until it has one of its own, and cut out of the field then.
    Changed(Box<Expr>, Rc<str>),
    /// Two texts after each other; computed, and called so, where they are no constants.
    Concat(Box<Expr>, Box<Expr>, Rc<str>),
    /// The second taken from the first, called so where it is computed: a time stays one, but for the difference of two.
    Difference(Box<Expr>, Box<Expr>, Rc<str>),
    /// A value to which another is added, or from which it is taken: a time stays one.
    Moved(Box<Expr>, Box<Expr>),
    /// A moment that is counted from now.
    Now,
    /// A condition on nothing but the time.
    Window,
    /// A condition that says nothing of the event: a key of a join.
    Nothing,
    /// A condition that chooses these data to be read, and says nothing else.
    Sources(Vec<DataSource>),
    /// Just one of these holds.
    Xor(Box<Expr>, Box<Expr>),
    /// What a name means that a stage may have made.
    IfMade {
        /// The name.
        name: Rc<str>,
        /// What is meant where a stage made it.
        made: Box<Expr>,
        /// What is meant otherwise.
        otherwise: Box<Expr>,
    },
    /// A condition that another front end made of a text in this query.
    Condition(Rc<Node>),
    /// Whether another query gives a row; its step may have a label of its own.
    Exists(Box<Expr>, Option<Rc<str>>),
    /// Whether the condition holds for some element of an array, whose fields it compares; the whole as text.
    AnyElement(Box<Expr>, Rc<str>),
    /// Rows and the stages that they go through.
    Query(Box<Query>),
    /// Rows that stand for values, or are a leg: what the step is called, and what stands for its values.
    SubQuery {
        /// The rows.
        rows: Box<Expr>,
        /// What the step is called.
        label: Rc<str>,
        /// What stands for its values; what stands at its place where this is missing.
        text: Option<Rc<str>>,
    },
    /// What these tables read, whatever is asked of their rows.
    SourcesOf(Vec<Expr>),
    /// A table whose rows are no events.
    Listing(Box<Listing>),
    /// The table whose name a value is, or that of this name.
    NamedTable(Box<Expr>, Rc<str>),
    /// Rows that [`Operation::Save`] or [`Operation::Invoke`] keeps.
    Saved(u32),
    /// Tables of events.
    Tables(Vec<DataSource>),
    /// The table of this name, unless a definition binds it.
    Table(Rc<str>),
    /// A table whose columns may be written with one of these names before them.
    Aliased(Box<Expr>, Vec<Rc<str>>),
    /// The rows of several tables.
    Union {
        /// The tables.
        legs: Vec<Expr>,
        /// What the steps of legs are called.
        label: Rc<str>,
        /// Whether a leg without filters is a source of the step that reads the union, or a step all the same.
        merges: bool,
    },
    /// Not understood, for this reason.
    Opaque(Rc<str>),
}

/// What does not change which events a comparison asks for, but for what it says here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapper {
    /// Another type, other blanks, one of several values: the comparison is one of the value inside.
    Same,
    /// Letters of one case: the comparison takes no heed of case.
    AnyCase,
    /// Lower case: no comparison tells cases apart, and none with a text that has upper-case letters holds.
    Lower,
    /// Upper case: the same with lower-case letters.
    Upper,
    /// The decoded text; predicates say so by this modifier.
    Modified(Modifier),
    /// A part of a text.
    Cut,
    /// A number that a text says; a text that says none has no order.
    Number,
}

/// The right side of a comparison.
#[derive(Clone, Debug)]
pub enum Operand {
    /// One value.
    One(Box<Expr>),
    /// Any of these values.
    AnyOf(Vec<Expr>),
    /// Every one of these values.
    AllOf(Vec<Expr>),
}
