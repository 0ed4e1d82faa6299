//! `man`: the manual, a page a command.

use std::path::{Path, PathBuf};

use clap_mangen::Man;

use super::args;
use super::exit::{self, Stop};
use crate::ops::export::Folder;

/// The page of the program.
///
/// # Errors
/// When it cannot be made.
pub fn page() -> Result<String, Stop> {
    text(&Man::new(args::command()))
}

/// Writes the pages of the program and of each of its commands; where they are.
///
/// # Errors
/// When one cannot be made or written.
pub fn write(here: &Path, folder: &Path) -> Result<Vec<PathBuf>, Stop> {
    let mut program = args::command();
    // Gives each command the name by which its page is found.
    program.build();
    let mut pages = Vec::new();
    of(&program, &mut pages)?;
    let folder = Folder { here, given: folder };
    folder.write(&pages)?;
    Ok(pages.iter().map(|(name, _)| folder.shown(name)).collect())
}

fn of(command: &clap::Command, pages: &mut Vec<(String, String)>) -> Result<(), Stop> {
    let page = Man::new(command.clone());
    pages.push((page.get_filename(), text(&page)?));
    let mut own =
        command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help");
    own.try_for_each(|inner| of(inner, pages))
}

fn text(page: &Man) -> Result<String, Stop> {
    let mut bytes = Vec::new();
    page.render(&mut bytes)
        .map_err(|error| Stop::new(exit::INTERNAL, format!("the page could not be made: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
