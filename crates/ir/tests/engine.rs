//! Plans that no language has to be there for.

use std::rc::Rc;

use ruleatlas_core::{Budget, Context, Limits, LookupTable, NoContext, Parsed, roles};
use ruleatlas_ir::plan::*;
use ruleatlas_ir::{Plan, Searches, Semantics, Surroundings, resolve, resolve_in};
use ruleatlas_model::{DataSource, Missing, Node, Role, SourceKind, Span};

const SEMANTICS: Semantics = Semantics {
    missing: MissingRule::Null,
    names_in_any_case: false,
    is_event_time: |name| name == "time",
    has_stages: true,
    sub_query: "sub-query",
    computed_by_name: false,
    scripts: None,
};

fn at(kind: ExprKind) -> Expr {
    Expr::new(kind, Span::default())
}

fn name(name: &str) -> Expr {
    at(ExprKind::Name(Rc::from(name)))
}

fn text(text: &str) -> Expr {
    Expr::text(text, Span::default())
}

fn compare(relation: Relation, left: Expr, right: Expr) -> Expr {
    let comparison = Comparison::new(relation, CaseRule::Exact, MissingRule::Null);
    at(ExprKind::Compare(comparison, Box::new(left), Operand::One(Box::new(right))))
}

fn equal(field: &str, value: &str) -> Expr {
    compare(Relation::Equal, name(field), text(value))
}

fn not(expr: Expr) -> Expr {
    at(ExprKind::Not(Box::new(expr)))
}

fn column(label: &str, value: Expr) -> Column {
    Column { name: Rc::from(label), value }
}

fn query(table: &str, operations: Vec<Operation>) -> Expr {
    let source = at(ExprKind::Tables(vec![DataSource::new(SourceKind::Table, table)]));
    let stages = operations.into_iter().zip(1..);
    let stages = stages.map(|(operation, index)| Stage { operation, index, span: Span::default() }).collect();
    at(ExprKind::Query(Box::new(Query { definitions: Vec::new(), source, stages })))
}

fn run_within(rows: Expr, limits: Limits) -> Parsed {
    let plan = Plan { shared: Vec::new(), steps: vec![Step { label: Rc::from(""), absent: false, rows }] };
    resolve(&plan, "", &SEMANTICS, &mut Budget::new(limits))
}

fn run(operations: Vec<Operation>) -> Parsed {
    run_within(query("t", operations), Limits::RULE)
}

