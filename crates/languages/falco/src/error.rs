use ruleatlas_syntax::error_kinds;

error_kinds! {
    /// What can be wrong with a condition.
    pub enum ErrorKind {
        UnclosedQuote = "FAL001", Error, "unclosed quote", example: "proc.name = \"a",
            remedy: "Close the quote.";
        UnexpectedParenthesis = "FAL002", Error, "unexpected closing parenthesis", example: "proc.name = a)",
            remedy: "Remove the parenthesis, or open one before it.";
        TooManyErrors = "FAL003", Error, "too many faults", example: TOO_MANY,
            remedy: "Mend the errors before this one.";
        EmptyCondition = "FAL004", Error, "empty condition", example: "",
            remedy: "Write a condition.";
        MissingConnective = "FAL005", Error, "and or or is missing", example: "proc.name = a proc.pid = 1",
            remedy: "Write `and` or `or` between two comparisons.";
        TooDeep = "FAL006", Error, "nested too deeply", example: TOO_DEEP,
            remedy: "Use at most 100 levels of parentheses and 16 transformers.";
        UnclosedParenthesis = "FAL007", Error, "unclosed parenthesis", example: "(proc.name = a",
            remedy: "Close the parenthesis.";
        MissingComparison = "FAL008", Error, "a comparison is missing", example: "proc.name = a and or b",
            remedy: "Write a comparison or a macro's name at this place.";
        MissingOperand = "FAL009", Error, "a field or macro is missing", example: "= a",
            remedy: "Write a field or a macro's name at this place.";
        MissingField = "FAL010", Error, "a field is missing", example: "tolower(a) = b",
            remedy: "Write a field in the transformer's parentheses.";
        UnclosedArgument = "FAL011", Error, "a field's argument is not closed", example: "proc.aname[2 = a",
            remedy: "Close the argument with `]`.";
        UnclosedTransformer = "FAL012", Error, "a transformer is not closed", example: "tolower(proc.name = a",
            remedy: "Close the transformer's parenthesis.";
        MissingOperator = "FAL013", Error, "an operator is missing", example: "proc.name a",
            remedy: "Write an operator behind the field.";
        MissingValue = "FAL014", Error, "a value is missing", example: "proc.name = ",
            remedy: "Write a value behind the operator.";
    }
}

/// An example of a condition that is nested too deeply.
const TOO_DEEP: &str = "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\
    (((((((((((((((((((((((((((((((((((((((((";

/// An example of a condition that has too many errors.
const TOO_MANY: &str = ") ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) ) )";
