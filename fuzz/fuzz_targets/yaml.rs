//! Any YAML.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleatlas_yaml::Node;

fuzz_target!(|text: &str| {
    if let Ok(parsed) = ruleatlas_yaml::parse(text) {
        parsed.documents.iter().for_each(|tree| check(tree, text));
    }
    let _ = ruleatlas_yaml::parse_lenient(text, &mut String::new());
});

/// That every span is one of the text.
fn check(node: &Node<'_>, text: &str) {
    assert!(node.start <= node.end && text.get(node.start..node.end).is_some(), "{node:?}");
    assert!(node.line >= 1, "{node:?}");
    node.items().unwrap_or_default().iter().for_each(|item| check(item, text));
    for (key, value) in node.entries().unwrap_or_default() {
        check(key, text);
        check(value, text);
    }
}
