//! Reading a project's working tree: the one door to the file system for sources. Nothing is parsed here.
#![expect(clippy::disallowed_methods, reason = "the door through which sources are read")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use super::content::MAX_BYTES;
use super::file::{ReadFrom, SourceFile};
use super::links::{is_private, refusal};
use super::names::{
    FOLDERS, FOLDERS_OF_CODEOWNERS, POLICY_FILE, belongs_to, is_codeowners, is_source, lacks_an_ending,
    looks_like_a_source, nearly_folder, nearly_project_file, nearly_template,
};
pub use super::names::{PROJECT_FILE, TEMPLATES};
use super::on_disk::{OnDisk, read_content};
pub use super::on_disk::{bytes_of, open, reason, text_of};
use super::texts::Sources;

/// The nearest folder at or above `start` that holds a project file.
#[must_use]
pub fn find_root(start: &Path) -> Option<PathBuf> {
    let start = fs::canonicalize(start).ok()?;
    start.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file()).map(Path::to_path_buf)
}

/// What lies in a folder in place of a project file: one with a slip in its name.
#[must_use]
pub fn misnamed_project_file(folder: &Path) -> Option<String> {
    let files = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let files = files.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut names: Vec<String> =
        files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| nearly_project_file(name));
    names.into_iter().min()
}

