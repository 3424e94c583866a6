//! How conditions of several vendors relate.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere, in its helpers too")]

use ruleatlas_logic::{Claim, Proof, Relation, Statement, Undecided, compare};
use ruleatlas_model::{Condition, Node, Op, Predicate, Vendor};
use ruleatlas_taxonomy::Taxonomy;

fn is(field: &str, op: Op, values: &[&str]) -> Node {
    Predicate::new(field, op, values.iter().copied()).into()
}

fn statement(vendor: Vendor, node: Node) -> Statement {
    Statement::new(vendor, &Condition::new(node), Taxonomy::builtin())
}

fn sigma(node: Node) -> Statement {
    statement(Vendor::Sigma, node)
}

#[test]
fn conditions_relate() {
    use Op::{CidrMatch, Contains, EndsWith, Eq, Gt, In, IsNotNull, Lt, RegexMatch, StartsWith, Wildcard};
    let image = |names: &[&str]| is("Image", EndsWith, names);
    let has = |texts: &[&str]| is("CommandLine", Contains, texts);
    let cases: Vec<(&str, Node, Node, &str)> = vec![
        (
            "the same in another order",
            Node::all([image(&["\\a.exe"]), has(&["x"])]),
            Node::all([has(&["x"]), image(&["\\a.exe"])]),
            "same",
        ),
        (
            "a list and alternatives",
            image(&["\\a.exe", "\\b.exe"]),
            Node::any([image(&["\\b.exe"]), image(&["\\a.exe"])]),
            "same",
        ),
        ("one more value", image(&["\\a.exe"]), image(&["\\a.exe", "\\b.exe"]), "narrower"),
        ("one more condition", has(&["x"]), Node::all([has(&["x"]), image(&["\\a.exe"])]), "wider"),
        ("an exclusion", Node::all([has(&["x"]), image(&["\\a.exe"]).not()]), has(&["x"]), "narrower"),
        (
            "a wider exclusion",
            Node::all([has(&["x"]), has(&["ab"]).not()]),
            Node::all([has(&["x"]), has(&["a"]).not()]),
            "wider",
        ),
        ("the longer text", has(&["whoami /all"]), has(&["whoami"]), "narrower"),
        ("a path and its name", is("Image", Eq, &["C:\\Windows\\a.exe"]), image(&["\\a.exe"]), "narrower"),
        ("two names", image(&["\\a.exe"]), image(&["\\b.exe"]), "disjoint"),
        ("two texts", has(&["a"]), has(&["b"]), "overlapping"),
        (
            "a pattern and an expression",
            is("CommandLine", Wildcard, &["a*b"]),
            is("CommandLine", RegexMatch, &["^a"]),
            "narrower",
        ),
        ("networks", is("dest_ip", CidrMatch, &["10.1.0.0/16"]), is("dest_ip", CidrMatch, &["10.0.0.0/8"]), "narrower"),
        ("numbers", is("dest_port", Gt, &["1024"]), is("dest_port", Lt, &["1024"]), "disjoint"),
        ("a list of numbers", is("dest_port", In, &["80", "443"]), is("dest_port", Lt, &["1024"]), "narrower"),
        ("presence", has(&["a"]), is("CommandLine", IsNotNull, &[]), "narrower"),
        (
            "distribution",
            Node::all([Node::any([has(&["a"]), has(&["b"])]), image(&["\\a.exe"])]),
            Node::any([Node::all([has(&["a"]), image(&["\\a.exe"])]), Node::all([has(&["b"]), image(&["\\a.exe"])])]),
            "same",
        ),
        ("what only chooses the data", Node::all([is("EventID", Eq, &["1"]), has(&["a"])]), has(&["a"]), "same"),
        (
            "the choice of both",
            Node::all([is("EventID", Eq, &["1"]), has(&["a"])]),
            is("EventID", Eq, &["1"]),
            "narrower",
        ),
        (
            "a part that is not understood, in both",
            Node::all([has(&["a"]), Node::opaque("f(x)", "unknown", Default::default())]),
            Node::all([Node::opaque("f(x)", "unknown", Default::default()), has(&["a"])]),
            "same",
        ),
        (
            "a part that is not understood, in one",
            Node::all([has(&["a"]), Node::opaque("f(x)", "unknown", Default::default())]),
            has(&["a"]),
            "undecided",
        ),
        ("look-around is not followed", is("CommandLine", RegexMatch, &["a(?!b)"]), has(&["a"]), "undecided"),
        (
            "the start of a text",
            is("CommandLine", StartsWith, &["a"]),
            is("CommandLine", EndsWith, &["b"]),
            "overlapping",
        ),
    ];
    for (name, one, other, expected) in cases {
        let found = compare(&sigma(one), &sigma(other));
        assert_eq!(found.relation.name(), expected, "{name}: {found:?}");
        let shows = [found.only_here.is_some(), found.only_there.is_some(), found.both.is_some()];
        match found.relation {
            Relation::Narrower => assert_eq!(shows, [false, true, false], "{name}"),
            Relation::Wider => assert_eq!(shows, [true, false, false], "{name}"),
            Relation::Overlapping => assert_eq!(shows, [true, true, true], "{name}"),
            Relation::Same | Relation::Disjoint | Relation::Undecided(_) => {}
        }
    }
}

