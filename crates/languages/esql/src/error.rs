use ruleatlas_syntax::error_kinds;

error_kinds! {
    /// What can be wrong with a query of ES|QL.
    pub enum ErrorKind {
        UnexpectedBracket = "ESQL001", Error, "unexpected closing bracket", example: "from x | where a == 1)",
            remedy: "Remove the bracket, or open one before it.";
        EmptyStage = "ESQL002", Error, "empty stage", example: "from x | | where a == 1",
            remedy: "Write a command between the pipes, or remove one.";
        UnexpectedText = "ESQL003", Error, "unexpected text", example: "from x | eval a = 1 2",
            remedy: "End the command with a pipe, or join its parts with commas.";
        MissingConnective = "ESQL004", Error, "a connective is missing", example: "from x | where a == 1 b == 2",
            remedy: "Write `and` or `or` between two conditions.";
        UnknownCommand = "ESQL005", Error, "command is not known", example: "from x | filter a == 1",
            remedy: "Use a command of ES|QL.";
        MissingPrefix = "ESQL006", Error, "prefix is missing", example: "from x | uri_parts url",
            remedy: "Write `prefix = ` before the source.";
        TooDeep = "ESQL007", Error, "nested too deeply", example: TOO_DEEP,
            remedy: "Use at most 128 levels of parentheses and chains of at most 200 arithmetic operators.";
        MissingDefinition = "ESQL008", Warning, "definition is missing", example: "from x | eval a =",
            remedy: "Write a value behind `=`.";
        UnclosedBracket = "ESQL009", Error, "unclosed bracket", example: "from x | where (a == 1",
            remedy: "Close the bracket.";
        MissingNull = "ESQL010", Error, "`null` is missing", example: "from x | where a is not 1",
            remedy: "Write `null` behind `is` or `is not`.";
        MissingList = "ESQL011", Error, "a list is missing", example: "from x | where a in 1",
            remedy: "Write a list in parentheses behind `in`.";
        MissingExpression = "ESQL012", Error, "an expression is missing", example: "from x | where a == ",
            remedy: "Write a value, a name or a call at this place.";
        UnclosedQuote = "ESQL013", Error, "unclosed quote", example: "from x | where a == \"b",
            remedy: "Close the quote in its line, and escape quotes inside it as `\\\"`.";
        MissingComma = "ESQL014", Error, "a comma is missing", example: "from x | where a in (1 2)",
            remedy: "Write commas between the values.";
        DanglingConnective = "ESQL015", Warning, "dangling connective", example: "from x | where a == 1 and",
            remedy: "Write a condition behind the connective, or remove it.";
        AssignmentSign = "ESQL016", Warning, "`=` for `==`", example: "from x | where a = 1",
            remedy: "Compare with `==`.";
    }
}

/// An example of a query that is nested too deeply.
const TOO_DEEP: &str = "from x | where ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\
    (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((";
