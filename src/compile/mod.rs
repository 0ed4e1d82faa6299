//! The front half: from sources to checked configurations, with every finding on the way.
//!
//! [`compile`] is the one door. Nothing here knows what is deployed, reads a file, a clock or the environment.

pub mod carry;
pub mod carry_over;
pub mod check;
mod codeowners;
pub mod codes;
mod compiled;
pub mod compose;
mod days;
mod exposed;
pub mod express;
mod fleet;
mod foreign_bases;
mod former;
pub mod integrations;
pub mod layers;
pub mod levels;
pub mod lower;
pub mod outward;
pub mod project;
pub mod reach;
pub mod redact;
mod requires;
mod search;
mod selection;
mod strays;
mod unread_lists;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use rayon::prelude::*;

use crate::diagnostic::codes::compose as said;
use crate::diagnostic::{About, Finding, Fix, Severity, commented, sort_and_merge};
use crate::model::{Name, SettingPath};
use crate::options::Options;
use crate::schema::parts::Catalogue;
use crate::schema::vat::Vat;
use crate::schema::{Category, Pair};
use crate::source::load;
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::yaml::{self, Entry};
use check::{Checked, Known};
use compiled::required;
pub use compiled::{Compiled, find};
use compose::{Composed, Composer, Mention};
use fleet::Member;
use levels::{Denied, Floor, Judge, Levels, Own};
use project::Manifest;
pub use selection::Selection;

/// Everything that compiling a project yields; of each integration, what was kept.
#[derive(Debug)]
pub struct Compilation<T = Compiled> {
    pub project: Manifest,
    pub catalogue: Catalogue,
    pub options: Options,
    /// Sorted by name; those that could be composed, with or without errors.
    pub integrations: Vec<T>,
    /// How many findings are errors, by the integrations that have any.
    pub errors: BTreeMap<String, usize>,
    /// Settled: sorted, one per mistake, levels applied.
    pub findings: Vec<Finding>,
    /// Places that may hold a credential, and are never shown: in the files that findings speak of, and wherever the
    /// schemas say so.
    pub hidden: Vec<Span>,
    /// Names of all integrations that the project has, selected or not.
    pub names: Vec<String>,
    /// The levels that compiled integrations give themselves.
    pub own_levels: BTreeMap<String, Levels>,
    /// Findings that are no errors, and would be by the levels that the last apply recorded; sorted.
    pub denied: Vec<Denied>,
    /// No integration was left out.
    pub is_whole: bool,
    /// The day that it was judged on.
    pub today: Date,
}

impl Compilation {
    /// The integration of this name, where it could be composed.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Compiled> {
        find(&self.integrations, name)
    }
}

/// Files of an integration were changed while the project was compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("files of {integration} were changed while they were read")]
pub struct Changed {
    pub integration: String,
}

/// Compiles some integrations of a project once more: all of a large fleet have no room in memory at once, and what is found
/// in one is known only when all were judged.
pub struct Again<'a> {
    composer: Composer<'a>,
    compilation: &'a Compilation,
    vat: Vat,
}

impl<'a> Again<'a> {
    /// Of a project as it was compiled, for the same environment.
    #[must_use]
    pub fn of(sources: &'a Sources, compilation: &'a Compilation, environment: Option<&str>) -> Self {
        let composer = Composer::read(sources, environment, &compilation.project, &mut Vec::new());
        Again { composer, compilation, vat: compilation.catalogue.vat() }
    }

    /// An integration that could be composed before.
    ///
    /// # Errors
    /// When a file of it is not what it was then: half of it would be taken for all that the files say.
    pub fn compile(&self, name: &str) -> Result<Compiled, Changed> {
        let Compilation { project, catalogue, options, errors, today, .. } = self.compilation;
        let (programs, levels) = (project.programs(), project.levels());
        // What is wrong with it was told the first time.
        let known = Known { catalogue, options, vat: &self.vat, today: *today, programs, levels, rules: &[] };
        let composed = self.composer.at(name).map(|at| self.composer.compose(at));
        let composed = composed.filter(|composed| !composed.incomplete || errors.contains_key(name));
        composed
            .and_then(|composed| judge(composed, known, &Selection::default()).judged)
            .map(Judged::lower)
            .ok_or_else(|| Changed { integration: name.to_owned() })
    }
}