/// Lists every source of the project at `root`, sorted by path. Each is read when somebody asks for its text.
#[must_use]
pub fn load(root: &Path) -> Sources {
    let root: Arc<Path> = fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf()).into();
    let mut found: Vec<(String, OnDisk)> = Vec::new();
    let mut add = |path: PathBuf, linked: bool| {
        let project = linked.then(|| Arc::clone(&root));
        found.push((relative(&root, &path), OnDisk::new(path, project)));
    };
    let project = root.join(PROJECT_FILE);
    let linked = |path: &Path| fs::symlink_metadata(path).map(|data| data.file_type().is_symlink());
    if let Ok(linked) = linked(&project)
        && project.is_file()
    {
        add(project, linked);
    }
    let top = fs::read_dir(&root).into_iter().flatten().filter_map(Result::ok);
    let mut nearly: Vec<String> = Vec::new();
    for entry in top {
        let (name, kind) = (entry.file_name().to_string_lossy().into_owned(), entry.file_type());
        let Ok(kind) = kind else { continue };
        let is_lost =
            || is_source(&name) && text_of(&entry.path()).is_ok_and(|text| belongs_to(&text).is_some());
        if kind.is_file()
            && (nearly_project_file(&name) || name == POLICY_FILE || (name != PROJECT_FILE && is_lost()))
        {
            add(entry.path(), false);
        } else if kind.is_dir() && nearly_folder(&name).is_some() {
            nearly.push(name);
        } else if kind.is_dir() {
            let inside = fs::read_dir(entry.path()).into_iter().flatten().filter_map(Result::ok);
            let files = inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
            let is_meant = |path: &str| {
                nearly_template(path).is_some()
                    || path.split_once('/').is_some_and(|(_, name)| name == PROJECT_FILE)
            };
            let meant = files.map(|entry| entry.path()).filter(|path| is_meant(&relative(&root, path)));
            meant.for_each(|path| add(path, false));
        }
    }
    for folder in FOLDERS.into_iter().chain(nearly.iter().map(String::as_str)) {
        if linked(&root.join(folder)).unwrap_or(false) && !is_folder_inside(&root, &root.join(folder)) {
            // A link that leaves the project, or leads nowhere, is told as a file that cannot be read.
            add(root.join(folder), true);
            continue;
        }
        let mut walk = ignore::WalkBuilder::new(root.join(folder));
        walk.standard_filters(false).follow_links(false).filter_entry(|entry| !is_private(entry.file_name()));
        let walk = walk.build();
        for entry in walk.filter_map(Result::ok).filter(|entry| {
            looks_like_a_source(&entry.file_name().to_string_lossy())
                || lacks_an_ending(&relative(&root, entry.path()))
        }) {
            match entry.file_type() {
                Some(kind) if kind.is_file() => add(entry.into_path(), false),
                Some(kind) if kind.is_symlink() && !is_folder_inside(&root, entry.path()) => {
                    add(entry.into_path(), true);
                }
                _ => {}
            }
        }
    }
    for folder in FOLDERS_OF_CODEOWNERS {
        let inside = fs::read_dir(root.join(folder)).into_iter().flatten().filter_map(Result::ok);
        let files = inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let meant = files.map(|entry| entry.path()).filter(|path| is_codeowners(&relative(&root, path)));
        meant.for_each(|path| add(path, false));
    }
    for template in TEMPLATES {
        // The folder may be a link as well as the file.
        if linked(&root.join(template)).is_ok() {
            add(root.join(template), true);
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let files =
        found.into_iter().map(|(path, place)| SourceFile::unread(path, ReadFrom::Disk(Box::new(place))));
    Sources::from(files.collect::<Vec<_>>())
}

/// When each source of a project was changed last, and how long it is: where all of that is the same, nothing is another.
#[must_use]
pub fn stamps(root: &Path) -> Vec<(String, Option<std::time::SystemTime>, u64)> {
    let stamp = |path: &str| {
        let data = fs::metadata(root.join(path)).ok();
        (data.as_ref().and_then(|data| data.modified().ok()), data.map_or(0, |data| data.len()))
    };
    let all = load(root);
    let of = |file: &SourceFile| {
        let (time, length) = stamp(&file.path);
        (file.path.clone(), time, length)
    };
    all.iter().map(|(_, file)| of(file)).collect()
}

/// Reads one file that the user named, to be shown under the name that the user gave.
#[must_use]
pub fn read(path: &Path) -> SourceFile {
    SourceFile::of(slashed(path), read_content(path))
}

/// The YAML files below a folder that the user named, sorted, each as if the folder were called `name`. Links are not followed.
#[must_use]
pub fn load_folder(folder: &Path, name: &str) -> Sources {
    let mut walk = ignore::WalkBuilder::new(folder);
    walk.standard_filters(false).follow_links(false).filter_entry(|entry| !is_private(entry.file_name()));
    let files = walk.build().filter_map(Result::ok).filter(|entry| {
        entry.file_type().is_some_and(|kind| kind.is_file())
            && looks_like_a_source(&entry.file_name().to_string_lossy())
    });
    let mut files: Vec<PathBuf> = files.map(ignore::DirEntry::into_path).collect();
    files.sort();
    let read =
        |path: &PathBuf| SourceFile::of(format!("{name}/{}", relative(folder, path)), read_content(path));
    Sources::from(files.iter().map(read).collect::<Vec<_>>())
}

/// Reads a file that another one names, below a folder: links may lead to no other place, as among sources. `None` where this
/// one does.
#[must_use]
pub fn read_below(folder: &Path, path: &Path) -> Option<SourceFile> {
    let full = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    refusal(full.strip_prefix(folder).ok()).is_none().then(|| read(&full))
}

/// The text of a file below a folder that is no source, such as what pairform keeps there itself; none where it cannot be had.
/// Whoever writes a branch may have put a link there: one to elsewhere, or to what never ends, is not followed.
#[must_use]
pub fn text_below(folder: &Path, path: &Path) -> Option<String> {
    let (folder, full) = (fs::canonicalize(folder).ok()?, fs::canonicalize(folder.join(path)).ok()?);
    let data = fs::metadata(&full).ok()?;
    let is_one = full.starts_with(&folder) && data.is_file() && data.len() <= MAX_BYTES;
    is_one.then(|| text_of(&full).ok()).flatten()
}

/// A link to a folder of the project is no file of it.
fn is_folder_inside(root: &Path, link: &Path) -> bool {
    fs::canonicalize(link)
        .is_ok_and(|target| refusal(target.strip_prefix(root).ok()).is_none() && target.is_dir())
}

fn relative(root: &Path, path: &Path) -> String {
    slashed(path.strip_prefix(root).unwrap_or(path))
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::source::on_disk::SETTLES;

    #[cfg(unix)]
    #[test]
    fn what_is_kept_in_a_project_is_read_through_no_link_to_elsewhere_or_to_what_never_ends() {
        use std::os::unix::fs::symlink;
        let (project, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |name: &str| project.path().join(name);
        fs::create_dir(at(".pairform")).unwrap();
        fs::write(at(".pairform/own"), "own").unwrap();
        fs::write(outside.path().join("far"), "far").unwrap();
        symlink(".pairform/own", at("near")).unwrap();
        symlink(outside.path().join("far"), at("far")).unwrap();
        symlink(outside.path(), at("folder")).unwrap();
        symlink("/dev/zero", at("endless")).unwrap();
        symlink("gone", at("gone")).unwrap();
        fs::File::create(at("large")).unwrap().set_len(MAX_BYTES + 1).unwrap();
        for (path, expected) in [
            (".pairform/own", Some("own")),
            ("near", Some("own")),
            ("far", None),
            ("folder/far", None),
            ("endless", None),
            ("gone", None),
            ("large", None),
            (".pairform", None),
        ] {
            assert_eq!(text_below(project.path(), Path::new(path)).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn a_text_that_changed_after_it_was_read_is_a_fault_and_not_another_text() {
        let project = tempfile::tempdir().unwrap();
        let file = project.path().join(PROJECT_FILE);
        for change in [None, Some("version: 1\n# more\n")] {
            fs::write(&file, "version: 1\n").unwrap();
            let long_ago = SystemTime::now() - 2 * SETTLES;
            fs::File::options().append(true).open(&file).unwrap().set_modified(long_ago).unwrap();
            let sources = load(project.path());
            let (_, source) = sources.iter().next().unwrap();
            assert_eq!(source.with_text(|text, _| text.to_owned()), "version: 1\n");
            if let Some(change) = change {
                fs::write(&file, change).unwrap();
            }
            assert_eq!(source.text(), if change.is_some() { "" } else { "version: 1\n" });
            assert_eq!(source.fault().is_some(), change.is_some());
        }
    }

    #[test]
    fn a_text_that_was_changed_just_before_it_was_read_is_kept_since_its_stamp_may_not_tell() {
        let project = tempfile::tempdir().unwrap();
        let file = project.path().join(PROJECT_FILE);
        fs::write(&file, "version: 1\n").unwrap();
        let sources = load(project.path());
        let (_, source) = sources.iter().next().unwrap();
        assert_eq!(source.with_text(|text, _| text.to_owned()), "version: 1\n");
        fs::write(&file, "version: 2\n").unwrap();
        assert_eq!(source.with_text(|text, _| text.to_owned()), "version: 1\n");
        assert!(!source.has_failed());
    }
}
