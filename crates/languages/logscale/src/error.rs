use ruleatlas_syntax::error_kinds;

error_kinds! {
    /// What can be wrong with a query.
    pub enum ErrorKind {
        UnexpectedBracket = "LOG001", Error, "unexpected bracket", example: "a=1)",
            remedy: "Remove the bracket, or open one before it.";
        EmptyQuery = "LOG002", Error, "empty query", example: "",
            remedy: "Write a filter or a function.";
        MissingPipe = "LOG003", Error, "a pipe is missing", example: "[count()] a",
            remedy: "Write a pipe between two steps.";
        TooDeep = "LOG004", Error, "nested too deeply", example: TOO_DEEP,
            remedy: "Use at most 100 levels of nesting.";
        MissingArrow = "LOG005", Error, "`=>` is missing", example: "a match { b | c; }",
            remedy: "Write `=>` behind the value of an arm.";
        UnclosedBracket = "LOG006", Error, "unclosed bracket", example: "case { a=1",
            remedy: "Close the bracket.";
        MissingComma = "LOG007", Error, "a comma is missing", example: "f(a | b)",
            remedy: "Write commas between the arguments.";
        MissingExpression = "LOG008", Error, "an expression is missing", example: "a=1 and",
            remedy: "Write a condition at this place.";
        MissingConnective = "LOG009", Error, "a connective is missing", example: "(a=1, b=2)",
            remedy: "Write `and` or `or` between two conditions.";
        UnclosedQuote = "LOG010", Error, "unclosed quote", example: "a=\"b",
            remedy: "Close the quote.";
        MissingFunction = "LOG011", Error, "a function is missing", example: "a =~ b",
            remedy: "Write a function behind `=~`.";
        MissingValue = "LOG012", Error, "a value is missing", example: "a=",
            remedy: "Write a value behind the operator.";
        UnclosedRegex = "LOG013", Error, "unclosed regular expression", example: "a=/b",
            remedy: "Close the expression with a slash.";
        MissingArgument = "LOG014", Error, "an argument is missing", example: "f(a=)",
            remedy: "Write a value behind the argument's name.";
        DoubledSign = "LOG015", Warning, "`==` for `=`", example: "a==1",
            remedy: "Compare with `=` in a filter.";
    }
}

/// An example of a query that is nested too deeply.
const TOO_DEEP: &str = "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\
    (((((((((((((((((((((((((((((((((((((((((";