/// Compiles a project. Never fails: what is wrong is in the findings.
#[must_use]
pub fn compile(sources: &Sources, selection: &Selection) -> Compilation {
    Front::read(sources, selection).compile(Judged::lower)
}

/// The levels that those integrations give themselves that were not compiled.
#[must_use]
pub fn own_levels<T>(
    sources: &Sources,
    compilation: &Compilation<T>,
    environment: Option<&str>,
) -> BTreeMap<String, Levels> {
    // Where all were composed there are no others, and where no file speaks of levels there is nothing to find.
    let is_in_play = |path: &str| path != load::PROJECT_FILE && !path.starts_with("options/");
    let speaks = |file: &SourceFile| file.with_text(|text, _| text.contains("levels"));
    if compilation.is_whole || !sources.iter().any(|(_, file)| is_in_play(&file.path) && speaks(file)) {
        return BTreeMap::new();
    }
    let composer = Composer::read(sources, environment, &compilation.project, &mut Vec::new());
    let composed = compilation.names.par_iter().filter_map(|name| {
        let composed = composer.compose(composer.at(name)?);
        let own = Levels::of(&composed.root);
        (!own.is_empty()).then(|| (name.clone(), own))
    });
    composed.collect()
}

/// An integration in canonical form, and its document in the shape of the source, which the linked schema judges.
#[derive(Debug)]
pub struct Whole {
    pub compiled: Compiled,
    pub document: serde_json::Value,
}

/// What all integrations of a project share, read once; they themselves are not looked at yet.
pub struct Front<'a> {
    sources: &'a Sources,
    selection: &'a Selection,
    project: Manifest,
    catalogue: Catalogue,
    options: Options,
    composer: Composer<'a>,
    /// The project asks for other versions of pairform, so that nothing of it is judged.
    is_for_others: bool,
    /// The numbers of the integrations that will be compiled.
    selected: Vec<usize>,
    findings: Vec<Finding>,
}

/// One integration that was judged, with or without errors.
pub struct Judged {
    composed: Composed,
    pair: Arc<Pair>,
    checked: Checked,
    hidden: Vec<Span>,
    errors: bool,
}

impl Judged {
    /// Whether a finding about it is an error, as far as one integration can be judged by itself.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.composed.name
    }

    /// The id of its pair.
    #[must_use]
    pub fn pair(&self) -> &str {
        &self.pair.id
    }

    /// What it was called before.
    #[must_use]
    pub fn renamed_from(&self) -> Option<String> {
        lower::renamed_from(&self.composed.root)
    }

    /// The files from which its keys and values came.
    #[must_use]
    pub fn files(&self) -> BTreeSet<FileId> {
        compose::files_in(&self.composed.root)
    }

    /// What is required now, as [`Compiled::required`].
    pub fn required(&self) -> impl Iterator<Item = (&str, &SettingPath, Option<bool>)> {
        required(&self.checked.requirements, &self.pair)
    }

    /// The categories that are planned, as they are written.
    pub fn declared(&self) -> impl Iterator<Item = (&Category, &Entry)> {
        lower::declared(&self.composed.root, &self.pair, &self.checked)
    }

    /// The steps through the leaves of one of them, in canonical form and in the order of their paths.
    pub fn leaves<'e>(&self, category: &Category, entry: &'e Entry, take: &mut lower::Take<'e, '_>) {
        lower::leaves(category, entry, &self.hidden, take);
    }

    /// In canonical form, without the settings.
    #[must_use]
    pub fn outline(self) -> Compiled {
        lower::outline(self.composed, self.pair, self.checked)
    }

    /// In canonical form.
    #[must_use]
    pub fn lower(self) -> Compiled {
        lower::lower(self.composed, self.pair, self.checked, &self.hidden)
    }

    /// With its document.
    #[must_use]
    pub fn whole(self) -> Whole {
        let document = lower::document(&self.composed, &self.pair, &self.hidden);
        Whole { compiled: self.lower(), document }
    }
}

