//! Tags and fields of a node: what is refused, and how an edit is read.

use super::name::fold;
use crate::error::Refusal;
use bitvault_api::limits::{FIELD_VALUE_BYTES, FIELDS_PER_NODE, LABEL_BYTES, TAGS_PER_NODE};
use bitvault_platform::{Error, Result};
use bitvault_proto::v1;
use std::collections::{BTreeMap, BTreeSet};

/// What is to change. No label stands on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) add_tags: Vec<String>,
    pub(crate) remove_tags: Vec<String>,
    pub(crate) set_fields: BTreeMap<String, String>,
    pub(crate) remove_fields: Vec<String>,
}

impl Edit {
    /// As it was asked for. One that changes nothing is refused.
    pub(crate) fn new(asked: &v1::UpdateMetadataRequest) -> Result<Self> {
        let labels = |texts: &[String], reason, field| {
            let labels = texts.iter().map(|text| label(text, reason, field));
            labels.collect::<Result<BTreeSet<String>>>()
        };
        let add_tags = labels(&asked.add_tags, "tag_invalid", "tags")?;
        let remove_tags = labels(&asked.remove_tags, "tag_invalid", "tags")?;
        let remove_fields = labels(&asked.remove_fields, "field_invalid", "fields")?;
        let mut set_fields = BTreeMap::new();
        for (name, text) in &asked.set_fields {
            let name = label(name, "field_invalid", "fields")?;
            if set_fields.insert(name, value(text)?).is_some() {
                return Err(twice("field_invalid", "fields"));
            }
        }
        if !add_tags.is_disjoint(&remove_tags) {
            return Err(twice("tag_invalid", "tags"));
        }
        if set_fields.keys().any(|name| remove_fields.contains(name)) {
            return Err(twice("field_invalid", "fields"));
        }
        let edit = Self {
            add_tags: add_tags.into_iter().collect(),
            remove_tags: remove_tags.into_iter().collect(),
            set_fields,
            remove_fields: remove_fields.into_iter().collect(),
        };
        if edit.is_empty() {
            return Err(Refusal::NoMetadataChange.into());
        }
        Ok(edit)
    }

    fn is_empty(&self) -> bool {
        self.add_tags.is_empty()
            && self.remove_tags.is_empty()
            && self.set_fields.is_empty()
            && self.remove_fields.is_empty()
    }
}

/// Refuses more than a node may carry.
pub(crate) fn require_few(tags: usize, fields: usize) -> Result<(), Refusal> {
    if tags > TAGS_PER_NODE {
        return Err(Refusal::TooManyTags(TAGS_PER_NODE));
    }
    if fields > FIELDS_PER_NODE {
        return Err(Refusal::TooManyFields(FIELDS_PER_NODE));
    }
    Ok(())
}

/// A tag, or a field's name: folded, so that `Draft` and `draft` are one.
fn label(text: &str, reason: &'static str, field: &'static str) -> Result<String> {
    let refuse = |detail: String| Err(Error::invalid_field(reason, field, detail));
    let folded = fold(text.trim());
    if folded.is_empty() {
        return refuse("one is empty".to_owned());
    }
    if folded.len() > LABEL_BYTES {
        return refuse(format!("one is longer than {LABEL_BYTES} bytes"));
    }
    if folded.chars().any(char::is_control) {
        return refuse("one holds a control character".to_owned());
    }
    Ok(folded)
}

/// A field's text, as it was written.
fn value(text: &str) -> Result<String> {
    let refuse = |detail: String| Err(Error::invalid_field("field_invalid", "fields", detail));
    if text.len() > FIELD_VALUE_BYTES {
        return refuse(format!("a value is longer than {FIELD_VALUE_BYTES} bytes"));
    }
    if text
        .chars()
        .any(|one| one.is_control() && one != '\n' && one != '\t')
    {
        return refuse("a value holds a control character".to_owned());
    }
    Ok(text.to_owned())
}

fn twice(reason: &'static str, field: &'static str) -> Error {
    Error::invalid_field(reason, field, "one stands there twice")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(
        add: &[&str],
        remove: &[&str],
        set: &[(&str, &str)],
        unset: &[&str],
    ) -> v1::UpdateMetadataRequest {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        v1::UpdateMetadataRequest {
            add_tags: texts(add),
            remove_tags: texts(remove),
            set_fields: set
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect(),
            remove_fields: texts(unset),
            ..v1::UpdateMetadataRequest::default()
        }
    }

    #[test]
    fn labels_are_folded_and_stand_once() {
        let edit = Edit::new(&asked(
            &[" Entwurf", "ENTWURF ", "Straße"],
            &["alt"],
            &[("Projekt", "Über\nmorgen")],
            &["Kunde"],
        ));
        assert_eq!(
            edit.unwrap(),
            Edit {
                add_tags: vec!["entwurf".to_owned(), "strasse".to_owned()],
                remove_tags: vec!["alt".to_owned()],
                set_fields: BTreeMap::from([("projekt".to_owned(), "Über\nmorgen".to_owned())]),
                remove_fields: vec!["kunde".to_owned()],
            }
        );
    }

    #[test]
    fn what_nobody_could_mean_is_refused() {
        let long = "x".repeat(LABEL_BYTES + 1);
        let much = "x".repeat(FIELD_VALUE_BYTES + 1);
        for (asked, reason) in [
            (asked(&[], &[], &[], &[]), "nothing_to_change"),
            (asked(&[" "], &[], &[], &[]), "tag_invalid"),
            (asked(&["a\0"], &[], &[], &[]), "tag_invalid"),
            (asked(&[&long], &[], &[], &[]), "tag_invalid"),
            (asked(&["A"], &["a"], &[], &[]), "tag_invalid"),
            (asked(&[], &[], &[("", "x")], &[]), "field_invalid"),
            (asked(&[], &[], &[("a", &much)], &[]), "field_invalid"),
            (asked(&[], &[], &[("a", "\u{1b}")], &[]), "field_invalid"),
            (asked(&[], &[], &[("a", "1"), ("A", "2")], &[]), "field_invalid"),
            (asked(&[], &[], &[("a", "1")], &["A"]), "field_invalid"),
        ] {
            assert_eq!(Edit::new(&asked).unwrap_err().reason(), reason, "{asked:?}");
        }
        assert_eq!(
            require_few(TAGS_PER_NODE + 1, 0),
            Err(Refusal::TooManyTags(TAGS_PER_NODE))
        );
        assert_eq!(
            require_few(0, FIELDS_PER_NODE + 1),
            Err(Refusal::TooManyFields(FIELDS_PER_NODE))
        );
        assert_eq!(require_few(TAGS_PER_NODE, FIELDS_PER_NODE), Ok(()));
    }
}