fn said(parsed: &Parsed) -> Vec<String> {
    let found = roles(&parsed.conditions);
    found
        .iter()
        .map(|found| {
            let values = found.predicate.values.join(" ");
            format!("{} {} {} {} {values}", found.step, found.role, found.predicate.raw_field, found.counted_op)
        })
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[test]
fn a_comparison_with_the_time_is_no_predicate_and_is_noted_in_an_alternative() {
    let window = || compare(Relation::Greater, name("time"), at(ExprKind::Now));
    let parsed = run(vec![Operation::Filter(at(ExprKind::All(vec![window(), equal("a", "x")])))]);
    assert_eq!(said(&parsed), ["0 indicator a eq x"]);
    assert!(parsed.diagnostics.is_empty());

    let parsed = run(vec![Operation::Filter(at(ExprKind::Any(vec![window(), equal("a", "x")])))]);
    assert_eq!(said(&parsed), ["0 indicator a eq x"]);
    assert_eq!(parsed.diagnostics[0].code, "time window in an alternative");

    // Under a negation the parts of an `or` must all fail: none of them is an alternative.
    let parsed = run(vec![Operation::Filter(not(at(ExprKind::Any(vec![window(), equal("a", "x")]))))]);
    assert_eq!(said(&parsed), ["0 exclusion a eq x"]);
    assert!(parsed.diagnostics.is_empty());
}

#[test]
fn a_condition_that_never_holds_is_kept_with_the_others() {
    let never = compare(Relation::Equal, text("a"), text("b"));
    let parsed = run(vec![Operation::Filter(never), Operation::Filter(equal("a", "x"))]);
    assert_eq!(said(&parsed), ["0 indicator a eq x"]);
    assert!(parsed.conditions[0].root.children().contains(&Node::never()));
}

#[test]
fn a_null_condition_of_a_case_is_false_under_a_negation_too() {
    let kind = ExprKind::Case { arms: vec![(not(equal("a", "x")), text("p"))], otherwise: Some(Box::new(text("q"))) };
    let parsed = run(vec![Operation::Extend(vec![column("k", at(kind))]), Operation::Filter(equal("k", "p"))]);
    let predicate = parsed.conditions[0].root.predicates().next().unwrap();
    // `not` of what holds without the field does not hold.
    assert_eq!(predicate.missing, Missing::Holds);
    assert_eq!(said(&parsed), ["0 exclusion a eq x"]);
}

#[test]
fn a_filter_goes_to_the_step_whose_columns_it_compares() {
    let aliased = |table: &str| at(ExprKind::Aliased(Box::new(query(table, Vec::new())), vec![Rc::from(table)]));
    let of = |table: &str, name: &str| at(ExprKind::Qualified(Rc::from(table), Rc::from(name)));
    let join = Join {
        right: aliased("u"),
        label: Rc::from("join"),
        kind: JoinKind::Inner,
        on: Some(compare(Relation::Equal, of("t", "k"), of("u", "k"))),
    };
    let source = aliased("t");
    let filter = at(ExprKind::All(vec![
        compare(Relation::Equal, of("u", "a"), text("x")),
        compare(Relation::Equal, of("t", "b"), text("y")),
        at(ExprKind::Any(vec![
            compare(Relation::Equal, of("t", "c"), text("1")),
            compare(Relation::Equal, of("u", "d"), text("2")),
        ])),
    ]));
    let stages = [Operation::Join(Box::new(join)), Operation::Filter(filter)];
    let stages = stages.into_iter().zip(1..);
    let stages = stages.map(|(operation, index)| Stage { operation, index, span: Span::default() }).collect();
    let rows = at(ExprKind::Query(Box::new(Query { definitions: Vec::new(), source, stages })));
    let parsed = run_within(rows, Limits::RULE);
    assert_eq!(said(&parsed), ["0 indicator b eq y", "0 indicator c eq 1", "0 indicator d eq 2", "1 indicator a eq x"]);
}

#[test]
fn a_query_that_must_have_no_row_is_an_absent_step() {
    let inner = || Box::new(query("u", vec![Operation::Filter(equal("b", "y"))]));
    let parsed = run(vec![Operation::Filter(not(at(ExprKind::Exists(inner(), None))))]);
    assert!(parsed.conditions[1].absent);
    assert_eq!(said(&parsed), ["1 nested b eq y"]);

    // In an alternative the step does not decide alone.
    let either = ExprKind::Any(vec![at(ExprKind::Exists(inner(), None)), equal("a", "x")]);
    let parsed = run(vec![Operation::Filter(at(either))]);
    assert!(!parsed.conditions[1].absent);
    let found: Vec<Role> = roles(&parsed.conditions).iter().map(|found| found.role).collect();
    assert_eq!(found, [Role::Computed, Role::Indicator, Role::Indicator]);
}

#[test]
fn definitions_see_those_before_them_only() {
    let table = |name: &str| at(ExprKind::Table(Rc::from(name)));
    let define = |name: &str, rows: Expr| Definition { name: Rc::from(name), rows };
    let filtered = |source: Expr, field: &str| {
        let operation = Operation::Filter(equal(field, "x"));
        let stages = vec![Stage { operation, index: 1, span: Span::default() }];
        at(ExprKind::Query(Box::new(Query { definitions: Vec::new(), source, stages })))
    };
    // `t` inside its own definition is the table.
    let definitions = vec![define("t", filtered(table("t"), "a")), define("u", filtered(table("t"), "b"))];
    let rows = at(ExprKind::Query(Box::new(Query { definitions, source: table("u"), stages: Vec::new() })));
    let parsed = run_within(rows, Limits::RULE);
    assert_eq!(said(&parsed), ["0 indicator a eq x", "0 indicator b eq x"]);
    assert_eq!(parsed.conditions[0].sources, [DataSource::new(SourceKind::Table, "t")]);
}

#[test]
fn a_part_of_a_text_is_computed_until_it_has_a_name() {
    let cut = || name("a").wrapped(Wrapper::Cut);
    let parsed = run(vec![Operation::Filter(compare(Relation::Equal, cut(), text("x")))]);
    assert!(parsed.conditions[0].root.predicates().all(|found| found.computed));

    let demands = compare(Relation::Contains, name("a"), text("k="));
    let parsed = run(vec![
        Operation::Extend(vec![column("b", cut())]),
        Operation::Extract { from: name("a"), names: vec![Rc::from("c")], demands: Some(demands) },
        Operation::Filter(at(ExprKind::All(vec![equal("b", "x"), equal("c", "y")]))),
    ]);
    assert_eq!(said(&parsed), ["0 indicator a contains k=", "0 indicator b eq x", "0 indicator c eq y"]);
    let origins: Vec<_> = parsed.conditions[0].root.predicates().map(|found| found.derived_from.as_deref()).collect();
    assert_eq!(origins, [None, Some("a"), Some("a")]);
}

#[test]
fn a_picked_value_is_one_events_and_a_projection_forgets_the_other_names() {
    let pick = Output { name: Rc::from("p"), kind: Aggregate::Pick(name("a")), condition: None };
    let count = Output { name: Rc::from("n"), kind: Aggregate::Compute(Vec::new()), condition: None };
    let parsed = run(vec![
        Operation::Aggregate { outputs: vec![pick, count], keys: Vec::new(), keeps_rows: false },
        Operation::Project(vec![column("q", name("p"))]),
        Operation::Filter(at(ExprKind::All(vec![equal("q", "x"), equal("n", "1")]))),
    ]);
    // `n` is no longer the count.
    assert_eq!(said(&parsed), ["0 indicator a eq x", "0 indicator n eq 1"]);
}

#[test]
fn a_missing_field_is_what_the_comparison_says() {
    let compared = |relation, missing, negated, value: &str| {
        let comparison = Comparison::new(relation, CaseRule::Ignore, missing).negated(negated);
        let filter = ExprKind::Compare(comparison, Box::new(name("a")), Operand::One(Box::new(text(value))));
        let parsed = run(vec![Operation::Filter(at(filter))]);
        parsed.conditions[0].root.predicates().next().unwrap().missing
    };
    for (relation, missing, negated, value, expected) in [
        (Relation::Equal, MissingRule::Fails, true, "x", Missing::Fails),
        (Relation::Equal, MissingRule::Null, true, "x", Missing::Null),
        (Relation::Equal, MissingRule::EmptyText, true, "x", Missing::Holds),
        (Relation::Equal, MissingRule::EmptyText, true, "", Missing::Fails),
        (Relation::Equal, MissingRule::EmptyText, false, "", Missing::Holds),
        (Relation::Term, MissingRule::EmptyText, false, "x", Missing::Fails),
        (Relation::Less, MissingRule::EmptyText, false, "5", Missing::Null),
        (Relation::Equal, MissingRule::NoMatch, true, "", Missing::Holds),
        (Relation::Equal, MissingRule::NoMatch, false, "", Missing::Fails),
        (Relation::Less, MissingRule::NoMatch, true, "5", Missing::Null),
    ] {
        assert_eq!(
            compared(relation, missing, negated, value),
            expected,
            "{relation:?} {missing:?} {negated} {value:?}"
        );
    }
}

#[test]
fn what_the_budget_does_not_allow_is_opaque() {
    let doubled = |name_of: &str| {
        let arms = vec![(equal("c", "1"), name(name_of)), (equal("c", "2"), name(name_of))];
        at(ExprKind::Case { arms, otherwise: Some(Box::new(text("q"))) })
    };
    let mut operations = vec![Operation::Extend(vec![column("k", name("a"))])];
    operations.extend((0..60).map(|_| Operation::Extend(vec![column("k", doubled("k"))])));
    operations.push(Operation::Filter(equal("k", "x")));
    let parsed = run_within(query("t", operations), Limits { nodes: 1_000, ..Limits::RULE });
    assert!(parsed.conditions[0].root.opaques().count() > 0);
    assert!(parsed.diagnostics.iter().any(|found| found.code == ruleatlas_core::BUDGET));
}

const SEARCHES: Searches = Searches {
    chooses: |name, _| (name == "index").then_some(SourceKind::Index),
    is_of_every_event: |name| name == "host",
    event_text: "_raw",
    rules_out_branches: true,
    fields_are_no_window: true,
};

fn search_in(context: &dyn Context, operations: Vec<Operation>) -> Parsed {
    let rows = query("t", operations);
    let plan = Plan { shared: Vec::new(), steps: vec![Step { label: Rc::from(""), absent: false, rows }] };
    let around = Surroundings { context, searches: Some(&SEARCHES) };
    resolve_in(&plan, "", &SEMANTICS, &around, &mut Budget::default())
}

fn search(operations: Vec<Operation>) -> Parsed {
    search_in(&NoContext, operations)
}

fn chooses(name: &str, value: &str) -> Expr {
    let comparison =
        Comparison { chooses: true, ..Comparison::new(Relation::Equal, CaseRule::Exact, MissingRule::Null) };
    at(ExprKind::Compare(comparison, Box::new(self::name(name)), Operand::One(Box::new(text(value)))))
}

#[test]
fn a_filter_that_chooses_the_data_is_a_source() {
    let parsed = search(vec![
        Operation::Filter(at(ExprKind::Any(vec![chooses("index", "a"), chooses("index", "b")]))),
        Operation::Filter(not(chooses("index", "c"))),
        Operation::Rename(vec![(Rc::from("index"), Rc::from("origin")), (Rc::from("x"), Rc::from("index"))]),
        Operation::Filter(chooses("origin", "d")),
        Operation::Filter(chooses("index", "e")),
    ]);
    let names: Vec<&str> = parsed.conditions[0].sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["t", "a", "b", "d"]);
    assert_eq!(said(&parsed), ["0 indicator x eq e"]);
}

