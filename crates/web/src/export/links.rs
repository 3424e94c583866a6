//! Links of a page as they are in a folder of files.

use std::collections::HashMap;

use maud::html;

use crate::assets;

/// Where the site is searched.
const SEARCH: &str = "/search";
/// The script of every page, and that which stands before it in a folder of files.
const PAGE_SCRIPT: &str = "page.js";
const STATIC_SCRIPT: &str = "static.js";

/// Which addresses the site has, and where.
pub(super) struct Links {
    /// The link to each address.
    pub(super) known: HashMap<String, String>,
    /// What stands before every link.
    pub(super) base: String,
}

impl Links {
    /// A page of ours with its links as they are in the folder, and with `policy` in its head.
    ///
    /// Pages are written by us and escaped: a tag ends at the next `>`, and a value at the next quote. Forms but that of
    /// the search, and what has the class `served`, need a server and fall away; so does the address of a link that only
    /// a server answers, and in the bar at the top the link itself.
    pub(super) fn rewritten(&self, page: &str, policy: &str) -> Vec<u8> {
        let meta = html! { meta http-equiv="Content-Security-Policy" content=(policy); }.into_string();
        let mut out = String::with_capacity(page.len() + meta.len());
        let mut rest = page;
        let mut in_navigation = false;
        while let Some(at) = rest.find('<') {
            let (text, tag_on) = rest.split_at(at);
            out.push_str(text);
            let Some(end) = tag_on.find('>') else { break };
            let (tag, behind) = tag_on.split_at(end + 1);
            rest = behind;
            let name = tag[1..].split([' ', '>']).next().unwrap_or_default();
            if matches!(name, "nav" | "/nav") {
                in_navigation = attribute(tag, "aria-label").is_some_and(|(_, label)| label == "Site");
            }
            let leads_nowhere = || attribute(tag, "href").is_some_and(|(_, link)| self.link(link).is_none());
            let class = attribute(tag, "class").map_or("", |(_, class)| class);
            let is_search = name == "form" && class == "find" && self.known.contains_key(SEARCH);
            let is_served = (name == "form" && !is_search)
                || class == "served"
                || (in_navigation && name == "a" && leads_nowhere());
            if is_served {
                let close = format!("</{name}>");
                rest = rest.find(&close).map_or("", |at| &rest[at + close.len()..]);
                continue;
            }
            match name {
                "form" => {
                    // With a stroke at the end a host of files need not lead on to the folder, and lose what is asked.
                    let place = format!("{}{SEARCH}/", self.base);
                    let form = html! { form.find action=(place) role="search" data-search=(place) {} }.into_string();
                    out.push_str(form.trim_end_matches("</form>"));
                }
                "script" if tag.contains(assets::address(PAGE_SCRIPT)) => {
                    // What the page's script does otherwise without a server stands in one that comes before it.
                    let script = html! { script src=(assets::address(STATIC_SCRIPT)) defer {} }.into_string();
                    self.tag(&mut out, script.trim_end_matches("</script>"), name);
                    out.push_str("</script>");
                    self.tag(&mut out, tag, name);
                }
                "a" | "link" | "script" => self.tag(&mut out, tag, name),
                "head" => {
                    out.push_str(tag);
                    out.push_str(&meta);
                }
                _ => out.push_str(tag),
            }
        }
        out.push_str(rest);
        out.into_bytes()
    }

    /// A tag with the link in it changed, or taken out.
    fn tag(&self, out: &mut String, tag: &str, name: &str) {
        let found = ["href", "src"].iter().find_map(|key| attribute(tag, key));
        let Some((range, value)) = found.filter(|(_, value)| value.starts_with('/')) else {
            out.push_str(tag);
            return;
        };
        match self.link(value) {
            Some(link) => {
                out.push_str(&tag[..range.start]);
                out.push_str(&link);
                out.push_str(&tag[range.end..]);
            }
            // A link without an address is text.
            None if name == "a" => {
                let class = attribute(tag, "class").map(|(_, class)| class).unwrap_or_default();
                let title = attribute(tag, "title").map(|(_, title)| title);
                out.push_str("<a");
                for (key, value) in [("class", Some(class).filter(|class| !class.is_empty())), ("title", title)] {
                    if let Some(value) = value {
                        out.push_str(&format!(" {key}=\"{value}\""));
                    }
                }
                out.push('>');
            }
            None => {}
        }
    }

