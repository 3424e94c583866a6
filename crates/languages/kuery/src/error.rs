use ruleatlas_syntax::error_kinds;

error_kinds! {
    /// What can be wrong with a query of the Kibana Query Language or a Lucene query string.
    pub enum ErrorKind {
        UnexpectedBracket = "KUE001", Error, "unexpected closing bracket", example: "a:b) and c:d",
            remedy: "Remove the bracket, or open one before it.";
        MissingConnective = "KUE002", Error, "a connective is missing", example: "a:\"b\" c:d",
            remedy: "Write `and` or `or` between two clauses.";
        MissingValue = "KUE003", Error, "a value is missing", example: "a: and b:c",
            remedy: "Write a value behind the field, or `*` for any value.";
        FieldInList = "KUE004", Error, "a field within a list of values", example: "a:(b or c:d)",
            remedy: "Close the list of values before another field.";
        LongField = "KUE005", Error, "the field's name is too long", example: LONG_FIELD,
            remedy: "Use a name of at most 1,024 bytes.";
        UnclosedQuote = "KUE006", Error, "unclosed quote", example: "a:\"b",
            remedy: "Close the quote, and escape quotes inside it as `\\\"`.";
        StrayBackslash = "KUE007", Warning, "stray backslash", example: "a:C\\x",
            remedy: "Write `\\\\` for a backslash.";
        UnclosedBracket = "KUE008", Error, "unclosed bracket", example: "a:(b or c",
            remedy: "Close the bracket.";
        TooDeep = "KUE009", Error, "nested too deeply", example: TOO_DEEP,
            remedy: "Use at most 128 levels of parentheses and `not`.";
        MissingClause = "KUE010", Error, "a clause is missing", example: "a:b AND",
            remedy: "Write a clause behind the operator.";
        OptionalClause = "KUE011", Note, "optional clause", example: "a:b AND c:d OR e:f",
            remedy: "Group alternatives in parentheses if they are to restrict the result.";
        LowerCaseOperator = "KUE012", Warning, "lower-case operator", example: "a:b or c:d",
            remedy: "Write operators of Lucene in capitals.";
        UnclosedRange = "KUE013", Error, "range is not closed", example: "a:[1 TO 5",
            remedy: "Close the range with `]` or `}`.";
        UnreadableRange = "KUE014", Error, "range cannot be read", example: "a:[1 5]",
            remedy: "Write a range as `[low TO high]`.";
    }
}

/// An example of a name that is too long.
const LONG_FIELD: &str = match std::str::from_utf8(&LONG) {
    Ok(text) => text,
    Err(_) => "",
};
const LONG: [u8; 1_030] = {
    let mut text = [b'f'; 1_030];
    text[1_028] = b':';
    text[1_029] = b'1';
    text
};

/// An example of a query that is nested too deeply.
const TOO_DEEP: &str = match std::str::from_utf8(&[b'('; 130]) {
    Ok(text) => text,
    Err(_) => "",
};
