//! The pages over the law of this source tree: all there, all linked, nothing from outside, every word escaped.

use std::collections::BTreeSet;
use std::path::Path;

use rules::LawSet;

use super::{LawSite, Medium};

/// The files of `law/`, as (path, text).
pub(crate) fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../law");
    let (mut files, mut open) = (Vec::new(), vec![root.clone()]);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "toml") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// The site of this source tree's law.
pub(super) fn site() -> LawSite {
    site_of(&files())
}

fn site_of(files: &[(String, String)]) -> LawSite {
    let law = LawSet::load(files).unwrap_or_else(|errors| panic!("{errors}"));
    LawSite::new(law, files, "IE".parse().unwrap(), "Europe/Dublin".to_owned())
        .unwrap_or_else(|errors| panic!("{errors}"))
}

fn html(site: &LawSite, path: &str, medium: Medium<'_>) -> String {
    site.page(path, medium).unwrap_or_else(|| panic!("no page {path}")).text
}

/// The values of an attribute, as they stand in the page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The path that a link on the page at `from` leads to, and its place on that page.
fn target(from: &str, link: &str) -> (String, Option<String>) {
    let (link, place) = link.split_once('#').map_or((link, None), |(link, place)| (link, Some(place.to_owned())));
    let link = link.split('?').next().unwrap();
    if link.is_empty() {
        return (from.to_owned(), place);
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            ".." => drop(parts.pop().unwrap_or_else(|| panic!("{from}: {link} leads outside"))),
            part => parts.push(part),
        }
    }
    (parts.join("/"), place)
}

#[test]
fn every_link_resolves_and_every_page_is_reached() {
    let site = site();
    let paths: BTreeSet<String> = site.paths().into_iter().collect();
    assert_eq!(paths.len(), site.paths().len(), "two pages of one name");
    let mut reached = BTreeSet::from(["index.html".to_owned()]);
    let mut open = vec!["index.html".to_owned()];
    while let Some(path) = open.pop() {
        let page = html(&site, &path, Medium::File);
        for link in attributes(&page, "href") {
            let (path_to, place) = target(&path, link);
            assert!(paths.contains(&path_to), "{path}: the link {link} leads to no page");
            if let Some(place) = place {
                let there = html(&site, &path_to, Medium::File);
                assert!(
                    attributes(&there, "id").contains(&place.as_str()),
                    "{path}: the link {link} leads to no place"
                );
            }
            if reached.insert(path_to.clone()) && path_to.ends_with(".html") {
                open.push(path_to);
            }
        }
    }
    assert_eq!(reached, paths, "pages that no link reaches");
}

#[test]
fn every_rule_and_every_case_has_a_page_that_says_what_it_is() {
    let site = site();
    for rule in site.law.rules() {
        let page = html(&site, &site.rule_path(&rule.id), Medium::File);
        let says = |text: &str| page.contains(&escaped(text));
        assert!(says(&rule.because) && says(&rule.source) && says(&rule.retrieved.to_string()), "{}", rule.id);
        assert!(rule.cite.iter().all(|cite| says(cite)), "{}", rule.id);
        assert!(rule.overrides.iter().all(|other| says(other)), "{}", rule.id);
        assert_eq!(page.contains("class=\"alarm\""), rule.confidence < rules::Confidence::Read, "{}", rule.id);
        assert!(says(&rule.digest().to_string()), "{}", rule.id);
    }
    for (number, case) in site.cases.iter().enumerate() {
        let page = html(&site, &site.case_path(number), Medium::File);
        let decision = site.decide_case(case);
        assert!(page.contains(decision.outcome.as_str()) && page.contains(&escaped(&case.title)), "{}", case.id);
        for unit in &decision.units {
            assert!(unit.reasons.iter().all(|reason| page.contains(&escaped(reason))), "{}", case.id);
        }
        for step in decision.deadlines.iter().flat_map(|deadline| &deadline.steps) {
            assert!(page.contains(&escaped(step)), "{}: {step}", case.id);
        }
    }
}

/// As askama writes a text into a page.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;");
    text.replace('"', "&#34;").replace('\'', "&#39;")
}

