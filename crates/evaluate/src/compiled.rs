use ruleatlas_core::Literal;
use ruleatlas_model::{Node, Opaque, Predicate};
use rustc_hash::FxHashSet;

use crate::{
    check::Check,
    event::{Event, Names, Resolve},
    verdict::{Reason, ReasonRef, Truth, Verdict},
};

/// A condition made ready for many events: its regular expressions compiled, its values in lower case.
///
/// ```
/// use ruleatlas_evaluate::{Compiled, Event, Verdict};
/// use ruleatlas_model::{Node, Op, Predicate};
///
/// let node = Node::from(Predicate::new("Image", Op::EndsWith, ["\\cmd.exe"]));
/// let condition = Compiled::new(&node);
/// for image in ["C:\\Windows\\System32\\cmd.exe", "D:\\CMD.EXE"] {
///     let json = serde_json::json!({ "Image": image });
///     assert_eq!(condition.evaluate(&Event::new(&json)), Verdict::Holds);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Compiled {
    root: Tree,
}

#[derive(Clone, Debug)]
enum Tree {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
    Check(Box<Check>),
    Unknown(Box<Reason>),
}

impl Compiled {
    /// A condition's tree, made ready.
    #[must_use]
    pub fn new(condition: &Node) -> Self {
        Self::resolved(condition, &|_| None)
    }

    /// A condition's tree, whose names mean known fields where `resolve` says so.
    #[must_use]
    pub fn resolved(condition: &Node, resolve: Resolve<'_>) -> Self {
        Self { root: tree(condition, resolve, &mut Names::default()) }
    }

    /// A negation normal form, made ready; it says of every event what its condition says.
    #[must_use]
    pub fn of_normal(literal: &Literal<'_>) -> Self {
        Self { root: normal_tree(literal, &mut Names::default()) }
    }

    /// Whether the condition holds for an event.
    #[must_use]
    pub fn evaluate(&self, event: &Event<'_>) -> Verdict {
        let mut reasons = Vec::new();
        match self.root.evaluate(event, &mut reasons) {
            Truth::Holds => Verdict::Holds,
            Truth::Fails | Truth::Null => Verdict::Fails,
            Truth::Unknown => {
                let mut seen = FxHashSet::default();
                reasons.retain(|reason: &ReasonRef<'_>| seen.insert(*reason));
                Verdict::Unknown(reasons.into_iter().map(Reason::from).collect())
            }
        }
    }
}

fn tree(node: &Node, resolve: Resolve<'_>, names: &mut Names) -> Tree {
    match node {
        Node::All(children) => Tree::All(children.iter().map(|child| tree(child, resolve, names)).collect()),
        Node::Any(children) => Tree::Any(children.iter().map(|child| tree(child, resolve, names)).collect()),
        Node::Not(child) => Tree::Not(Box::new(tree(child, resolve, names))),
        Node::Predicate(predicate) => check(predicate, resolve, names),
        Node::Opaque(part) => opaque(part),
    }
}

fn normal_tree(literal: &Literal<'_>, names: &mut Names) -> Tree {
    let (leaf, inverted) = match literal {
        Literal::All(children) => {
            return Tree::All(children.iter().map(|child| normal_tree(child, names)).collect());
        }
        Literal::Any { children, .. } => {
            return Tree::Any(children.iter().map(|child| normal_tree(child, names)).collect());
        }
        Literal::Predicate { predicate, inverted } => (check(predicate, &|_| None, names), *inverted),
        Literal::Opaque { opaque: part, inverted } => (opaque(part), *inverted),
    };
    if inverted { Tree::Not(Box::new(leaf)) } else { leaf }
}

fn check(predicate: &Predicate, resolve: Resolve<'_>, names: &mut Names) -> Tree {
    match Check::new(predicate, resolve, names) {
        Ok(check) => Tree::Check(Box::new(check)),
        Err(reason) => Tree::Unknown(Box::new(reason)),
    }
}

fn opaque(part: &Opaque) -> Tree {
    Tree::Unknown(Box::new(Reason::new(&part.reason, &part.text, part.span)))
}

impl Tree {
    fn evaluate<'t>(&'t self, event: &Event<'_>, reasons: &mut Vec<ReasonRef<'t>>) -> Truth {
        match self {
            Self::All(children) => gather(children, Truth::Fails, event, reasons),
            Self::Any(children) => gather(children, Truth::Holds, event, reasons),
            Self::Not(child) => !child.evaluate(event, reasons),
            Self::Check(check) => check.evaluate(event, Some(reasons)),
            Self::Unknown(reason) => {
                reasons.push(ReasonRef::from(&**reason));
                Truth::Unknown
            }
        }
    }
}

/// `All` and `Any` in one: `decisive` is the value of a child that decides; else an unknown child beats a null one.
fn gather<'t>(children: &'t [Tree], decisive: Truth, event: &Event<'_>, reasons: &mut Vec<ReasonRef<'t>>) -> Truth {
    let known = reasons.len();
    let mut so_far = !decisive;
    for child in children {
        match child.evaluate(event, reasons) {
            value if value == decisive => {
                reasons.truncate(known);
                return decisive;
            }
            Truth::Unknown => so_far = Truth::Unknown,
            Truth::Null if so_far != Truth::Unknown => so_far = Truth::Null,
            _ => {}
        }
    }
    so_far
}
