use ruleatlas_syntax::error_kinds;

error_kinds! {
    /// What can be wrong with a message query.
    pub enum ErrorKind {
        EmptyQuery = "MQL001", Error, "empty query", example: "",
            remedy: "Write a condition.";
        MissingConnective = "MQL002", Error, "a connective is missing", example: "a == 1 b == 2",
            remedy: "Write `and` or `or` between two conditions.";
        TooDeep = "MQL003", Error, "nested too deeply", example: TOO_DEEP,
            remedy: "Use at most 100 levels of nesting.";
        MissingNull = "MQL004", Error, "`null` is missing", example: "a is 1",
            remedy: "Write `null` behind `is` or `is not`.";
        MissingExpression = "MQL005", Error, "an expression is missing", example: "a == ",
            remedy: "Write a value, a name or a call at this place.";
        UnclosedQuote = "MQL006", Error, "unclosed quote", example: "a == \"b",
            remedy: "Close the quote.";
        MissingComma = "MQL007", Error, "a comma is missing", example: "a in (1 2)",
            remedy: "Write commas between the values.";
        UnclosedBracket = "MQL008", Error, "unclosed bracket", example: "(a == 1",
            remedy: "Close the bracket.";
        AssignmentSign = "MQL009", Warning, "`=` for `==`", example: "a = 1",
            remedy: "Compare with `==`.";
        UnknownEscape = "MQL010", Warning, "unknown escape", example: "a == \"\\d\"",
            remedy: "Write `\\\\` for a backslash, or use single quotes, in which nothing is escaped.";
    }
}

/// An example of a query that is nested too deeply.
const TOO_DEEP: &str = "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\
    (((((((((((((((((((((((((((((((((((((((((";