impl<'a> Front<'a> {
    #[must_use]
    pub fn read(sources: &'a Sources, selection: &'a Selection) -> Self {
        let mut findings = Vec::new();
        // A folder of the project that is a link to outside stands among the files.
        for (file, source) in sources.iter().filter(|(_, source)| !source.path.contains(['/', '.'])) {
            if source.fault().is_some() {
                yaml::parse(sources, file, &mut findings);
            }
        }
        exposed::names(sources, &mut findings);
        let mut project = Manifest::read(sources, &mut findings);
        let unmet = project.unmet.take().filter(|_| !selection.any_version);
        let is_for_others = unmet.is_some();
        project.broken |= is_for_others;
        let catalogue = Catalogue::with_project(sources, &mut findings);
        let options = Options::read(sources, &mut findings);
        let composer = Composer::read(sources, selection.environment.as_deref(), &project, &mut findings);
        let selected = if is_for_others { Vec::new() } else { composer.selected(selection) };
        findings.extend(unmet);
        Front { sources, selection, project, catalogue, options, composer, is_for_others, selected, findings }
    }

    /// How many integrations will be compiled.
    #[must_use]
    pub fn selected(&self) -> usize {
        self.selected.len()
    }

    /// Compiles the selected integrations, many at once. What `keep` does not keep of one is dropped before the next.
    #[must_use]
    pub fn compile<T: Send>(self, keep: impl Fn(Judged) -> T + Sync) -> Compilation<T> {
        self.compile_in_blocks(usize::MAX, &mut |_| (), keep)
    }

