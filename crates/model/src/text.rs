//! Text that comes from a member, made safe to show.

/// Characters of one foreign text that are shown: several lines of a terminal, not a screen.
const SHOWN_CHARS_MAX: usize = 1_000;

/// The text without what could steer a terminal or hide: control characters become spaces, characters that
/// reorder or that are invisible vanish, and what has more than 1,000 characters is cut.
pub fn plain_text(text: &str) -> String {
    let visible = text.chars().filter(|c| !is_invisible(*c));
    let mut shown: String = visible
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN_CHARS_MAX + 1)
        .collect();
    if shown.chars().count() > SHOWN_CHARS_MAX {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// True for a character that could steer a terminal, reorder what is shown on it, or hide.
pub fn is_unprintable(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Marks and overrides of writing direction, zero-width characters, line and paragraph separators, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(
            plain_text("m1\x1b]0;owned\x07\n\u{9b}2J"),
            "m1 ]0;owned   2J"
        );
        assert_eq!(plain_text("a\u{202e}b\u{200b}c"), "abc");
    }

    #[test]
    fn what_is_shown_holds_nothing_unprintable() {
        for c in ['\x1b', '\u{9b}', '\u{202e}', '\u{feff}', '\n'] {
            assert!(is_unprintable(c), "{c:?}");
            assert!(!plain_text(&c.to_string()).chars().any(is_unprintable));
        }
        assert!(!"m1 é 漢 →".chars().any(is_unprintable));
    }

    #[test]
    fn foreign_text_is_cut() {
        let shown = plain_text(&"x".repeat(5_000));
        assert_eq!(shown.chars().count(), SHOWN_CHARS_MAX + 1);
        assert!(shown.ends_with("x…"), "{shown}");
    }
}
