use maud::{DOCTYPE, Markup, html};

use crate::{assets, routes, text::clipped};

/// The parts of the site that stand at the top of every page.
const NAVIGATION: [(&str, &str); 10] = [
    ("Matrix", "/matrix"),
    ("Rules", "/rules"),
    ("Events", "/events"),
    ("Platforms", "/platforms"),
    ("Coverage", "/coverage"),
    ("Check", "/check"),
    ("Fires", routes::FIRES_PAGE),
    ("Controls", "/controls"),
    ("Ledger", "/ledger"),
    ("About", "/about"),
];

/// What a page is called, and what stands on it.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    /// What the search box holds.
    pub(super) asked: &'a str,
    /// The sections: place on the page, name, number of rows.
    pub(super) contents: &'a [(&'a str, &'a str, Option<u64>)],
    pub(super) body: Markup,
}

impl Page<'_> {
    /// The page with what stands around every one.
    pub(super) fn render(self) -> Markup {
        self.framed(false, "")
    }

    /// The same for the page of a part of the site: what the bar at the top leads to.
    pub(super) fn render_at(self, part: &str) -> Markup {
        self.framed(false, part)
    }

    /// The same where it takes all of a wide screen.
    pub(super) fn render_wide_at(self, part: &str) -> Markup {
        self.framed(true, part)
    }

    fn framed(self, is_wide: bool, part: &str) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    title { (clipped(self.title, 120)) " · Ruleatlas" }
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    link rel="stylesheet" href=(assets::address("style.css"));
                    link rel="icon" type="image/svg+xml" href=(assets::address("icon.svg"));
                    script src=(assets::address("page.js")) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header.top {
                        a.home href="/" { "Ruleatlas" }
                        form.find action="/search" role="search" {
                            input type="search" name="q" value=(self.asked) aria-label="Search"
                                placeholder="Technique, rule, field or value" autocomplete="off" spellcheck="false";
                            kbd aria-hidden="true" { "/" }
                            // Enter takes the first button: it leads to the best hit.
                            button.unseen type="submit" name="go" value="best" tabindex="-1" { "Go to the best hit" }
                            button.all type="submit" { "All hits" }
                        }
                        nav aria-label="Site" {
                            @for (name, address) in NAVIGATION.iter().filter(|(_, address)| routes::has(address)) {
                                a href=(address) aria-current=[(*address == part).then_some("page")] { (name) }
                            }
                        }
                    }
                    div.frame.wide-frame[is_wide].with-contents[!self.contents.is_empty()] {
                        @if !self.contents.is_empty() {
                            nav.contents aria-label="On this page" {
                                ol {
                                    @for (place, name, rows) in self.contents {
                                        li {
                                            a href={ "#" (place) } {
                                                (name)
                                                @if let Some(rows) = rows { " " span.count { (crate::text::number(*rows)) } }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                        main #main { (self.body) }
                    }
                    footer.notices {
                        p {
                            "Rules belong to their authors and stand here under their sources’ licences. ATT&CK®: "
                            (super::about::ATTACK_NOTICE) " " a href="/about/notices" { "Notices and licences" }
                        }
                    }
                }
            }
        }
    }
}
