use ruleatlas_syntax::error_kinds;

error_kinds! {
    /// What can be wrong with a Splunk search.
    pub enum ErrorKind {
        UnclosedQuote = "SPL001", Error, "unbalanced quote", example: "index=a b=\"c",
            remedy: "Close the quote, and escape quotes inside it as `\\\"`.";
        UnclosedBracket = "SPL002", Error, "unbalanced bracket", example: "index=a [search index=b",
            remedy: "Close the sub-search with `]`.";
        UnbalancedParenthesis = "SPL003", Error, "unbalanced parenthesis", example: "index=a (b=1",
            remedy: "Close every parenthesis, and no other.";
        TooDeep = "SPL004", Error, "nested too deeply", example: TOO_DEEP,
            remedy: "Use at most 128 levels of parentheses and sub-searches.";
        TooManyCommands = "SPL005", Error, "too many commands", example: "",
            remedy: "Use at most 4,000 commands.";
        UnknownCommand = "SPL006", Error, "command is not known", example: "index=a | frobnicate b",
            remedy: "Use a command of Splunk, or define it as a macro.";
        SavedSearch = "SPL007", Error, "saved search is not available", example: "| savedsearch \"a\"",
            remedy: "Write the saved search's own text.";
        MissingPattern = "SPL008", Error, "regular expression is missing", example: "index=a | regex",
            remedy: "Write a regular expression behind `regex`.";
        MissingField = "SPL009", Error, "comparison without a field", example: "index=a | search =b",
            remedy: "Write a field before the operator.";
        MissingValue = "SPL010", Error, "comparison without a value", example: "index=a b=",
            remedy: "Write a value behind the operator.";
        ComparedSearch = "SPL011", Error, "comparison with a sub-search", example: "index=a b=[search index=c]",
            remedy: "Let the sub-search give the whole comparison.";
        NotOnlyValues = "SPL012", Error, "list of other than values", example: "index=a b IN ([search index=c])",
            remedy: "Write values in the list, separated by commas.";
        TransactionExpression = "SPL013", Error, "expression of a transaction",
            example: "index=a | transaction b startswith=searchmatch(c)",
            remedy: "Use a search in quotes or parentheses, or `eval(…)`.";
        MissingAssignment = "SPL014", Error, "expected `name = expression`", example: "index=a | eval b",
            remedy: "Write a name, `=` and an expression.";
        UnexpectedText = "SPL015", Error, "expression goes on unexpectedly", example: "index=a | where b=1 c=2",
            remedy: "Write an operator between the two expressions.";
        LongExpression = "SPL016", Error, "expression is too long", example: LONG,
            remedy: "Use chains of at most 300 operators.";
        MissingExpression = "SPL017", Error, "expression is missing", example: "index=a | where b=",
            remedy: "Write an expression at this place.";
        UnexpectedCharacter = "SPL018", Error, "unexpected character", example: "index=a | where ;",
            remedy: "Remove the character, or put it in quotes.";
        MissingList = "SPL019", Error, "expected a list in parentheses", example: "index=a | where b IN c",
            remedy: "Write a list in parentheses behind `IN`.";
        StrayBackTick = "SPL020", Error, "stray back tick", example: "index=a `b",
            remedy: "Close the macro call with a back tick.";
        UndefinedMacro = "SPL021", Warning, "macro is not defined", example: "index=a `b`",
            remedy: "Define the macro, or give the definitions to the parser.";
        RecursiveMacro = "SPL022", Warning, "macro calls itself", example: "",
            remedy: "Take the call out of the macro's definition.";
        DeepMacro = "SPL023", Warning, "macros are nested too deeply", example: "",
            remedy: "Let macros call each other at most 32 levels deep.";
        LargeMacro = "SPL024", Warning, "macro expansion is too large", example: "",
            remedy: "Use shorter macros, or call fewer.";
    }
}

/// An example of a search that is nested too deeply.
const TOO_DEEP: &str = "index=a ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\
    (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((";

/// An example of an expression that is too long.
const LONG: &str = match std::str::from_utf8(&LONG_BYTES) {
    Ok(text) => text,
    Err(_) => "",
};
const LONG_BYTES: [u8; 1_000] = {
    let mut text = [b'1'; 1_000];
    let head = b"index=a | where ";
    let mut at = 0;
    while at < head.len() {
        text[at] = head[at];
        at += 1;
    }
    while at + 1 < text.len() {
        text[at + 1] = b'*';
        at += 2;
    }
    text
};
