//! Text as HTML.

use std::fmt;

use serde_json::Value;

/// A text that is shown as it is, whatever stands in it.
pub(super) struct Markup<'a>(&'a str);

impl<'a> Markup<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// A text of the document; nothing where there is none.
    pub(super) fn text(value: &'a Value) -> Self {
        Self(value.as_str().unwrap_or_default())
    }
}

impl fmt::Display for Markup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

/// Paragraphs, with what stands between backticks as code.
pub(super) fn prose(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let paragraphs = text.split("\n\n").filter(|text| !text.trim().is_empty());
    let paragraphs: Vec<String> = paragraphs.map(sentence).collect();
    match paragraphs.join("</p><p>") {
        none if none.is_empty() => none,
        paragraphs => format!("<p>{paragraphs}</p>"),
    }
}

/// The same without paragraphs.
pub(super) fn sentence(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let marked = parts.map(|(index, part)| match index % 2 {
        0 => Markup::of(part).to_string(),
        _ => code(part),
    });
    marked.collect()
}

/// A word of a program.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", Markup::of(text))
}

/// What names an area in an address.
pub(super) fn slug(name: &Value) -> String {
    anchor("area", name.as_str().unwrap_or_default())
}

/// What names a thing of this kind in an address.
pub(super) fn anchor(kind: &str, name: &str) -> String {
    let plain = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || letter == '_' => letter,
        _ => '-',
    };
    format!("{kind}-{}", name.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_backticks_are_code() {
        assert_eq!(
            prose(&"a `b<c>` d\n\n\"e\" & 'f'".into()),
            "<p>a <code>b&lt;c&gt;</code> d</p><p>&quot;e&quot; &amp; &#39;f&#39;</p>"
        );
        assert_eq!(anchor("area", "Live events"), "area-Live-events");
    }
}
