use ruleatlas_syntax::error_kinds;

error_kinds! {
    /// What can be wrong with an EQL query.
    pub enum ErrorKind {
        UnexpectedText = "EQL001", Error, "unexpected text", example: "process where a == ",
            remedy: "Write what the message names at this place.";
        UnclosedQuote = "EQL002", Error, "quote is not closed", example: "process where a == \"b",
            remedy: "Close the quote in its line, and escape quotes inside it as `\\\"`.";
        UnclosedComment = "EQL003", Error, "comment is not closed", example: "process where true /* why",
            remedy: "End the comment with `*/`.";
        ChainedComparison = "EQL004", Error, "chained comparison", example: "process where a == b == c",
            remedy: "Write `and` between two comparisons.";
        TooDeep = "EQL005", Error, "nesting is too deep", example: TOO_DEEP,
            remedy: "Use at most 128 levels of nesting and 256 arithmetic operators.";
        UpperCaseKeyword = "EQL006", Warning, "keyword is not lower case", example: "process where a == 1 AND b == 2",
            remedy: "Write keywords in lower case.";
        AssignmentSign = "EQL007", Warning, "`=` for `==`", example: "process where a = 1",
            remedy: "Compare with `==`.";
        UnknownEscape = "EQL008", Warning, "unknown escape", example: "process where a == \"C:\\Windows\"",
            remedy: "Write `\\\\` for a backslash, or use `\"\"\"`, in which nothing is escaped.";
    }
}

/// An example of a query that is nested too deeply.
const TOO_DEEP: &str = "process where ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\
    ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((";
