//! `migrations!`: an ordered list of SQL migrations, from literals or from the files of a folder.

use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprMacro, Ident, LitStr, Path as CratePath, Token};

use super::literal::LiteralSpan;
use super::scan::{self, Mistake, Word};
use crate::errors::Errors;

/// The prefix of the tables of the runtime.
const RESERVED: &str = "_agents";

/// The migrations as the user wrote them, and the path of the crate if it is given.
struct Input {
    path: Option<CratePath>,
    list: List,
}

enum List {
    Texts(Vec<LitStr>),
    /// A folder, relative to the crate.
    Folder(LitStr),
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut path = None;
        if input.peek(Token![crate]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            path = Some(input.call(CratePath::parse_mod_style)?);
            input.parse::<Token![,]>()?;
        }
        Ok(Self { path, list: input.parse()? })
    }
}

impl Parse for List {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let usage = "write `migrations![\"CREATE TABLE ..\", ..]`, or `migrations!(dir \"migrations\")` for the files of a folder";
        let wrong = |error: syn::Error| syn::Error::new(error.span(), usage);
        if input.is_empty() {
            return Err(input.error(usage));
        }
        if input.peek(Ident) {
            let word: Ident = input.parse()?;
            if word != "dir" {
                return Err(syn::Error::new(word.span(), usage));
            }
            let folder = input.parse().map_err(wrong)?;
            return if input.is_empty() { Ok(Self::Folder(folder)) } else { Err(input.error(usage)) };
        }
        let texts = Punctuated::<LitStr, Token![,]>::parse_terminated(input).map_err(wrong)?;
        Ok(Self::Texts(texts.into_iter().collect()))
    }
}

