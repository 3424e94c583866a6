//! Logins in addresses: git gets them, and nothing else does.

use std::{borrow::Cow, fmt};

/// The login that an address carries (`https://user:password@host/r`), apart from it. It is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The address as given.
    full: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

impl Login {
    /// The address without a login, and the login where there is one.
    pub(super) fn split(address: &str) -> (String, Option<Self>) {
        match without_logins(address) {
            Cow::Borrowed(_) => (address.to_owned(), None),
            Cow::Owned(bare) => (bare, Some(Self { full: address.to_owned() })),
        }
    }

    /// The setting of git by which it uses the login for an address: its key. The value is the address.
    pub(super) fn setting(&self) -> String {
        format!("url.{}.insteadOf", self.full)
    }
}

/// A text without the logins, queries and fragments of the addresses in it. The user of an `ssh://` address says which account a key is for
/// and stays, as does that of `git@host:path`, which has no place for a password.
pub(super) fn without_logins(text: &str) -> Cow<'_, str> {
    let mut bare = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        let end = tail.find(|other: char| "/?#\"'`<>".contains(other) || other.is_whitespace()).unwrap_or(tail.len());
        let authority = tail.get(..end).unwrap_or_default();
        bare.push_str(head);
        match authority.rsplit_once('@') {
            Some((login, host)) => {
                let scheme = head.trim_end_matches("://");
                let user = login.split(':').next().unwrap_or_default();
                if scheme.ends_with("ssh") && !user.is_empty() {
                    bare.push_str(user);
                    bare.push('@');
                }
                bare.push_str(host);
            }
            None => bare.push_str(authority),
        }
        rest = tail.get(end..).unwrap_or_default();
        // A token may stand in the query or the fragment too, which name no repository.
        let path = rest.find(|other: char| "\"'`<>".contains(other) || other.is_whitespace()).unwrap_or(rest.len());
        if let Some(query) = rest.get(..path).and_then(|path| path.find(['?', '#'])) {
            bare.push_str(rest.get(..query).unwrap_or_default());
            rest = rest.get(path..).unwrap_or_default();
        }
    }
    bare.push_str(rest);
    if bare == text { Cow::Borrowed(text) } else { Cow::Owned(bare) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_taken_out_of_every_address() {
        for (text, bare) in [
            ("https://user:password@host.test/r", "https://host.test/r"),
            ("https://token@host.test:8443/r.git", "https://host.test:8443/r.git"),
            ("https://user:p@ss@host.test/r", "https://host.test/r"),
            ("https://user:@host.test", "https://host.test"),
            ("ssh://git:secret@host.test/r", "ssh://git@host.test/r"),
            ("ssh://git@host.test/r", "ssh://git@host.test/r"),
            ("https://host.test/r?token=secret", "https://host.test/r"),
            ("https://u:p@host.test?token=secret#x", "https://host.test"),
            ("ssh://git@host.test/r#secret and more?", "ssh://git@host.test/r and more?"),
            ("git@host.test:a/b", "git@host.test:a/b"),
            ("file:///a/b@c", "file:///a/b@c"),
            ("https://host.test/a@b", "https://host.test/a@b"),
            (
                "fatal: unable to access 'https://u:p@h.test/r/': The requested URL https://u:p@h.test/r/info failed",
                "fatal: unable to access 'https://h.test/r/': The requested URL https://h.test/r/info failed",
            ),
        ] {
            assert_eq!(without_logins(text), bare);
            assert_eq!(without_logins(bare), bare);
        }
    }

    #[test]
    fn a_login_is_not_shown() {
        let (address, login) = Login::split("https://user:password@host.test/r");
        assert_eq!((address.as_str(), format!("{login:?}").contains("password")), ("https://host.test/r", false));
        assert!(login.is_some_and(|login| login.setting().contains("user:password@")));
        assert_eq!(Login::split("https://host.test/r").1, None);
    }
}
