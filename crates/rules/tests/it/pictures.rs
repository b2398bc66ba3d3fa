//! Pictures show what the rules decide on each day, without gaps.

use rules::{Day, Outcome, Picture};

use crate::support::{files, law};

fn irish() -> Picture {
    let (law, files) = (law(), files());
    let cases = rules::read_cases(&law, &files).unwrap();
    let pictures = rules::read_pictures(&law, &cases, &files).unwrap();
    pictures.into_iter().find(|picture| picture.id == "irish-mailbox").unwrap()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn answer(picture: &Picture, row: &str, on: &str) -> Outcome {
    let row = picture.rows.iter().find(|known| known.name.starts_with(row)).unwrap();
    let span = row.spans.iter().find(|span| span.from <= day(on) && day(on) <= span.until).unwrap();
    span.outcome
}

#[test]
fn the_irish_mailbox_by_day_and_forum() {
    let picture = irish();
    for (row, on, expected) in [
        ("S.D.", "2014-04-24", Outcome::ReferCounsel),
        ("S.D.", "2014-04-25", Outcome::Compelled),
        ("S.D.", "2016-07-13", Outcome::Compelled),
        ("S.D.", "2016-07-14", Outcome::NotCompelledRedirect),
        ("Connecticut", "2016-07-13", Outcome::ReferCounsel),
        ("Connecticut", "2016-07-14", Outcome::NotCompelledRedirect),
        ("E.D.", "2017-02-02", Outcome::ReferCounsel),
        ("E.D.", "2017-02-03", Outcome::Compelled),
        ("N.D.", "2018-03-22", Outcome::ReferCounsel),
        ("S.D.", "2018-03-22", Outcome::NotCompelledRedirect),
        ("S.D.", "2018-03-23", Outcome::Compelled),
        ("N.D.", "2018-03-23", Outcome::Compelled),
        ("Any other", "2018-12-31", Outcome::ReferCounsel),
    ] {
        assert_eq!(answer(&picture, row, on), expected, "{row} on {on}");
    }
}

#[test]
fn spans_cover_every_day() {
    let (law, files) = (law(), files());
    let cases = rules::read_cases(&law, &files).unwrap();
    for picture in rules::read_pictures(&law, &cases, &files).unwrap() {
        assert!(!picture.rows.is_empty());
        for row in &picture.rows {
            assert_eq!(row.spans.first().unwrap().from, picture.from);
            assert_eq!(row.spans.last().unwrap().until, picture.until);
            for pair in row.spans.windows(2) {
                assert_eq!(pair[0].until.plus_days(1), pair[1].from, "{}", row.name);
                assert!((pair[0].outcome, &pair[0].rules) != (pair[1].outcome, &pair[1].rules), "{}", row.name);
            }
        }
        assert!(picture.events.is_sorted_by_key(|event| event.day));
    }
}

#[test]
fn errors_in_a_picture_are_reported() {
    let (law, mut files) = (law(), files());
    let cases = rules::read_cases(&law, &files).unwrap();
    let good = files.iter().find(|(path, _)| path.ends_with("pictures/irish-mailbox.toml")).unwrap().1.clone();
    for (from, to, told) in [
        ("case = \"S03\"", "case = \"S999\"", "is not a case"),
        ("forum = \"us_sdny\"", "forum = \"us_mars\"", "is not one of"),
        ("{ forum = \"us_sdny\" }", "{ forrum = \"us_sdny\" }", "is not a fact"),
        ("until = 2018-12-31", "until = 2012-12-31", "is before `from`"),
        ("day = 2013-12-04", "day = 1913-12-04", "outside the picture"),
        ("title =", "titel =", "unknown field"),
    ] {
        files.retain(|(path, _)| !path.contains("/pictures/"));
        files.push(("us/pictures/bad.toml".to_owned(), good.replacen(from, to, 1)));
        let error = rules::read_pictures(&law, &cases, &files).unwrap_err().to_string();
        assert!(error.contains(told) && error.contains("us/pictures/bad.toml"), "{to}: {error}");
    }
}
