//! Text that came from elsewhere, made fit to be shown.

/// Longest text of a member that is repeated in a message, in characters. An etcd error is one line; anything longer is
/// an error page or an attack.
const LIMIT: usize = 300;

/// Bounds a text that a member (or a file, or a user) gave us and takes out what could forge lines or terminal codes.
///
/// Control and formatting characters become spaces, runs of white space become one, and at most 300 characters stay.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::new();
    let mut count = 0;
    for word in text.split(|c: char| c.is_whitespace() || is_unprintable(c)) {
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
            count += 1;
        }
        for c in word.chars() {
            if count >= LIMIT {
                out.push('…');
                return out;
            }
            out.push(c);
            count += 1;
        }
    }
    out
}

/// Control characters, and those that change the direction or the place of the text after them.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_taken_out() {
        assert_eq!(
            clean("a\r\nFAKE log\u{1b}[31m red\u{202e}x"),
            "a FAKE log [31m red x"
        );
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let cleaned = clean(&"ü".repeat(100_000));
        assert_eq!(cleaned.chars().count(), LIMIT + 1);
        assert!(cleaned.ends_with('…'));
    }
}
