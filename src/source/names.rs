//! What files of a project are called: which names are read, and which are so near to these that a person meant them.

/// The file whose presence makes a folder a project.
pub const PROJECT_FILE: &str = "pairform.yaml";

/// The folders that hold sources, besides the project file itself.
pub const FOLDERS: [&str; 5] = ["bases", "environments", "integrations", "options", "schemas"];

/// Whether a file's name ends as sources do.
#[must_use]
pub fn is_source(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

/// Whether a file in a folder of sources is one, or was meant as one by its ending: `.YAML`, `.yaml.bak`, `.yam`, `.json`.
#[must_use]
pub fn looks_like_a_source(name: &str) -> bool {
    let mut endings = name.split('.').skip(1);
    let nearly = |ending: &str| {
        let ending = ending.trim_end_matches('~').to_ascii_lowercase();
        matches!(
            ending.as_str(),
            "yaml" | "yml" | "json" | "yam" | "ym" | "ymal" | "yalm" | "yaml1" | "ymll" | "yamll"
        )
    };
    is_source(name) || (!name.starts_with('.') && endings.any(nearly))
}

/// The folder of sources that a folder at the top of a project was meant as.
#[must_use]
pub fn nearly_folder(name: &str) -> Option<&'static str> {
    if FOLDERS.contains(&name) {
        return None;
    }
    FOLDERS.into_iter().find(|folder| is_near(name, folder))
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
        for name in ["a.yaml", "a.yml", "a.YAML", "a.yaml.bak", "a.yaml~", "a.yam", "a.json"] {
            assert!(looks_like_a_source(name), "{name}");
        }
        for name in ["README.md", ".gitkeep", "CODEOWNERS", "a.txt", "yaml", ".yaml.swp"] {
            assert!(!looks_like_a_source(name), "{name}");
        }
        assert_eq!(nearly_folder("integration"), Some("integrations"));
        assert_eq!(nearly_folder("Bases"), Some("bases"));
        for name in ["integrations", "src", "docs", "tests"] {
            assert_eq!(nearly_folder(name), None, "{name}");
        }
        assert!(nearly_project_file("pairfrom.yaml") && nearly_project_file("pairform.yml"));
        assert!(!nearly_project_file("pairform.yaml") && !nearly_project_file("package.json"));
    }
}