#[test]
fn vendors_name_fields_in_their_own_ways() {
    let one = sigma(Node::all([
        is("Image", Op::EndsWith, &["\\rundll32.exe"]),
        is("ParentImage", Op::EndsWith, &["\\winword.exe"]),
    ]));
    let other = statement(
        Vendor::Elastic,
        Node::all([
            is("host.os.type", Op::Eq, &["windows"]),
            is("process.name", Op::Eq, &["RUNDLL32.exe"]),
            is("process.parent.name", Op::Eq, &["winword.exe"]),
        ]),
    );
    assert_eq!(compare(&one, &other).relation, Relation::Same);
}

#[test]
fn a_condition_may_never_or_always_hold() {
    let whoami = || is("CommandLine", Op::Contains, &["whoami"]);
    let a = || is("Image", Op::EndsWith, &["\\a.exe"]);
    let b = || is("Image", Op::EndsWith, &["\\b.exe"]);
    assert_eq!(sigma(Node::all([a(), b()])).never_holds(), Proof::Found);
    assert_eq!(sigma(Node::all([a(), Node::any([b(), a().not()])])).never_holds(), Proof::Found);
    assert_eq!(sigma(Node::all([whoami(), Node::any([a(), b()])])).never_holds(), Proof::None);
    assert_eq!(sigma(Node::any([a(), a().not()])).always_holds(), Proof::Found);
    assert_eq!(sigma(Node::any([a().not(), b().not()])).always_holds(), Proof::Found, "no program is both");
    assert_eq!(sigma(Node::any([a(), b().not()])).always_holds(), Proof::None, "b is neither");
    assert_eq!(sigma(Node::any([a(), b()])).always_holds(), Proof::None);
    let never = sigma(Node::all([a(), b()]));
    assert_eq!(compare(&never, &sigma(a())).relation, Relation::Undecided(Undecided::NeverHolds));
    // A field of several values may have both.
    let args = |value: &str| is("process.args", Op::Eq, &[value]);
    let both = statement(Vendor::Elastic, Node::all([args("a"), args("b")]));
    assert_eq!(both.never_holds(), Proof::None);
}

#[test]
fn an_exclusion_has_an_event_that_it_hides() {
    let selection = is("CommandLine", Op::Contains, &["sekurlsa"]);
    let filter = is("CommandLine", Op::Contains, &["update"]);
    let path = is("Image", Op::EndsWith, &["\\updater.exe"]);
    let statement = sigma(Node::all([selection, Node::all([filter, path]).not()]));
    let exclusions = statement.exclusions();
    assert_eq!(exclusions.len(), 1);
    assert_eq!(exclusions[0].checks.len(), 2);
    let taxonomy = Taxonomy::builtin();
    let claims = [Claim::begins("Image", "C:\\Users\\Public\\", taxonomy)];
    let hidden = statement.excluded_example(&exclusions[0], &claims).unwrap();
    assert!(hidden.get("image").unwrap().starts_with("C:\\Users\\Public\\"), "{hidden:?}");
    assert_eq!(statement.evaluate(&hidden).as_str(), "fails");
    let shown = statement.example(&[Claim::equals("Image", hidden.get("Image").unwrap(), taxonomy)]).unwrap();
    assert_eq!(statement.evaluate(&shown).as_str(), "holds");
}

#[test]
fn large_conditions_are_given_up_and_not_waited_for() {
    let wide = |salt: &str| {
        let any = |at: usize| {
            let values = (0..12).map(|n| format!("{salt}{at}-{n}"));
            Node::any(values.map(|value| is(&format!("Field{at}"), Op::Contains, &[value.as_str()])))
        };
        Node::all((0..12).map(any))
    };
    let begun = std::time::Instant::now();
    let found = compare(&sigma(wide("a")), &sigma(wide("b")));
    assert!(!matches!(found.relation, Relation::Same | Relation::Narrower | Relation::Wider), "{:?}", found.relation);
    // A bound for a machine under load; the work is counted.
    assert!(begun.elapsed().as_secs() < 60);
}
