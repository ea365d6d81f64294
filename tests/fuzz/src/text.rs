//! What egret may print.

/// Panics when `text`, which egret prints, is not one line of characters that show.
pub fn assert_one_line(text: &str) {
    assert!(!text.is_empty(), "an error without a text");
    assert_prints(text);
}

/// Panics when `text` holds what does not show, or shows as something else.
pub fn assert_prints(text: &str) {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
            || ('\u{200b}'..='\u{200f}').contains(&c)
            || ('\u{2028}'..='\u{202e}').contains(&c)
            || ('\u{2060}'..='\u{206f}').contains(&c)
    };
    assert!(!text.contains(hidden), "{text:?}");
}