    /// As [`Front::compile`], so many at a time in the order of their names; `before` is told the last of each block first,
    /// and may wait, as it runs on the thread of the caller.
    #[must_use]
    pub fn compile_in_blocks<T: Send>(
        self,
        size: usize,
        before: &mut dyn FnMut(&str),
        keep: impl Fn(Judged) -> T + Sync,
    ) -> Compilation<T> {
        let Front {
            sources,
            selection,
            project,
            catalogue,
            options,
            composer,
            is_for_others,
            selected,
            mut findings,
        } = self;
        let vat = catalogue.vat();
        let today = selection.today.unwrap_or_else(|| vat.newest());
        let (programs, levels) = (project.programs(), project.levels());
        let known = Known {
            catalogue: &catalogue,
            options: &options,
            vat: &vat,
            today,
            programs,
            levels,
            rules: check::RULES,
        };
        let recorded = selection.recorded.as_deref();
        let levels = Judge { project: &project.levels, floor: selection.floor.as_deref() };
        let old_places = OldPlaces { sources, known: Mutex::default() };
        let mut results = Vec::with_capacity(selected.len());
        for block in selected.chunks(size) {
            if let Some(last) = block.last() {
                before(composer.name(*last));
            }
            results.par_extend(block.par_iter().map(|at| {
                let composed = composer.compose(*at);
                let bases = if selection.is_all() { composer.bases_of(&composed) } else { BTreeSet::new() };
                let (incomplete, own) = (composed.incomplete, Levels::of(&composed.root));
                let own_of = (!own.is_empty()).then(|| composed.name.clone());
                let former =
                    compose::renamed_from(&composed.root).map(|former| (composed.name.clone(), former));
                let Verdict { mut judged, mut findings, hidden, carried } = judge(composed, known, selection);
                let old_places = old_places.of(&composer, *at, judged.as_ref(), &carried);
                findings.extend(old_places);
                let (name, before) =
                    (composer.name(*at), former.as_ref().map(|(_, before)| before.text.as_str()));
                let mut denied = Vec::new();
                let of_one = Some(Own { name, former: before, levels: &own });
                findings.retain_mut(|finding| is_told(levels, recorded, of_one, finding, &mut denied));
                let own = own_of.map(|name| (name, own));
                let (mut member, mut pair) = (None, None);
                if let Some(judged) = &mut judged {
                    judged.errors = findings.iter().any(|finding| finding.severity == Severity::Error);
                    member = judged.checked.member.take();
                    pair = Some(judged.pair.id.clone());
                }
                let kept = judged.map(&keep);
                One { at: *at, pair, kept, member, findings, hidden, bases, incomplete, former, own, denied }
            }));
        }
        foreign_bases::blame(&composer, &mut results);
        // What could not be read may extend any of them.
        if selection.is_all() && !results.iter().any(|result| result.incomplete) {
            findings.extend(composer.unused(&results.iter().flat_map(|result| &result.bases).collect()));
        }
        if let (Some(days), Some(today)) = (project.options.max_list_days(), selection.today) {
            findings.extend(options.outdated(sources, &catalogue, today, days, |_, _, _| true));
        }
        let names = composer.names();
        if selection.is_all() {
            findings.extend(strays::check(sources, &project));
            findings.extend(codeowners::check(sources));
            findings.extend(unread_lists::check(sources, &options, &catalogue, selection.today));
            let former = results.iter().filter_map(|result| Some(result.former.as_ref()?.1.text.as_str()));
            let known: Vec<&str> = names.iter().map(String::as_str).chain(former).collect();
            findings.extend(project::unknown_names(sources, &known, &catalogue));
        }
        if is_for_others {
            findings.retain(|finding| finding.code == &said::OTHER_VERSION);
        }
        let mut denied = Vec::new();
        findings.retain_mut(|finding| is_told(levels, recorded, None, finding, &mut denied));
        let beside = beside(&composer, &results, selection, &|composed| {
            let known = Known { rules: &[], ..known };
            judge(composed, known, &Selection::default()).judged?.checked.member
        });
        let tell = |one: &One<T>, finding: &mut Finding, denied: &mut Vec<Denied>| {
            let (own, former) =
                (one.own.as_ref(), one.former.as_ref().map(|(_, before)| before.text.as_str()));
            let none = Levels::default();
            let levels_of = own.map_or(&none, |(_, own)| own);
            let own = Own { name: composer.name(one.at), former, levels: levels_of };
            is_told(levels, recorded, Some(own), finding, denied)
        };
        findings.extend(between(&composer, &results, &beside, &mut denied, tell));
        let mut hidden = Vec::new();
        let mut integrations = Vec::new();
        let mut former = Vec::new();
        let mut own_levels = BTreeMap::new();
        for mut result in results {
            former.extend(result.former);
            own_levels.extend(result.own);
            denied.append(&mut result.denied);
            findings.append(&mut result.findings);
            hidden.append(&mut result.hidden);
            integrations.extend(result.kept);
        }
        findings.extend(former_names(former, &names));
        without_fixes_of_expressions(&mut findings, sources);
        strays::explain(&mut findings, sources);
        commented::tell(&mut findings, sources);
        sort_and_merge(&mut findings, sources);
        denied.sort();
        denied.dedup();
        // A file of an environment is judged by itself, too, where nothing was known to be hidden.
        let (mut suspicious, known): (Vec<Span>, Vec<Span>) =
            hidden.iter().partition(|span| sources.path(**span).starts_with("environments/"));
        suspicious.extend(redact::suspicious(sources, &findings));
        redact::redact(&mut findings, sources, &known, &suspicious);
        hidden.extend(suspicious);
        hidden.sort_unstable();
        hidden.dedup();
        let errors = errors(&findings);
        Compilation {
            project,
            catalogue,
            options,
            integrations,
            errors,
            findings,
            hidden,
            names,
            own_levels,
            denied,
            is_whole: selection.is_all(),
            today,
        }
    }
}

