//! What a mistyped name may have meant.

/// Edits beyond which two names are not taken for one another.
const EDITS_MAX: usize = 2;

/// The candidate that is nearest to `word`, if any is near: at most two letters differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= EDITS_MAX)
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= EDITS_MAX && edits * 2 < candidate.len())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, remove or replace to turn one word into the other (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        let mut next = vec![left];
        for (b, up) in to.chars().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != b)).min(up + 1).min(left + 1);
            diagonal = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_by_letter() {
        assert_eq!(edits("", ""), 0);
        assert_eq!(edits("abc", ""), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("--rout", "--route"), 1);
    }

    #[test]
    fn a_typo_finds_its_name_and_nonsense_finds_none() {
        assert_eq!(nearest("identiy", ["cert", "identity"]), Some("identity"));
        assert_eq!(nearest("colour", ["cert", "key", "ca"]), None);
        assert_eq!(nearest("x", ["ca"]), None);
    }
}