#[test]
fn what_is_an_alternative_to_a_choice_of_data_is_left_out_with_a_note() {
    let parsed = search(vec![Operation::Filter(at(ExprKind::Any(vec![chooses("index", "a"), equal("x", "b")])))]);
    assert_eq!((said(&parsed).len(), parsed.diagnostics.len()), (0, 1));
    let parsed = search(vec![Operation::Filter(not(at(ExprKind::Any(vec![chooses("index", "a"), equal("x", "b")]))))]);
    assert_eq!(said(&parsed), ["0 exclusion x eq b"]);
}

#[test]
fn a_name_behind_a_rename_with_a_wildcard_is_the_old_one_unless_it_was_used_before() {
    let all = |from: &str, to: &str| Operation::Rename(vec![(Rc::from(from), Rc::from(to))]);
    let parsed = search(vec![
        Operation::Filter(equal("b", "1")),
        all("p.*", "*"),
        all("q_*", "r_*"),
        Operation::Filter(at(ExprKind::All(vec![equal("a", "2"), equal("b", "3"), equal("r_c", "4")]))),
    ]);
    assert_eq!(
        said(&parsed),
        ["0 indicator b eq 1", "0 indicator p.a eq 2", "0 indicator b eq 3", "0 indicator p.q_c eq 4"]
    );
}

