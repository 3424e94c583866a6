use ruleatlas_syntax::error_kinds;

error_kinds! {
    /// What can be wrong with a Sigma detection or its condition.
    pub enum ErrorKind {
        NotYaml = "SIG001", Error, "not YAML", example: "selection: [",
            remedy: "Write the rule as YAML.";
        MissingDetection = "SIG002", Error, "missing detection", example: "title: a",
            remedy: "Write selections and a condition under `detection`.";
        MissingCondition = "SIG003", Error, "missing condition", example: "selection:\n  a: b",
            remedy: "Name the selections in a `condition`.";
        WrongType = "SIG004", Error, "wrong type", example: "selection:\n  a:\n    b: c\ncondition: selection",
            remedy: "Write a value or a list of values behind a field, and a mapping or list for a selection.";
        EmptySelection = "SIG005", Error, "empty selection", example: "selection:\ncondition: selection",
            remedy: "Write at least one field or keyword in every selection.";
        UnclosedParenthesis = "SIG006", Error, "parenthesis is not closed", example: "s: [a]\ncondition: (s",
            remedy: "Close the parenthesis.";
        UnopenedParenthesis = "SIG007", Error, "parenthesis is not opened", example: "s: [a]\ncondition: s)",
            remedy: "Remove the parenthesis, or open one before it.";
        MissingSelection = "SIG008", Error, "a selection is missing", example: "s: [a]\ncondition: s and",
            remedy: "Write a selection's name at this place.";
        MissingConnective = "SIG009", Error, "a connective is missing", example: "s: [a]\nt: [b]\ncondition: s t",
            remedy: "Write `and` or `or` between two selections.";
        MissingPattern = "SIG010", Error, "a pattern is missing", example: "s: [a]\ncondition: 1 of",
            remedy: "Write a pattern of names or `them` behind `of`.";
        UnknownQuantifier = "SIG011", Error, "quantifier is not known", example: "s: [a]\ncondition: 2 of them",
            remedy: "Write `1 of` or `all of`.";
        TooDeep = "SIG012", Error, "nested too deeply", example: TOO_DEEP,
            remedy: "Use at most 100 levels of parentheses.";
        DuplicateKey = "SIG013", Warning, "duplicate key", example: "s: [a]\ns: [b]\ncondition: s",
            remedy: "Give each key of a mapping once.";
    }
}

/// An example of a condition that is nested too deeply.
const TOO_DEEP: &str = "s: [a]\ncondition: (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\
    (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((s";
