//! Changing `node.toml` in place. The file is the operator's: comments, order, spelling and what a setting has as its
//! default stay as they are, and only what differs is written.

use toml_edit::{DocumentMut, Item, RawString, Table, TableLike};

use super::InvalidConfig;

/// The text of a configuration, changed from what `before` says to what `after` says. What is equal in both is not touched.
/// Comments above a section that goes stay, at the next section; comments inside it go with it.
///
/// # Errors
/// The text is not TOML, or a value cannot be written as TOML.
pub(super) fn edited(text: &str, before: &toml::Table, after: &toml::Table) -> Result<String, InvalidConfig> {
    let mut document: DocumentMut = text.parse::<DocumentMut>().map_err(InvalidConfig::syntax)?;
    let mut kept = Vec::new();
    change(document.as_table_mut(), before, after, &mut kept)?;
    for (position, comment) in kept {
        keep_comment(&mut document, position, &comment);
    }
    Ok(document.to_string())
}

/// Makes the differences of two tables those of `place`. Comments of sections that go are put into `kept`, with where each
/// section stood.
fn change(
    place: &mut dyn TableLike,
    before: &toml::Table,
    after: &toml::Table,
    kept: &mut Vec<(isize, String)>,
) -> Result<(), InvalidConfig> {
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        if let Some(Item::Table(table)) = place.remove(key) {
            let comment = table.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
            kept.push((table.position().unwrap_or(isize::MAX), comment.to_owned()));
        }
    }
    for (key, value) in after {
        let old = before.get(key);
        if old == Some(value) {
            continue;
        }
        match (old, value, place.get_mut(key)) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new), Some(item)) if item.is_table_like() => {
                let table = item.as_table_like_mut().ok_or_else(|| InvalidConfig::setting(key, "it is not a table"))?;
                change(table, old, new, kept)?;
            }
            // All of it was default so far: what differs from that is enough.
            (Some(toml::Value::Table(old)), toml::Value::Table(new), None) => {
                let mut table = Table::new();
                change(&mut table, old, new, kept)?;
                place.insert(key, Item::Table(table));
            }
            (_, _, Some(item)) => replace(item, item_of(key, value)?),
            (_, _, None) => {
                place.insert(key, item_of(key, value)?);
            }
        }
    }
    Ok(())
}

/// Replaces an old value with a new one, keeping the comment behind it.
fn replace(old: &mut Item, mut new: Item) {
    match (&*old, &mut new) {
        (Item::Value(old), Item::Value(new)) => *new.decor_mut() = old.decor().clone(),
        (Item::Table(old), Item::Table(new)) => *new.decor_mut() = old.decor().clone(),
        _ => {}
    }
    *old = new;
}

/// A value as an item of a document.
fn item_of(key: &str, value: &toml::Value) -> Result<Item, InvalidConfig> {
    let table = toml::Table::from_iter([(key.to_owned(), value.clone())]);
    let text = toml::to_string(&table).map_err(InvalidConfig::syntax)?;
    let mut document: DocumentMut = text.parse::<DocumentMut>().map_err(InvalidConfig::syntax)?;
    let mut item = document.remove(key).ok_or_else(|| InvalidConfig::setting(key, "it cannot be written as TOML"))?;
    if let Item::Table(table) = &mut item {
        // Where it stands in its own text says nothing here: it comes behind its parent.
        table.set_position(None);
        table.decor_mut().set_prefix("\n");
    }
    Ok(item)
}

/// Puts the comment of a section that is gone above the section that followed it, or at the end.
fn keep_comment(document: &mut DocumentMut, position: isize, comment: &str) {
    if comment.trim().is_empty() {
        return;
    }
    let joined = |old: Option<&RawString>| format!("{comment}{}", old.and_then(RawString::as_str).unwrap_or_default());
    // Tables without a header of their own have no place for a comment.
    let place = |table: &Table| table.position().filter(|_| !table.is_implicit() && !table.is_dotted());
    let mut next = None;
    each_table(document.as_item_mut(), &mut |table| {
        let at = place(table).filter(|at| *at > position);
        next = [next, at].into_iter().flatten().min();
    });
    let Some(next) = next else {
        let trailing = joined(Some(document.trailing()));
        return document.set_trailing(trailing);
    };
    each_table(document.as_item_mut(), &mut |table| {
        if place(table) == Some(next) {
            let prefix = joined(table.decor().prefix());
            table.decor_mut().set_prefix(prefix);
        }
    });
}

/// Does something to each table of an item, those within others included.
fn each_table(item: &mut Item, act: &mut dyn FnMut(&mut Table)) {
    match item {
        Item::Table(table) => {
            act(table);
            table.iter_mut().for_each(|(_, item)| each_table(item, act));
        }
        Item::ArrayOfTables(tables) => {
            for table in tables.iter_mut() {
                act(table);
                table.iter_mut().for_each(|(_, item)| each_table(item, act));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "# The operator's own words.\nname = 'A node' # why\n\n# Doors.\n[listen]\nsmtp = 25 # the world\nlmtp=24\n\n\
        # How it unlocks.\n[vault]\nunlock = \"token\" # since June\n# A word at the end of a section.\n\n[vault.token]\nlabel = \"x\"\n\n\
        # The house.\n[home]\nhome = \"IE\"\n# The end.\n";

    fn check(defaults: &str, change: &[(&str, &str, Option<toml::Value>)], wanted: &str) {
        let mut before: toml::Table = defaults.parse().unwrap();
        for (key, value) in BEFORE.parse::<toml::Table>().unwrap() {
            match (before.get_mut(&key), value) {
                (Some(toml::Value::Table(table)), toml::Value::Table(more)) => table.extend(more),
                (_, value) => drop(before.insert(key, value)),
            }
        }
        let mut after = before.clone();
        for (section, key, value) in change {
            let table = after[*section].as_table_mut().unwrap();
            match value {
                Some(value) => drop(table.insert((*key).to_owned(), value.clone())),
                None => drop(table.remove(*key)),
            }
        }
        let text = edited(BEFORE, &before, &after).unwrap();
        assert_eq!(text, wanted);
    }

    #[test]
    fn nothing_but_what_differs_is_written() {
        let defaults = "[store]\npercent = 50\nbytes = 1\n[vault]\ndays = 30";
        check(defaults, &[], BEFORE);
        let port = toml::Value::Integer(2525);
        check(defaults, &[("listen", "smtp", Some(port))], &BEFORE.replace("smtp = 25 ", "smtp = 2525 "));
        // A default stays unsaid, in a section that is there and in one that is not.
        let bytes = toml::Value::Integer(9);
        check(
            defaults,
            &[("store", "bytes", Some(bytes))],
            &format!("{BEFORE}\n[store]\nbytes = 9\n")
                .replace("# The end.\n\n[store]\nbytes = 9\n", "\n[store]\nbytes = 9\n# The end.\n"),
        );
        let cost = toml::Value::Table("memory = 7\npasses = 2".parse().unwrap());
        let wanted = BEFORE.replace("label = \"x\"\n", "label = \"x\"\n\n[vault.cost]\nmemory = 7\npasses = 2\n");
        check(defaults, &[("vault", "cost", Some(cost))], &wanted);
    }

    #[test]
    fn a_section_goes_and_the_comments_above_it_stay() {
        let wanted = BEFORE
            .replace("unlock = \"token\" #", "unlock = \"by-hand\" #")
            .replace("[vault.token]\nlabel = \"x\"\n\n", "\n");
        let by_hand = toml::Value::String("by-hand".to_owned());
        check("", &[("vault", "unlock", Some(by_hand)), ("vault", "token", None)], &wanted);
    }
}
