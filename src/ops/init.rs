//! A new project, or a commented integration of a pair. Nothing is ever overwritten.
#![expect(clippy::disallowed_methods, reason = "looks whether something is there already")]

use std::path::Path;

use super::error::{Error, Help, Result};
use super::names::require_id;
use super::project::no_pair;
use super::scaffold;
use super::workspace::Workspace;
use crate::schema::Pair;
use crate::schema::parts::Catalogue;
use crate::source::load::{self, PROJECT_FILE};
use crate::source::write;

const PROJECT: &str = "# The project. docs/language.md of pairform says what else may stand here: environments, safety, owners, levels.\nversion: 1\n";
const IGNORE: &str = ".pairform/\n";

/// Begins a project at or above a folder, and an integration of a pair where one is named; its name is the pair's where it
/// has none. `heading` is what a person is told first, in the new integration. The paths of the new files, from the project.
///
/// # Errors
/// When there is no such pair, there is nothing to begin, or a file is there already.
pub fn init(
    here: &Path,
    pair: Option<&str>,
    name: Option<&str>,
    heading: &dyn Fn(&Pair) -> String,
) -> Result<Vec<String>> {
    let (root, catalogue) = match Workspace::open(here) {
        Ok(found) => {
            let catalogue = Catalogue::with_project(found.sources(), &mut Vec::new());
            (found.root().to_owned(), catalogue)
        }
        Err(_) if load::find_root(here).is_none() => (here.to_owned(), Catalogue::default()),
        Err(error) => return Err(error),
    };
    let mut files: Vec<(String, String)> = Vec::new();
    if !root.join(PROJECT_FILE).exists() {
        files.push((PROJECT_FILE.to_owned(), PROJECT.to_owned()));
        if !root.join(".gitignore").exists() {
            files.push((".gitignore".to_owned(), IGNORE.to_owned()));
        }
    }
    if let Some(id) = pair {
        let pair = catalogue.pair(id).ok_or_else(|| no_pair(id, &catalogue))?;
        let name = name.unwrap_or(id);
        require_id(name)?;
        let path = format!("integrations/{name}.yaml");
        if root.join(&path).exists() || root.join("integrations").join(name).exists() {
            let why = format!("the integration `{name}` is there already; nothing was written");
            return Err(Error::usage(why).with(Help::OtherName));
        }
        files.push((path, scaffold::integration(&pair, name, &heading(&pair))));
    }
    if files.is_empty() {
        return Err(Error::usage("this is a pairform repository already").with(Help::NamePairToBegin));
    }
    for (path, text) in &files {
        write::create(&root, Path::new(path), text.as_bytes())
            .map_err(|error| Error::usage(format!("cannot write {}: {error}", root.join(path).display())))?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::ErrorKind;

    fn begun(here: &Path, name: &str) -> Result<Vec<String>> {
        init(here, Some("fortnox-shopify"), Some(name), &|pair| pair.title.to_string())
    }

    #[test]
    fn nothing_is_overwritten_and_nobody_begins_twice() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        std::fs::write(here.join(".gitignore"), "mine").unwrap();
        assert_eq!(begun(here, "shop").unwrap(), [PROJECT_FILE, "integrations/shop.yaml"]);
        let read = |path: &str| std::fs::read_to_string(here.join(path)).unwrap();
        let before = read("integrations/shop.yaml");
        assert!(before.starts_with("# ") && before.contains("\nintegration: shop\n"));
        assert_eq!(begun(here, "shop").unwrap_err().help, Some(Help::OtherName));
        assert_eq!(init(here, None, None, &|_| String::new()).unwrap_err().help, Some(Help::NamePairToBegin));
        // In a folder of the project it is the same project.
        assert_eq!(begun(&here.join("integrations"), "second").unwrap(), ["integrations/second.yaml"]);
        assert_eq!((read(".gitignore"), read("integrations/shop.yaml")), ("mine".to_owned(), before));
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leads_a_new_file_out_of_the_project() {
        use std::os::unix::fs::symlink;
        let around = tempfile::tempdir().unwrap();
        let (here, other) = (around.path().join("project"), around.path().join("other"));
        std::fs::create_dir_all(&here).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        symlink(&other, here.join("integrations")).unwrap();
        assert_eq!(begun(&here, "shop").unwrap_err().kind, ErrorKind::Usage);
        for written in [PROJECT_FILE, ".gitignore"] {
            std::fs::remove_file(here.join(written)).unwrap();
        }
        symlink(other.join("ignored"), here.join(".gitignore")).unwrap();
        assert!(init(&here, None, None, &|_| String::new()).is_err());
        assert_eq!(std::fs::read_dir(other).unwrap().count(), 0);
    }
}
