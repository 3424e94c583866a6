use std::{path::Path, process::ExitCode, time::Instant};

use ruleatlas_web::{SiteError, SiteOptions, Written, site};

use super::atlas;
use crate::{
    args::Site,
    output::{self, WrongCall},
};

pub fn run(options: &Site, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let atlas = atlas(db)?;
    let written = site(&atlas, &options.out, &SiteOptions { base: options.base.clone() });
    let Written { pages, files, bytes, missing, unreadable } = written.map_err(|error| match error {
        SiteError::Base(_) => WrongCall(error.to_string()).into(),
        error => anyhow::Error::from(error),
    })?;
    output::say(format_args!(
        "{}: {pages} pages, {files} files, {} MB, {:.1} s",
        options.out.display(),
        bytes >> 20,
        begun.elapsed().as_secs_f64()
    ));
    if missing > 0 {
        output::say(format_args!("{missing} of the pages say that the catalog does not know what they name"));
    }
    if unreadable > 0 {
        output::say(format_args!(
            "{unreadable} of the pages say why the catalog cannot be read there; `ruleatlas doctor` names the rules"
        ));
    }
    Ok(ExitCode::from(u8::from(unreadable > 0)))
}
