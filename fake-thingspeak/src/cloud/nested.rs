//! Parameters inside of others, as Rails reads their names: `channel[name]` is `name` in `channel`. JSON says the same
//! with objects in objects.
//!
//! They stay in one flat list under their whole names, so that a request without any, as nearly all are, pays nothing
//! for them. Ours, where Rails is lenient or the service unknown: a bracket that is not closed, or with something
//! behind it, is malformed, and so is a name that is both a value and something with values inside.

use super::error::Failure;

/// How many of them a request has at most; a channel has half as many properties.
const MOST: usize = 64;
/// How many brackets follow a name at most. No operation knows more than one.
const DEEPEST: usize = 8;

/// Whether `name` is that of a parameter inside of another.
pub(super) fn is_nested(name: &str) -> bool {
    name.as_bytes().contains(&b'[')
}

/// The name of what `inner` is in `outer`.
pub(super) fn name(outer: &str, inner: &str) -> String {
    format!("{outer}[{inner}]")
}

/// Whether `there` is the name of what `inner` is in `outer`.
pub(super) fn is(there: &str, outer: &str, inner: &str) -> bool {
    let within = there.strip_prefix(outer).and_then(|rest| rest.strip_prefix('['));
    within.and_then(|rest| rest.strip_suffix(']')) == Some(inner)
}

/// Looks whether the names of a request, of which some are nested, go together.
pub(super) fn check<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Result<(), Failure> {
    let mut outers = Vec::new();
    for name in names.clone().filter(|name| is_nested(name)) {
        if outers.len() == MOST {
            return Err(Failure::TooLarge);
        }
        outers.push(outer(name)?);
    }
    // Nor can it be told which of the two is meant.
    let mut flat = names.filter(|name| !is_nested(name));
    if flat.any(|name| outers.contains(&name)) { Err(Failure::BadRequest) } else { Ok(()) }
}

/// The part of a well-formed name that stands before its brackets.
fn outer(name: &str) -> Result<&str, Failure> {
    let (outer, mut rest) = name.split_once('[').ok_or(Failure::BadRequest)?;
    if outer.is_empty() || outer.contains(']') {
        return Err(Failure::BadRequest);
    }
    for _ in 0..DEEPEST {
        let (inner, behind) = rest.split_once(']').ok_or(Failure::BadRequest)?;
        if inner.contains('[') {
            return Err(Failure::BadRequest);
        }
        if behind.is_empty() {
            return Ok(outer);
        }
        rest = behind.strip_prefix('[').ok_or(Failure::BadRequest)?;
    }
    Err(Failure::BadRequest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(names: &[&str]) -> Result<(), Failure> {
        check(names.iter().copied())
    }

    #[test]
    fn a_name_is_found_inside_of_its_own_and_of_no_other() {
        assert!(is(&name("channel", "name"), "channel", "name"));
        for there in ["name", "channel", "channel[name", "channel[name][x]", "channels[name]", "channel[]", "[name]"] {
            assert!(!is(there, "channel", "name"), "{there}");
        }
    }

    #[test]
    fn brackets_come_in_pairs_and_not_too_deep() {
        for good in ["a[b]", "a[]", "a[][b]", "a[0][b]", "a]", "a[b][c][d][e][f][g][h][i]"] {
            assert_eq!(checked(&[good]), Ok(()), "{good}");
        }
        for bad in ["a[", "a[b", "a[b]c", "a[b]]", "a[b[c]]", "[b]", "a][b]", "a[b][", "a[b][c][d][e][f][g][h][i][j]"] {
            assert_eq!(checked(&[bad]), Err(Failure::BadRequest), "{bad}");
        }
    }

    #[test]
    fn a_name_is_a_value_or_has_values_inside() {
        assert_eq!(checked(&["channel[name]", "name", "channel[name]"]), Ok(()));
        assert_eq!(checked(&["channel", "channel[name]"]), Err(Failure::BadRequest));
        assert_eq!(checked(&["channel[name]", "channel"]), Err(Failure::BadRequest));
    }

    #[test]
    fn there_are_not_too_many() {
        assert_eq!(checked(&["a[b]"; MOST]), Ok(()));
        assert_eq!(checked(&["a[b]"; MOST + 1]), Err(Failure::TooLarge));
    }
}