#[test]
fn every_page_warns_names_the_set_and_refers_to_nothing_outside() {
    let site = site();
    let digest = site.digest();
    for path in site.paths() {
        let page = html(&site, &path, Medium::File);
        for outside in ["http:", "https:", "//", "@import", "url(", "<script", "<img", "<iframe", "javascript:"] {
            // The name of SVG's namespace is not a reference; nothing fetches it.
            let page = page.replace("http://www.w3.org/2000/svg", "");
            assert!(!page.contains(outside), "{path} has {outside}");
        }
        if path.ends_with(".html") {
            for needed in [
                "<html lang=\"en\">",
                "Not legal advice.",
                "No lawyer has reviewed this set",
                &digest,
                "<a class=\"skip\" href=\"#main\">",
                "<main id=\"main\">",
                "<h1",
            ] {
                assert!(page.contains(needed), "{path} lacks {needed}");
            }
            assert!(!page.contains(" style=\"") && !page.contains("<style"), "{path}: the policy allows no such style");
            assert_eq!(page.matches("<h1").count(), 1, "{path}");
            assert_eq!(page.matches("<table").count(), page.matches("<thead").count(), "{path}: a table without heads");
            let ids = attributes(&page, "id");
            assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{path}: an id twice");
        }
    }
}

#[test]
fn the_law_on_a_day_is_what_was_in_force() {
    let site = site();
    for day in ["2014-04-24", "2016-07-15", "2018-03-22", "2026-09-01", "1899-12-31"] {
        let page = html(&site, &format!("day/{day}.html"), Medium::Served(""));
        let on: rules::Day = day.parse().unwrap();
        // What had its last day the day before is shown under a heading of its own; these days have no such rule.
        for rule in site.law.rules() {
            let shown = page.contains(&format!("<code>{}</code>", rule.id));
            assert_eq!(shown, rule.in_force.covers(on), "{} on {day}", rule.id);
        }
    }
    for none in ["day/2016-02-30.html", "day/today.html", "day/2016-7-1.html", "day/.html"] {
        assert_eq!(site.page(none, Medium::Served("")), None, "{none}");
    }
}

#[test]
fn hostile_words_of_a_set_are_escaped_and_name_no_file_outside() {
    let mut files = files();
    let evil = "\"><script>alert(1)</script>";
    let (_, text) = files.iter_mut().find(|(path, _)| path == "us/territory.toml").unwrap();
    *text = text.replace("us.sca.abroad.split", "../../etc/<b>.split").replace(
        "because = \"The judges of this district who",
        &format!("because = '''{evil}The judges of this district who"),
    );
    *text = text.replace("the decision is not followed as a rule.\"", "the decision is not followed as a rule.'''");
    files.retain(|(path, _)| !path.contains("/cases/") && !path.contains("/pictures/"));
    let site = site_of(&files);
    let paths = site.paths();
    assert!(paths.iter().all(|path| !path.contains("..") || path == "rule/_.._.._etc__b_.split.html"), "{paths:?}");
    for path in paths {
        let page = html(&site, &path, Medium::File);
        assert!(!page.contains("<script") && !page.contains("<b>"), "{path}");
    }
    assert!(html(&site, "rule/us.edpa.google.2017.html", Medium::File).contains("&#60;script&#62;alert(1)"));
}

#[test]
fn a_page_that_is_none() {
    let site = site();
    for path in
        ["x", "rule/", "rule/x.html", "rule/../index.html", "case/S03", "day", "/index.html", "picture/x.html", "\u{0}"]
    {
        assert_eq!(site.page(path, Medium::Served("")), None, "{path:?}");
    }
}

#[test]
fn what_counsel_signed_says_so_and_another_rule_does_not() {
    let plain = site();
    let rule = plain.law.rules().iter().find(|rule| plain.is_unconfirmed(rule)).unwrap().clone();
    let signature = |digest| rules::RuleSignature {
        rule: rule.id.clone(),
        digest,
        counsel: "counsel".to_owned(),
        at: terms::UnixMillis(0),
    };
    let path = plain.rule_path(&rule.id);
    let signed = site().signed(Some("C. Ounsel".to_owned()), vec![signature(rule.digest())]);
    let page = html(&signed, &path, Medium::File);
    assert!(page.contains("C. Ounsel, the operator’s counsel, has signed this set") && !page.contains("No lawyer"));
    assert!(page.contains("but signed by counsel") && !page.contains("class=\"alarm\""));
    assert!(!html(&signed, "unconfirmed.html", Medium::File).contains(&format!("<code>{}</code>", rule.id)));
    let stale = site().signed(None, vec![signature(plain.law.digest())]);
    assert!(html(&stale, &path, Medium::File).contains("class=\"alarm\""), "a signature under another text");
}
