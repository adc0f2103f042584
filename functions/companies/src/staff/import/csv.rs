//! A file of staff: comma, semicolon or tab between the cells, names of the fields in the first line. What
//! our own export writes is read back as it was.

use std::collections::HashMap;

use super::{Incoming, Skipped};
use crate::staff::field::Field;
use crate::staff::model::Values;

/// Rows of a file.
pub const MOST_ROWS: usize = 2000;

/// Bytes of a file.
pub const MOST_BYTES: i64 = 1024 * 1024;

/// A row with its line in the file.
#[derive(Debug, Clone)]
pub struct Row {
    /// From 1, the heading included.
    pub line: usize,
    /// The person, or why the row is left out.
    pub read: Result<Incoming, Skipped>,
}

/// A file that can be read.
#[derive(Debug, Clone)]
pub struct File {
    /// In order.
    pub rows: Vec<Row>,
    /// Names of columns that mean nothing here.
    pub unknown: Vec<String>,
}

/// Reads a file; the message says what is wrong with the whole of it.
pub fn read(text: &str, zone: &str) -> Result<File, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = cells(text, separator(text)).into_iter();
    let (_, head) =
        lines.next().ok_or("The file is empty. Send one with the names of the columns in its first line.")?;
    let fields: Vec<Option<Field>> = head.iter().map(|name| Field::named(name)).collect();
    if !fields.contains(&Some(Field::FirstName)) {
        return Err("The first line must name the columns, first_name among them.".to_owned());
    }
    let unknown = head.iter().zip(&fields).filter(|(name, field)| field.is_none() && !name.trim().is_empty());
    let unknown = unknown.map(|(name, _)| name.trim().to_owned()).collect();
    let mut seen = HashMap::new();
    let mut rows = Vec::new();
    for (line, cells) in lines.filter(|(_, cells)| cells.iter().any(|cell| !cell.trim().is_empty())) {
        if rows.len() == MOST_ROWS {
            return Err(format!("The file has more than {MOST_ROWS} people. Split it."));
        }
        rows.push(Row { line, read: person(line, &cells, &fields, zone, &mut seen) });
    }
    if rows.is_empty() {
        Err("The file has no rows below its first line.".to_owned())
    } else {
        Ok(File { rows, unknown })
    }
}

fn person(
    line: usize,
    cells: &[String],
    fields: &[Option<Field>],
    zone: &str,
    seen: &mut HashMap<String, usize>,
) -> Result<Incoming, Skipped> {
    let mut incoming = Incoming::default();
    for (cell, field) in cells.iter().zip(fields) {
        let (Some(field), text) = (field, plain(cell)) else { continue };
        if !text.is_empty() && incoming.text(*field).is_empty() {
            incoming.values.push((*field, text.to_owned()));
        }
    }
    let name = format!("{} {}", incoming.text(Field::FirstName), incoming.text(Field::LastName));
    incoming.label = format!("Line {line}: {}", name.trim());
    let mut wrong: Vec<String> = Vec::new();
    if incoming.text(Field::FirstName).is_empty() {
        wrong.push("Enter the first name".to_owned());
    }
    let mut values = Values::default();
    for (field, text) in &incoming.values {
        if let Err(message) = values.set(*field, text, zone) {
            wrong.push(format!("{}: {message}", field.label()));
        }
    }
    if let Some(email) = values.email
        && let Some(earlier) = seen.insert(email, line)
    {
        wrong.push(format!("The email is in line {earlier} already"));
    }
    if wrong.is_empty() { Ok(incoming) } else { Err(Skipped { label: incoming.label, reason: wrong.join(". ") }) }
}

/// Without the apostrophe that keeps a spreadsheet from reading a formula.
fn plain(cell: &str) -> &str {
    let cell = cell.trim();
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest.trim(),
        _ => cell,
    }
}

fn separator(text: &str) -> char {
    let head = text.lines().next().unwrap_or_default();
    let count = |c: char| head.matches(c).count();
    [';', '\t'].into_iter().find(|c| count(*c) > count(',')).unwrap_or(',')
}

/// Lines with their cells; a cell in quotes may hold separators, line breaks and doubled quotes.
fn cells(text: &str, separator: char) -> Vec<(usize, Vec<String>)> {
    let (mut all, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut begun, mut is_quoted) = (1, 1, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if cell.trim().is_empty() => (is_quoted, cell) = (true, String::new()),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut cell));
                all.push((begun, std::mem::take(&mut row)));
                line += 1;
                begun = line;
            }
            c if c == separator && !is_quoted => row.push(std::mem::take(&mut cell)),
            c => {
                line += usize::from(c == '\n');
                cell.push(c);
            }
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        all.push((begun, row));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(file: &File) -> Vec<&Incoming> {
        file.rows.iter().filter_map(|row| row.read.as_ref().ok()).collect()
    }

    #[test]
    fn files_of_spreadsheets_are_read() {
        let text = "\u{feff}First name;Last name;E-mail;Salary\r\nAna;\"Ruiz; \"\"A\"\"\r\nB\";ana@example.com;9\r\n;;;\r\nBen;;;\r\n";
        let file = read(text, "UTC").unwrap();
        let rows = good(&file);
        assert_eq!((rows.len(), file.unknown.as_slice()), (2, &["Salary".to_owned()][..]));
        assert_eq!(rows[0].text(Field::LastName), "Ruiz; \"A\"\r\nB");
        assert_eq!((file.rows[0].line, file.rows[1].line), (2, 5));
        assert_eq!(rows[1].text(Field::Email), "");
    }

    #[test]
    fn guarded_cells_are_read_back() {
        let file = read("first_name,mobile_phone\nAna,'+447700900123\nO'Neil,", "UTC").unwrap();
        assert_eq!(good(&file)[0].text(Field::MobilePhone), "+447700900123");
        assert_eq!(good(&file)[1].text(Field::FirstName), "O'Neil");
    }

    #[test]
    fn each_row_says_what_is_wrong_with_it() {
        let text = "first_name,email,account_action,date_onboarded\n,x@example.com,,\nAna,ana,Gone,2026-13-01\n\
                    Ana,ana@example.com,,\nAnother,ANA@example.com,,2026-02-01\n";
        let file = read(text, "UTC").unwrap();
        let why: Vec<String> = file.rows.iter().filter_map(|r| r.read.clone().err()).map(|s| s.reason).collect();
        assert_eq!(why.len(), 3);
        assert!(why[0].contains("Enter the first name"));
        assert!(why[1].contains("Email:") && why[1].contains("Account action:") && why[1].contains("Started:"));
        assert!(why[2].contains("in line 4 already"), "{}", why[2]);
    }

    #[test]
    fn what_is_no_list_of_people_is_refused_whole() {
        for bad in ["", "name,email\nx,y", "first_name\n", "first_name\n\n\n"] {
            assert!(read(bad, "UTC").is_err(), "{bad:?}");
        }
        let many = format!("first_name\n{}", "Ana\n".repeat(MOST_ROWS + 1));
        assert!(read(&many, "UTC").unwrap_err().contains("Split it"));
        assert!(read("first_name,email\n\"never closed, a\nb", "UTC").is_ok());
    }
}
