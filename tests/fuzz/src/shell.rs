//! Words as a POSIX shell splits them, for files of options: written by the README, not by the code.

/// Why a text has no words.
#[derive(Debug)]
pub struct Unclosed;

/// The words of `text`: quotes, backslashes and comments; nothing is substituted, and a quote ends
/// on its line.
pub fn words(text: &str) -> Result<Vec<String>, Unclosed> {
    let chars: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            ' ' | '\t' | '\r' | '\n' => at += 1,
            '#' => at = line_end(&chars, at),
            _ => {
                // What joins two lines and is followed by nothing is no word.
                let (word, end) = word(&chars, at)?;
                words.extend(word);
                at = end;
            }
        }
    }
    Ok(words)
}

fn line_end(chars: &[char], from: usize) -> usize {
    let rest = &chars[from..];
    from + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())
}

fn word(chars: &[char], from: usize) -> Result<(Option<String>, usize), Unclosed> {
    let mut word: Option<String> = None;
    let mut at = from;
    while at < chars.len() {
        let c = chars[at];
        match c {
            ' ' | '\t' | '\r' | '\n' => break,
            // Where a line was joined to nothing, a comment may begin.
            '#' if word.is_none() => break,
            '\'' | '"' => {
                let line = line_end(chars, at);
                let (text, end) = quoted(&chars[..line], at + 1, c)?;
                word.get_or_insert_default().push_str(&text);
                at = end;
            }
            '\\' => {
                let next = at + 1 + usize::from(chars.get(at + 1) == Some(&'\r'));
                match chars.get(next).ok_or(Unclosed)? {
                    '\n' => {}
                    c => word.get_or_insert_default().push(*c),
                }
                at = next + 1;
            }
            c => {
                word.get_or_insert_default().push(c);
                at += 1;
            }
        }
    }
    Ok((word, at))
}

/// What stands within quotes that opened before `from`, and where it goes on after them.
fn quoted(line: &[char], from: usize, quote: char) -> Result<(String, usize), Unclosed> {
    let mut text = String::new();
    let mut at = from;
    loop {
        let c = *line.get(at).ok_or(Unclosed)?;
        at += 1;
        if c == quote {
            return Ok((text, at));
        }
        let next = line.get(at).filter(|next| "\"\\$`".contains(**next));
        match next {
            Some(next) if c == '\\' && quote == '"' => {
                text.push(*next);
                at += 1;
            }
            _ => text.push(c),
        }
    }
}