    /// A link of the site, escaped, as it is in the folder; `None` where only a server answers it.
    fn link(&self, value: &str) -> Option<String> {
        let (address, place) = match value.split_once('#') {
            Some((address, place)) => (address, Some(place)),
            None => (value, None),
        };
        let asked = address.strip_prefix(SEARCH).filter(|rest| rest.starts_with('?'));
        let (link, asked) = match (self.known.get(address), asked) {
            (Some(link), _) => (link.as_str(), ""),
            (None, Some(asked)) if self.known.contains_key(SEARCH) => ("/search/", asked),
            (None, _) if address.starts_with("/assets/") => (address, ""),
            (None, _) => return None,
        };
        let mut whole = format!("{}{link}{asked}", self.base);
        if let Some(place) = place {
            whole.push('#');
            whole.push_str(place);
        }
        Some(whole)
    }
}

/// The value of an attribute of a tag, and where it stands.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<(std::ops::Range<usize>, &'a str)> {
    let mut from = 0;
    while let Some(at) = tag.get(from..)?.find(" ") {
        let start = from + at + 1;
        let rest = &tag[start..];
        let end = rest.find([' ', '=', '>'])?;
        let key = &rest[..end];
        if !rest[end..].starts_with("=\"") {
            from = start + end;
            continue;
        }
        let value = start + end + 2;
        let close = value + tag[value..].find('"')?;
        if key == name {
            return Some((value..close, &tag[value..close]));
        }
        from = close;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(page: &str) -> String {
        let known =
            [("/", "/"), ("/search", "/search"), ("/technique/T1071", "/technique/T1071"), ("/rule/a%3Ab", "/rule/~0")];
        let known = known.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
        let links = Links { known, base: "/atlas".to_owned() };
        String::from_utf8(links.rewritten(page, "default-src 'none'")).unwrap()
    }

    #[test]
    fn links_of_the_site_lead_into_the_folder() {
        assert_eq!(
            rewritten(r#"<a class="x" href="/technique/T1071#rules">A</a>"#),
            r#"<a class="x" href="/atlas/technique/T1071#rules">A</a>"#
        );
        assert_eq!(
            rewritten(r#"<a href="/rule/a%3Ab" title="t">A</a>"#),
            r#"<a href="/atlas/rule/~0" title="t">A</a>"#
        );
        assert_eq!(
            rewritten(r##"<a href="#x">A</a><a href="https://e.org/">B</a>"##),
            r##"<a href="#x">A</a><a href="https://e.org/">B</a>"##
        );
        assert_eq!(
            rewritten(r#"<script src="/assets/p.js" defer></script>"#),
            r#"<script src="/atlas/assets/p.js" defer></script>"#
        );
    }

    #[test]
    fn what_needs_a_server_is_text() {
        assert_eq!(
            rewritten(r#"<td><a href="/indicator?a=b" class="val" title="a &gt; b">A</a></td>"#),
            r#"<td><a class="val" title="a &gt; b">A</a></td>"#
        );
        assert_eq!(rewritten(r#"a<form class="filters" action="/x"><a href="/">x</a></form>b"#), "ab");
        assert_eq!(rewritten(r#"3 shown<span class="served"> · <a href="/x?all=y">all</a></span>."#), "3 shown.");
        assert_eq!(
            rewritten(r#"<form class="find" action="/search" role="search"><input name="q"></form>"#),
            r#"<form class="find" action="/atlas/search/" role="search" data-search="/atlas/search/"><input name="q"></form>"#
        );
        assert_eq!(rewritten(r#"<a href="/search?q=a%20b">A</a>"#), r#"<a href="/atlas/search/?q=a%20b">A</a>"#);
        assert_eq!(
            rewritten(&format!(r#"<script src="{}" defer></script>"#, assets::address("page.js"))),
            format!(
                r#"<script src="/atlas{}" defer></script><script src="/atlas{}" defer></script>"#,
                assets::address("static.js"),
                assets::address("page.js")
            )
        );
        let bar = r#"<nav aria-label="Site"><a href="/">A</a><a href="/rules">B</a></nav>"#;
        assert_eq!(rewritten(bar), r#"<nav aria-label="Site"><a href="/atlas/">A</a></nav>"#);
        assert_eq!(rewritten(r#"<a title="x href=" data-x href="/x?y">A</a>"#), r#"<a title="x href=">A</a>"#);
    }

    #[test]
    fn the_policy_stands_in_the_head() {
        assert_eq!(
            rewritten("<head><title>A</title></head>"),
            "<head><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\"><title>A</title></head>"
        );
    }
}
