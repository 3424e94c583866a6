//! The folders of a Splunk app: configuration in `default` and `local`, tables in `lookups`. A folder may hold several
//! apps, or the files of one without these folders.

use crate::SourceFile;

/// Where a file of an app stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'p> {
    /// The app's own folder, as a path; empty for the source's.
    pub app: &'p str,
    /// `default`, `local` or `lookups`; empty where there is no such folder.
    pub folder: &'p str,
    pub name: &'p str,
}

impl<'p> Place<'p> {
    pub fn of(path: &'p str) -> Self {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (app, folder) = folders.rsplit_once('/').unwrap_or(("", folders));
        match folder {
            "default" | "local" | "lookups" => Self { app, folder, name },
            _ => Self { app: folders, folder: "", name },
        }
    }

    /// The path of the file of that name in another folder of the app.
    pub fn sibling(self, folder: &str) -> String {
        let parts = [self.app, folder, self.name];
        parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/")
    }

    /// The app's name; empty where its folder is the source's.
    pub fn app_name(self) -> &'p str {
        self.app.rsplit('/').next().unwrap_or_default()
    }
}

/// What a configuration file holds, where it holds no searches.
pub(super) fn no_search(file: &SourceFile) -> &'static str {
    match Place::of(&file.path).name {
        "macros.conf" => "macros",
        "transforms.conf" => "lookups and extractions",
        "eventtypes.conf" => "event types",
        "tags.conf" => "tags",
        "props.conf" => "rules of source types",
        "datamodels.conf" => "data models",
        _ => "configuration without searches",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_apps() {
        let of = |path| Place::of(path);
        let place = of("apps/my_app/local/savedsearches.conf");
        assert_eq!((place.app, place.folder, place.app_name()), ("apps/my_app", "local", "my_app"));
        assert_eq!(place.sibling("default"), "apps/my_app/default/savedsearches.conf");
        assert_eq!(of("default/macros.conf"), Place { app: "", folder: "default", name: "macros.conf" });
        assert_eq!(of("default/macros.conf").sibling("local"), "local/macros.conf");
        assert_eq!(of("a/macros.conf"), Place { app: "a", folder: "", name: "macros.conf" });
        assert_eq!(of("macros.conf"), Place { app: "", folder: "", name: "macros.conf" });
    }
}
