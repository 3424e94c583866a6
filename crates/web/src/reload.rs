//! A catalog that takes the place of the one that is served.

use std::{
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use ruleatlas_views::{Atlas, Identity};

use crate::{app::App, text::counted};

/// How often the file is looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// Warms what is shown, and shows what takes its place, beside the requests; ends with the service.
pub(crate) fn watch(app: &Arc<App>, notice: Option<fn(&str)>) {
    let app = Arc::downgrade(app);
    // Without the thread all is served that is there now, only not as quick at first.
    let _ = thread::Builder::new().name("reload".to_owned()).spawn(move || follow(&app, notice)).is_ok();
}

fn follow(app: &Weak<App>, notice: Option<fn(&str)>) {
    let Some((path, mut seen)) = app.upgrade().map(|app| {
        app.prefetch();
        app.source()
    }) else {
        return;
    };
    let say = |sentence: String| {
        if let Some(notice) = notice {
            notice(&sentence);
        }
    };
    loop {
        thread::sleep(PAUSE);
        let Some(app) = app.upgrade() else { return };
        let now = Identity::of(&path).ok();
        if now == seen {
            continue;
        }
        seen = now;
        match Atlas::open(&path) {
            Ok(atlas) => {
                let atlas = match app.hits() {
                    Some(hits) => match atlas.with_hits(hits) {
                        Ok(atlas) => atlas,
                        Err((atlas, error)) => {
                            say(format!("hits are no longer shown: {error}"));
                            *atlas
                        }
                    },
                    None => atlas,
                };
                let rules = atlas.index.heads().len();
                app.swap_snapshot(Arc::new(atlas));
                say(format!("the catalog was built anew and is shown: {}", counted(rules as u64, "rule")));
            }
            Err(error) => {
                say(format!("the catalog before is served on, as the one in its place cannot be read: {error}"))
            }
        }
    }
}
