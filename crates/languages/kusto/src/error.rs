use std::collections::HashSet;

use ruleatlas_syntax::{ErrorKind as _, Parsed, SyntaxError, error_kinds};

use crate::{
    ast::{Fault, Operator, Script, Statement},
    parser,
    walk::Node,
};

error_kinds! {
    /// What can be wrong with a Kusto query.
    pub enum ErrorKind {
        UnexpectedToken = "KQL001", Error, "unexpected token", example: "T | where )",
            remedy: "Write what the message names at this place.";
        EarlyEnd = "KQL002", Error, "text ends too early", example: "T | where a == ",
            remedy: "Finish the expression or statement.";
        UnclosedString = "KQL003", Error, "string is not closed", example: "T | where a == \"b",
            remedy: "Close the quote in its line, or begin the text with `@` where backslashes are meant.";
        TextBeforePipe = "KQL004", Error, "text before a pipe", example: "T U V | where a == 1",
            remedy: "Write a pipe before the operator, or remove the text.";
        UnknownOperator = "KQL005", Error, "unknown operator", example: "T | frobnicate a",
            remedy: "Use a tabular operator of the language.";
        UnknownJoin = "KQL006", Error, "unknown kind of join", example: "T | join kind=sideways (U) on a",
            remedy: "Use a kind that the reference of `join` lists.";
        NoConstant = "KQL007", Error, "no constant", example: "print dynamic([a])",
            remedy: "Write constants in `dynamic(…)`, or use `pack_array` and `bag_pack`.";
        TooDeep = "KQL008", Error, "nested too deep", example: TOO_DEEP,
            remedy: "Use at most 128 levels of nesting.";
        MissingSemicolon = "KQL009", Warning, "semicolon is missing", example: "let a = 1\nT | where b == a",
            remedy: "End statements with `;`.";
        UpperCaseOperator = "KQL010", Warning, "operator in upper case", example: "T | where a == 1 AND b == 2",
            remedy: "Write operators in lower case.";
        ExtraComma = "KQL011", Warning, "comma too many", example: "T | project a, b,",
            remedy: "Remove the last comma.";
        MissingComma = "KQL012", Warning, "comma is missing", example: "print dynamic([\"a\" \"b\"])",
            remedy: "Write a comma between two values.";
        BareNot = "KQL013", Warning, "not without parentheses", example: "T | where not a",
            remedy: "Write `not(…)`.";
        MissingTable = "KQL014", Warning, "table is missing", example: "| where a == 1",
            remedy: "Begin the pipeline with a table.";
        MissingValue = "KQL015", Warning, "value is missing", example: "let a = ;",
            remedy: "Write a value behind the `=`.";
        ExtraBracket = "KQL016", Warning, "bracket too many", example: "T | where a == 1) | take 5",
            remedy: "Remove the bracket, or open one before it.";
        MissingPipe = "KQL017", Warning, "pipe is missing", example: "T\nwhere a == 1",
            remedy: "Write `|` before the operator.";
        EmptyStage = "KQL018", Warning, "stage is empty", example: "T | | where a == 1",
            remedy: "Write an operator between the pipes, or remove one.";
        AssignmentSign = "KQL019", Warning, "comparison with one =", example: "T | where a = 1",
            remedy: "Compare with `==`.";
    }
}

/// An example of a query that is nested too deeply.
const TOO_DEEP: &str = "print ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\
    ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((";

/// Reads a text. What cannot be read stands in the tree as such, with an error, and what stands around it counts.
///
/// ```
/// let parsed = ruleatlas_kusto::parse("SigninLogs | where (ResultType == 50126)   | take 5");
/// assert!(parsed.errors.is_empty());
/// assert_eq!(parsed.tree.to_string(), "SigninLogs\n| where ResultType == 50126\n| take 5");
/// ```
#[must_use]
pub fn parse(text: &str) -> Parsed<Script<'_>, ErrorKind> {
    let script = parser::parse(text);
    let nodes = script.walk().filter_map(|node| match node {
        Node::Statement(Statement::Broken(fault)) => Some(fault),
        Node::Stage(stage) => match &stage.operator {
            Operator::Broken(fault) => Some(fault),
            _ => None,
        },
        _ => None,
    });
    let mut said = HashSet::new();
    let faults = script.faults.iter().chain(nodes).filter(|fault| said.insert((fault.span, fault.code)));
    let mut errors: Vec<SyntaxError<ErrorKind>> = faults.map(error_of).collect();
    errors.sort_by_key(|error| error.span);
    Parsed { tree: script, errors }
}

fn error_of(fault: &Fault) -> SyntaxError<ErrorKind> {
    let kind = ErrorKind::all().iter().find(|kind| kind.title() == fault.code);
    SyntaxError::new(kind.copied().unwrap_or(ErrorKind::UnexpectedToken), fault.span, fault.message.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_parser_has_a_kind() {
        for kind in ErrorKind::all() {
            for error in parse(kind.info().example).errors {
                assert!(ErrorKind::all().contains(&error.kind));
            }
            let script = parser::parse(kind.info().example);
            for fault in &script.faults {
                assert!(ErrorKind::all().iter().any(|kind| kind.title() == fault.code), "{}", fault.code);
            }
        }
    }
}
