//! What files of a project are called: which names are read, and which are so near to these that a person meant them.

/// The file whose presence makes a folder a project.
pub const PROJECT_FILE: &str = "pairform.yaml";

/// A project's own templates, which are read as sources are although they are no YAML.
pub const TEMPLATES: [&str; 2] = ["templates/comment.md", "templates/page.html"];

/// What a policy is called outside of the repository; none is read from within.
pub const POLICY_FILE: &str = "policy.yaml";

/// The folders that hold sources, besides the project file itself.
pub const FOLDERS: [&str; 5] = ["bases", "environments", "integrations", "options", "schemas"];

/// Whether a file is called as sources are. What begins with a point was left behind by an editor or a system.
#[must_use]
pub fn is_source(path: &str) -> bool {
    ends_as_source(path) && !is_hidden(path)
}

fn ends_as_source(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

/// Whether a file's name begins with a point: `.#shop.yaml`, `._shop.yaml`.
#[must_use]
pub fn is_hidden(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with('.'))
}

/// Whether a file in a folder of sources is one, or was meant as one by its ending: `.YAML`, `.yaml.bak`, `.yam`, `.json`.
#[must_use]
pub fn looks_like_a_source(name: &str) -> bool {
    let mut endings = name.split('.').skip(1);
    let nearly = |ending: &str| {
        let ending = ending.trim_end_matches('~').to_ascii_lowercase();
        matches!(
            ending.as_str(),
            "yaml"
                | "yml"
                | "json"
                | "yam"
                | "ym"
                | "ymal"
                | "yalm"
                | "yaml1"
                | "yaml5"
                | "ymll"
                | "yamll"
                | "json5"
                | "jsonc"
                | "toml"
                | "ini"
                | "txt"
        )
    };
    // What is written for people is called so.
    let is_for_people = || {
        let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
        ["readme", "notes", "changelog", "license", "todo"].contains(&stem.as_str())
    };
    ends_as_source(name) || (!name.starts_with('.') && endings.any(nearly) && !is_for_people())
}

/// Whether a file was meant as a source that lacks its ending: `integrations/shop`. What other tools call a file of theirs, such as
/// `CODEOWNERS` and `Makefile`, has large letters.
#[must_use]
pub fn lacks_an_ending(path: &str) -> bool {
    let Some((folder, name)) = path.split_once('/') else { return false };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    ["bases", "environments", "integrations"].contains(&folder) && !name.is_empty() && name.bytes().all(plain)
}

/// The template that a file in a folder at the top of a project was meant as, by a slip in one of the two names.
#[must_use]
pub fn nearly_template(path: &str) -> Option<&'static str> {
    let (folder, name) = path.split_once('/')?;
    TEMPLATES.into_iter().find(|template| {
        let (known, file) = template.split_once('/').unwrap_or_default();
        *template != path && is_near(folder, known) && is_near(name, file)
    })
}

/// The folders in which forges look for CODEOWNERS, the top among them.
pub const FOLDERS_OF_CODEOWNERS: [&str; 4] = ["", ".github", "docs", ".gitlab"];

/// Whether a file is CODEOWNERS where a forge reads it, or was meant as that.
#[must_use]
pub fn is_codeowners(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    FOLDERS_OF_CODEOWNERS.contains(&folder)
        && strsim::osa_distance(&name.to_ascii_lowercase(), "codeowners") <= 1
}

/// The folder of sources that a folder at the top of a project was meant as.
#[must_use]
pub fn nearly_folder(name: &str) -> Option<&'static str> {
    if FOLDERS.contains(&name) {
        return None;
    }
    FOLDERS.into_iter().find(|folder| is_near(name, folder))
}

/// The folder to which a file at the top of a project belongs by what it says: it is an integration, or patches some.
#[must_use]
pub fn belongs_to(text: &str) -> Option<&'static str> {
    let has =
        |key: &str| text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    if has("integration") && (has("pair") || has("settings") || has("extends")) {
        return Some("integrations");
    }
    let patches = (has("all") || has("integrations")) && text.contains("settings");
    (patches && !has("version")).then_some("environments")
}

/// Whether a folder or file within an integration's folder was meant as the one of this name.
#[must_use]
pub fn nearly_inside(name: &str, meant: &str) -> bool {
    name != meant && is_near(name, meant)
}

/// Whether a file at the top of a project was meant as the project file.
#[must_use]
pub fn nearly_project_file(name: &str) -> bool {
    name != PROJECT_FILE && (name == "pairform.yml" || is_near(name, PROJECT_FILE))
}

/// A letter too much, too few, swapped or wrong.
fn is_near(name: &str, meant: &str) -> bool {
    strsim::osa_distance(&name.to_ascii_lowercase(), meant) <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_nearly_ours_are_told_from_those_that_are_not() {
        for name in
            ["a.yaml", "a.yml", "a.YAML", "a.yaml.bak", "a.yaml~", "a.yam", "a.json", "a.txt", "a.toml"]
        {
            assert!(looks_like_a_source(name), "{name}");
        }
        for name in ["README.md", "README.txt", ".gitkeep", "CODEOWNERS", "a.md", "yaml", ".yaml.swp"] {
            assert!(!looks_like_a_source(name), "{name}");
        }
        assert!(is_source("integrations/a.yaml") && !is_source("integrations/.#a.yaml"));
        assert!(looks_like_a_source(".#a.yaml") && !looks_like_a_source(".a.swp"));
        assert!(nearly_inside("setting", "settings") && !nearly_inside("settings", "settings"));
        assert_eq!(nearly_folder("integration"), Some("integrations"));
        assert_eq!(nearly_folder("Bases"), Some("bases"));
        for name in ["integrations", "src", "docs", "tests"] {
            assert_eq!(nearly_folder(name), None, "{name}");
        }
        assert!(
            is_codeowners("CODEOWNERS")
                && is_codeowners("docs/codeowners")
                && is_codeowners(".gitlab/CODEOWNER")
        );
        assert!(!is_codeowners("src/CODEOWNERS") && !is_codeowners("docs/owners"));
        assert!(lacks_an_ending("integrations/shop") && !lacks_an_ending("integrations/a/b"));
        assert!(!lacks_an_ending("integrations/README") && !lacks_an_ending("options/shop"));
        assert_eq!(nearly_template("template/comment.md"), Some("templates/comment.md"));
        assert_eq!(nearly_template("templates/comments.md"), Some("templates/comment.md"));
        assert!(
            nearly_template("templates/comment.md").is_none()
                && nearly_template("templates/mail.md").is_none()
        );
        assert!(nearly_project_file("pairfrom.yaml") && nearly_project_file("pairform.yml"));
        assert!(!nearly_project_file("pairform.yaml") && !nearly_project_file("package.json"));
    }
}