/// What rules over several integrations ask of those that were not selected, and that may meet one that was.
fn beside<T>(
    composer: &Composer<'_>,
    results: &[One<T>],
    selection: &Selection,
    read: &(dyn Fn(Composed) -> Option<Box<Member>> + Sync),
) -> Vec<(usize, Box<Member>)> {
    if selection.is_all() || selection.alone {
        return Vec::new();
    }
    let seen: BTreeSet<usize> = results.iter().filter(|one| one.kept.is_some()).map(|one| one.at).collect();
    let traces: Vec<Vec<&str>> =
        results.iter().filter_map(|one| one.member.as_ref()).flat_map(|member| member.traces()).collect();
    let others = composer.mentioning((0..composer.len()).filter(|at| !seen.contains(at)), &traces);
    others.into_par_iter().filter_map(|at| Some((at, read(composer.compose(at))?))).collect()
}

/// Findings of several integrations, told of those that were selected; `tell` gives each the level that it has there.
fn between<T>(
    composer: &Composer<'_>,
    results: &[One<T>],
    beside: &[(usize, Box<Member>)],
    denied: &mut Vec<Denied>,
    tell: impl Fn(&One<T>, &mut Finding, &mut Vec<Denied>) -> bool,
) -> Vec<Finding> {
    let selected: BTreeMap<&str, &One<T>> = results.iter().map(|one| (composer.name(one.at), one)).collect();
    let of_selected = results.iter().filter_map(|one| Some((composer.name(one.at), &**one.member.as_ref()?)));
    let of_others = beside.iter().map(|(at, member)| (composer.name(*at), &**member));
    let mut all: Vec<(&str, &Member)> = of_selected.chain(of_others).collect();
    all.sort_by_key(|(name, _)| *name);
    let mut findings = Vec::new();
    for group in fleet::check(&all) {
        let told = group.members.into_iter().filter_map(|(name, mut finding)| {
            tell(selected.get(name)?, &mut finding, denied).then_some((name, finding))
        });
        let mut told = told.fuse();
        // It is one mistake, shown at the first of them.
        let Some((_, mut finding)) = told.next() else { continue };
        finding.also = told.map(|(name, _)| name.to_owned()).collect();
        findings.push(finding);
    }
    findings
}

/// What became of one integration.
struct One<T> {
    /// Its number.
    at: usize,
    /// The id of its pair.
    pair: Option<Name>,
    kept: Option<T>,
    /// What rules over several integrations ask of it.
    member: Option<Box<Member>>,
    findings: Vec<Finding>,
    hidden: Vec<Span>,
    /// The bases that it extends.
    bases: BTreeSet<FileId>,
    incomplete: bool,
    /// Its name, and the one that it had before.
    former: Option<(String, Mention)>,
    /// Its name, and the levels that it gives itself.
    own: Option<(String, Levels)>,
    denied: Vec<Denied>,
}

/// Gives a finding its level; false when it is not to be told.
fn is_told(
    levels: Judge<'_>,
    recorded: Option<&Floor>,
    own: Option<Own<'_>>,
    finding: &mut Finding,
    denied: &mut Vec<Denied>,
) -> bool {
    let usual = finding.severity;
    let mut is_told = levels.apply(own, finding);
    if let Some(recorded) = recorded {
        denied.extend(levels::apply_recorded(recorded, own, usual, &mut is_told, finding));
    }
    is_told
}

/// What an expression yields differs by environment, so that no text can take its place.
fn without_fixes_of_expressions(findings: &mut [Finding], sources: &Sources) {
    for finding in findings {
        let worked_out = |fix: &Fix| fix.edits.iter().any(|edit| sources.text(edit.span).contains("{{"));
        if finding.fix.as_ref().is_some_and(worked_out) {
            finding.fix = None;
        }
    }
}

/// Former names that are still in use, or that two integrations say they had.
fn former_names(said: Vec<(String, Mention)>, names: &[String]) -> Vec<Finding> {
    let mut first: BTreeMap<String, Span> = BTreeMap::new();
    let mut findings = Vec::new();
    for (integration, Mention { text, span }) in said {
        let about = About { integration: Some(integration.clone()), ..About::default() };
        if names.binary_search(&text).is_ok() {
            findings.push(said::former_name_in_use(&text, text == integration, span).about(about));
        } else if let Some(first) = first.get(&text) {
            findings.push(said::former_name_twice(&text, span, *first).about(about));
        } else {
            first.insert(text, span);
        }
    }
    findings
}