/// Gives the path of the crate to a `migrations!` that is the list of a class, so that the class names the path
/// once.
pub(crate) fn with_path(list: &Expr, path: &CratePath) -> Expr {
    let mut list = list.clone();
    if let Expr::Macro(ExprMacro { mac, .. }) = &mut list
        && mac.path.segments.last().is_some_and(|last| last.ident == "migrations")
        && mac.parse_body::<Input>().is_ok_and(|input| input.path.is_none())
    {
        let texts = &mac.tokens;
        mac.tokens = quote!(crate = #path, #texts);
    }
    list
}

/// Expands `migrations!(..)`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let input: Input = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let Input { path, list } = input;
    let rt = path.map_or_else(|| quote!(::agents::__rt), |path| quote!(#path::__rt));
    let list = match &list {
        List::Texts(texts) => literals(texts, &rt, &mut errors),
        List::Folder(folder) => {
            let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
            files(Path::new(&root), folder, &rt, &mut errors)
        }
    };
    if errors.is_empty() {
        return quote!(&[#(#list),*]);
    }
    let errors = errors.to_compile_errors();
    // An empty list, so that the use of the result gives no further error.
    quote!({ #errors &[] })
}

fn literals(texts: &[LitStr], rt: &TokenStream, errors: &mut Errors) -> Vec<TokenStream> {
    let migration = |text: &LitStr| {
        if let Err(mistake) = check(&text.value()) {
            errors.at_span(LiteralSpan::new(text).span(mistake.range), mistake.message);
        }
        quote!(#rt::Migration::new(#text))
    };
    texts.iter().map(migration).collect()
}

/// Reads the files of a folder: `0001_name.sql` and so on, without gaps.
fn files(root: &Path, folder: &LitStr, rt: &TokenStream, errors: &mut Errors) -> Vec<TokenStream> {
    let path = folder.value();
    let names = match names(&root.join(&path)) {
        Ok(names) => names,
        Err(error) => {
            errors.at(folder, format!("the folder `{path}` of this crate cannot be read: {error}"));
            return Vec::new();
        }
    };
    if names.is_empty() {
        errors.at(folder, format!("the folder `{path}` has no file such as `0001_messages.sql`"));
    }
    let mut list = Vec::new();
    let mut last = 0;
    for name in &names {
        let number = match number(name) {
            Ok(number) => number,
            Err(why) => {
                errors.at(folder, format!("`{path}/{name}`: {why}"));
                continue;
            }
        };
        if number == last {
            errors.at(folder, format!("`{path}/{name}`: another file has the number {number:04}"));
        } else if number != last + 1 {
            errors.at(
                folder,
                format!("`{path}/{name}`: a file with the number {:04} is missing before it", last + 1),
            );
        }
        last = number;
        match fs::read_to_string(root.join(&path).join(name)) {
            Ok(text) => {
                if let Err(mistake) = check(&text) {
                    let line = text[..mistake.range.start].matches('\n').count() + 1;
                    errors.at(folder, format!("`{path}/{name}`, line {line}: {}", mistake.message));
                }
            }
            Err(error) => errors.at(folder, format!("`{path}/{name}` cannot be read: {error}")),
        }
        // The compiler reads the file by itself and so notices later changes of it.
        let file = format!("/{path}/{name}");
        list.push(quote! {
            #rt::Migration::from_file(
                #name,
                ::core::include_str!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #file)),
            )
        });
    }
    list
}

/// Returns the names of the SQL files in a folder, sorted.
fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".sql") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn number(name: &str) -> Result<u32, &'static str> {
    let usage = "the name must begin with four digits and `_`, as in `0001_messages.sql`";
    let (digits, _) = name.split_once('_').ok_or(usage)?;
    match digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        true => digits.parse().map_err(|_| usage),
        false => Err(usage),
    }
}

/// Checks the statements of a migration as far as this is possible without SQLite.
fn check(text: &str) -> Result<(), Mistake> {
    let everything = |message: &str| Mistake { range: 0..text.len(), message: message.to_owned() };
    let statements = scan::statements(text)?;
    if statements.is_empty() {
        return Err(everything("there is no statement in this text"));
    }
    for statement in &statements {
        let first = statement.first().map_or("", |word: &Word| word.text.as_str());
        if matches!(first, "BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE") {
            let message = format!("a migration runs in the transaction of the start: leave `{first}` out");
            return Err(everything(&message));
        }
    }
    match reserved(text) {
        Some(at) => Err(Mistake {
            range: at..at + RESERVED.len(),
            message: "names that begin with `_agents` belong to the runtime".to_owned(),
        }),
        None => Ok(()),
    }
}

/// Returns the position of a name of the runtime.
fn reserved(text: &str) -> Option<usize> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let bytes = text.as_bytes();
    bytes.windows(RESERVED.len()).enumerate().find_map(|(at, part)| {
        let starts = part.eq_ignore_ascii_case(RESERVED.as_bytes())
            && at.checked_sub(1).is_none_or(|before| !word(bytes[before]));
        let next = bytes.get(at + RESERVED.len());
        (starts && next.is_none_or(|next| *next == b'_' || !word(*next))).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn why(text: &str) -> String {
        check(text).map_or_else(|mistake| mistake.message, |()| String::new())
    }

    #[test]
    fn statements_are_checked_without_a_database() {
        for text in [
            "CREATE TABLE a (b TEXT) STRICT",
            "CREATE TABLE a (b); -- one\n/* two */ INSERT INTO a VALUES ('{x}', '?', ';');",
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; DELETE FROM a; END; DROP TABLE b;",
            "UPDATE a SET b = CASE WHEN c THEN 1 ELSE 2 END",
            "CREATE TABLE my_agents (a)",
        ] {
            assert_eq!(why(text), "", "{text}");
        }
        for (text, expected) in [
            ("", "no statement"),
            (" -- nothing\n;", "no statement"),
            ("BEGIN; CREATE TABLE a (b); COMMIT", "leave `BEGIN` out"),
            ("CREATE TABLE a (b); end", "leave `END` out"),
            ("CREATE TABLE a (b TEXT DEFAULT 'x)", "not closed"),
            ("CREATE TABLE a (b", "`(` is not closed"),
            ("CREATE TABLE a b)", "this `)` has no `(`"),
            ("INSERT INTO a VALUES (?1)", "no values"),
            ("DROP TABLE \"_AGENTS_kv\"", "belong to the runtime"),
            ("SELECT # FROM a", "no `#`"),
            ("SELECT '\0'", "NUL"),
        ] {
            let found = why(text);
            assert!(found.contains(expected), "{text}: {found}");
        }
    }

    #[test]
    fn a_list_may_have_the_path_of_the_crate() {
        let expansion = |list: TokenStream| expand(list).to_string().replace(' ', "");
        let one = "(\"CREATETABLEa(b)\")]";
        assert_eq!(expansion(quote!("CREATE TABLE a (b)")), format!("&[::agents::__rt::Migration::new{one}"));
        let own = quote!(crate = my::agents, "CREATE TABLE a (b)");
        assert_eq!(expansion(own), format!("&[my::agents::__rt::Migration::new{one}"));
        assert!(expansion(quote!(crate = my::agents)).contains("compile_error!"));
    }

    #[test]
    fn files_have_numbers_without_gaps() {
        let folder = std::env::temp_dir().join(format!("agents-migrations-{}", std::process::id()));
        let write = |name: &str, text: &str| {
            fs::create_dir_all(folder.join("sql")).unwrap();
            fs::write(folder.join("sql").join(name), text).unwrap();
        };
        let messages = || {
            let mut errors = Errors::default();
            let list =
                files(&folder, &LitStr::new("sql", Span::call_site()), &TokenStream::new(), &mut errors);
            (list.len(), errors.messages())
        };
        assert!(messages().1[0].contains("cannot be read"));
        write("0001_a.sql", "CREATE TABLE a (b)");
        write("0002_b.sql", "ALTER TABLE a ADD COLUMN c");
        write("readme.md", "no SQL");
        assert_eq!(messages(), (2, Vec::new()));
        write("0002_c.sql", "DROP TABLE a;\nDROP TABLE 'b");
        write("0005_d.sql", "DROP TABLE c");
        write("x.sql", "DROP TABLE d");
        let (_, found) = messages();
        let expected = [
            "another file has the number 0002",
            "0002_c.sql`, line 2",
            "number 0003 is missing",
            "four digits",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
