//! What describes the command line itself, made from its definition: completions of shells and manual pages.

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::{
    args::{Arguments, Completions, Man},
    output,
};

pub fn completions(options: &Completions) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "ruleatlas", &mut script);
    output::data(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

pub fn man(options: &Man) -> anyhow::Result<ExitCode> {
    let mut command = Arguments::command();
    command.build();
    let Some(folder) = &options.out else {
        output::data(&page(&command)?)?;
        return Ok(ExitCode::SUCCESS);
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    write_page(folder, "ruleatlas", &command)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let name = format!("ruleatlas-{}", subcommand.get_name());
        write_page(folder, &name, subcommand)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn page(command: &clap::Command) -> anyhow::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn write_page(folder: &Path, name: &str, command: &clap::Command) -> anyhow::Result<()> {
    let path = folder.join(format!("{name}.1"));
    let named = command.clone().display_name(name.to_owned());
    fs::write(&path, page(&named)?).with_context(|| format!("cannot write {}", path.display()))
}