/// What judging one integration yields.
struct Verdict {
    judged: Option<Judged>,
    findings: Vec<Finding>,
    hidden: Vec<Span>,
    /// The categories that say settings where they stood before.
    carried: Vec<Name>,
}

/// Judges one integration; nothing is left of one whose pair is not selected.
fn judge(mut composed: Composed, known: Known<'_>, selection: &Selection) -> Verdict {
    let mut findings = std::mem::take(&mut composed.findings);
    let pair = check::pair::find(&composed, known.catalogue, &mut findings);
    let mut hidden = check::secrets::suspects(&composed.root, pair.as_deref());
    hidden.sort_unstable();
    let carried = Vec::new();
    let Some(pair) = pair else { return Verdict { judged: None, findings, hidden, carried } };
    if !selection.takes_pair(&pair.id) {
        return Verdict { judged: None, findings: Vec::new(), hidden: Vec::new(), carried };
    }
    // Told beside what is wrong at the same place.
    let mut former = Vec::new();
    former::read(&mut composed.root, &pair, &composed.name, &mut former);
    let carried = carry::carry(&mut composed.root, &pair, &composed.name, &mut findings);
    codes::normalize(&mut composed.root, &pair.shape);
    let mut unquoted = [check::secrets::addresses(&composed.root), hidden.clone()].concat();
    unquoted.sort_unstable();
    let (checked, pair) = check::check(&composed, pair, known, &unquoted, &mut findings);
    findings.retain(|finding| !composed.circular.contains(&finding.primary.span.file));
    findings.append(&mut former);
    let judged = Judged { composed, pair, checked, hidden, errors: false };
    Verdict { judged: Some(judged), findings, hidden: unquoted, carried }
}

/// What tells of settings in old places, by file: one that many integrations share is read once.
struct OldPlaces<'a> {
    sources: &'a Sources,
    known: Mutex<HashMap<OldPlace, Vec<Finding>>>,
}

/// A file, the pair by whose schema it is read, and the keys to categories in it.
type OldPlace = (FileId, Name, Vec<Vec<String>>);

impl OldPlaces<'_> {
    /// What tells of the categories of one integration that were carried over.
    fn of(
        &self,
        composer: &Composer<'_>,
        at: usize,
        judged: Option<&Judged>,
        carried: &[Name],
    ) -> Vec<Finding> {
        let Some(judged) = judged.filter(|_| !carried.is_empty()) else { return Vec::new() };
        let bases = composer.bases_of(&judged.composed);
        let mut files: BTreeMap<FileId, Vec<(Vec<String>, &Category)>> = BTreeMap::new();
        for category in carried.iter().filter_map(|id| judged.pair.category(id)) {
            for (file, keys) in composer.places_of(at, &bases, &category.id) {
                files.entry(file).or_default().push((keys, category));
            }
        }
        let mut findings = Vec::new();
        for (file, categories) in files {
            let read = || carry_over::findings(self.sources, file, &categories);
            findings.extend(if judged.composed.files.contains(&file) {
                read()
            } else {
                let keys = categories.iter().map(|(keys, _)| keys.clone()).collect();
                let key = (file, judged.pair.id.clone(), keys);
                let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
                known.unwrap_or_else(|| {
                    let found = read();
                    self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
                    found
                })
            });
        }
        for finding in &mut findings {
            finding.about.integration = Some(judged.composed.name.clone());
        }
        findings
    }
}

/// How many findings are errors, by the integrations that suffer from them.
fn errors(findings: &[Finding]) -> BTreeMap<String, usize> {
    let mut errors: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.severity == Severity::Error) {
        for name in finding.about.integration.iter().chain(&finding.also) {
            *errors.entry(name.clone()).or_default() += finding.weight();
        }
    }
    errors
}