struct Tools(LookupTable);

impl Context for Tools {
    fn lookup(&self, name: &str) -> Option<&LookupTable> {
        (name == "tools").then_some(&self.0)
    }
}

#[test]
fn a_column_of_a_list_is_compared_by_the_rows_that_pass() {
    let rows = [["a.exe", "bad"], ["b.exe", "good"], ["c.exe", "bad"]];
    let tools = Tools(LookupTable {
        columns: vec!["tool".to_owned(), "kind".to_owned()],
        rows: rows.iter().map(|row| row.iter().map(|&cell| cell.to_owned()).collect()).collect(),
        case_insensitive: true,
        ..LookupTable::default()
    });
    let rows = |list: &str| {
        Operation::Rows(ListRows {
            list: Rc::from(list),
            keys: vec![(Rc::from("tool"), name("image"))],
            names: Some(vec![(Rc::from("kind"), Rc::from("kind"))]),
            whole: true,
            joined: false,
        })
    };
    let parsed = search_in(&tools, vec![rows("tools"), Operation::Filter(equal("kind", "bad"))]);
    assert_eq!(said(&parsed), ["0 indicator image in a.exe c.exe"]);
    let parsed = search_in(&tools, vec![rows("unknown"), Operation::Filter(equal("kind", "bad"))]);
    assert_eq!(said(&parsed), ["0 indicator image in_list unknown"]);
}

#[test]
fn lists_that_are_found_by_lists_without_end_are_computed() {
    let rows = |at: usize| {
        Operation::Rows(ListRows {
            list: Rc::from("l"),
            keys: vec![(Rc::from("k"), name(&format!("x{at}")))],
            names: Some(vec![(Rc::from("v"), Rc::from(format!("x{}", at + 1)))]),
            whole: true,
            joined: false,
        })
    };
    let beside = Beside { label: Rc::from("join"), stages: Vec::new(), continues: true, keys: Some(Vec::new()) };
    let mut operations: Vec<Operation> = (0..20_000).map(rows).collect();
    operations.extend([Operation::Beside(beside), Operation::Filter(equal("x20000", "a"))]);
    assert!(!said(&search(operations)).is_empty());
}

#[test]
fn branches_that_another_filter_rules_out_are_left_out() {
    let kind = ExprKind::Case {
        arms: vec![(equal("op", "a"), text("first")), (equal("op", "b"), text("second"))],
        otherwise: Some(Box::new(name("f"))),
    };
    let parsed = search(vec![
        Operation::Filter(equal("op", "b")),
        Operation::Extend(vec![column("kind", at(kind))]),
        Operation::Filter(not(equal("kind", "first"))),
        Operation::Filter(equal("kind", "second")),
    ]);
    assert_eq!(said(&parsed), ["0 indicator op eq b"]);
}

#[test]
fn a_choice_of_choices_is_changed_once() {
    let choice = |at: usize| {
        let arms = vec![(equal(&format!("c{at}"), "1"), name(&format!("x{at}")))];
        let otherwise = Some(Box::new(name(&format!("x{at}"))));
        Operation::Extend(vec![column(&format!("x{}", at + 1), self::at(ExprKind::Case { arms, otherwise }))])
    };
    let mut operations: Vec<Operation> = (0..60).map(choice).collect();
    operations.push(Operation::Extend(vec![column("y", name("x60").wrapped(Wrapper::AnyCase))]));
    operations.push(Operation::Filter(equal("z", "1")));
    assert_eq!(said(&run(operations)), ["0 indicator z eq 1"]);
}
