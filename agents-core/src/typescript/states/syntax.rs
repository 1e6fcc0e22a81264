//! TypeScript types as `ts-rs` writes them, parsed.

use std::collections::HashMap;

use crate::wire::Declaration;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Text,
    Number,
    Boolean,
    Null,
    /// Any JSON.
    Any,
    /// A type without values in JSON: `never`, `undefined`.
    None,
    Literal(String),
    Array(Box<Self>),
    Tuple(Vec<Self>),
    Object(Vec<Member>),
    Map(Box<Self>, Box<Self>),
    Union(Vec<Self>),
    /// An intersection.
    Both(Vec<Self>),
    /// A declared type or a parameter, with its arguments.
    Named(String, Vec<Self>),
}

/// A key of an object with its type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) is_optional: bool,
    pub(super) form: Form,
}

/// The declared types: their parameters and their forms.
#[derive(Debug, Default)]
pub(super) struct Declared(HashMap<String, (Vec<String>, Form)>);

impl Declared {
    /// Parses declarations.
    ///
    /// # Errors
    /// Returns the declaration that cannot be parsed.
    pub(super) fn of(declarations: &[Declaration]) -> Result<Self, String> {
        let mut declared = HashMap::new();
        for Declaration { name, text, .. } in declarations {
            let text = text.as_ref().map_err(|why| format!("`{name}`: {why}"))?;
            let parsed = declaration(text).ok_or_else(|| format!("`{text}` cannot be read"))?;
            declared.insert(name.clone(), parsed);
        }
        Ok(Self(declared))
    }

    /// Returns the form of a declared type with arguments in place of its parameters.
    pub(super) fn get(&self, name: &str, arguments: &[Form]) -> Option<Form> {
        let (parameters, form) = self.0.get(name)?;
        let bound: HashMap<_, _> = parameters.iter().map(String::as_str).zip(arguments).collect();
        Some(form.replaced(&bound))
    }
}

impl Form {
    /// Parses an expression.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { rest: text };
        let form = parser.form()?;
        parser.is_at_end().then_some(form)
    }

    /// Replaces the parameters of a declaration.
    fn replaced(&self, bound: &HashMap<&str, &Self>) -> Self {
        let all = |forms: &[Self]| forms.iter().map(|form| form.replaced(bound)).collect();
        let one = |form: &Self| Box::new(form.replaced(bound));
        match self {
            Self::Named(name, arguments) => match bound.get(name.as_str()) {
                Some(form) => (*form).clone(),
                None => Self::Named(name.clone(), all(arguments)),
            },
            Self::Array(of) => Self::Array(one(of)),
            Self::Map(key, value) => Self::Map(one(key), one(value)),
            Self::Tuple(forms) => Self::Tuple(all(forms)),
            Self::Union(forms) => Self::Union(all(forms)),
            Self::Both(forms) => Self::Both(all(forms)),
            Self::Object(members) => {
                let member = |member: &Member| Member { form: member.form.replaced(bound), ..member.clone() };
                Self::Object(members.iter().map(member).collect())
            }
            plain => plain.clone(),
        }
    }
}

/// Parses `type Page<T> = { .. };`.
fn declaration(text: &str) -> Option<(Vec<String>, Form)> {
    let mut parser = Parser { rest: text };
    parser.eat("type").then_some(())?;
    parser.word()?;
    let mut parameters = Vec::new();
    if parser.eat("<") {
        while !parser.eat(">") {
            parameters.push(parser.word()?);
            if parser.eat("=") {
                parser.form()?;
            }
            parser.eat(",");
        }
    }
    parser.eat("=").then_some(())?;
    let form = parser.form()?;
    parser.eat(";");
    parser.is_at_end().then_some((parameters, form))
}

struct Parser<'t> {
    rest: &'t str,
}

impl Parser<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
        while let Some(comment) = self.rest.strip_prefix("/*") {
            self.rest = comment.split_once("*/").map_or("", |(_, after)| after).trim_start();
        }
    }

    fn is_at_end(&mut self) -> bool {
        self.skip();
        self.rest.is_empty()
    }

    /// Consumes a symbol or a word.
    fn eat(&mut self, expected: &str) -> bool {
        self.skip();
        let Some(rest) = self.rest.strip_prefix(expected) else { return false };
        if expected.ends_with(is_letter) && rest.starts_with(is_letter) {
            return false;
        }
        self.rest = rest;
        true
    }

    fn word(&mut self) -> Option<String> {
        self.skip();
        let end = self.rest.find(|letter| !is_letter(letter)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    /// Consumes a text in quotes.
    fn quoted(&mut self) -> Option<String> {
        self.skip();
        let mut texts = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        let text = texts.next()?.ok()?;
        self.rest = self.rest.get(texts.byte_offset()..)?;
        Some(text)
    }

    fn form(&mut self) -> Option<Form> {
        self.eat("|");
        let mut forms = vec![self.both()?];
        while self.eat("|") {
            forms.push(self.both()?);
        }
        if forms.len() == 1 { forms.pop() } else { Some(Form::Union(forms)) }
    }

    fn both(&mut self) -> Option<Form> {
        let mut forms = vec![self.single()?];
        while self.eat("&") {
            forms.push(self.single()?);
        }
        if forms.len() == 1 { forms.pop() } else { Some(Form::Both(forms)) }
    }

    fn single(&mut self) -> Option<Form> {
        let mut form = self.primary()?;
        while self.eat("[") {
            self.eat("]").then_some(())?;
            form = Form::Array(Box::new(form));
        }
        Some(form)
    }

    fn primary(&mut self) -> Option<Form> {
        self.skip();
        match self.rest.chars().next()? {
            '"' => self.quoted().map(Form::Literal),
            '{' => self.object(),
            '(' => {
                self.eat("(");
                let form = self.form()?;
                self.eat(")").then_some(form)
            }
            '[' => {
                self.eat("[");
                self.list("]").map(Form::Tuple)
            }
            _ => {
                let name = self.word()?;
                let arguments = if self.eat("<") { self.list(">")? } else { Vec::new() };
                named(name, arguments)
            }
        }
    }

    fn list(&mut self, end: &str) -> Option<Vec<Form>> {
        let mut forms = Vec::new();
        while !self.eat(end) {
            forms.push(self.form()?);
            if !self.eat(",") {
                return self.eat(end).then_some(forms);
            }
        }
        Some(forms)
    }

    fn object(&mut self) -> Option<Form> {
        self.eat("{").then_some(())?;
        let mut members = Vec::new();
        let mut maps = Vec::new();
        while !self.eat("}") {
            if self.eat("[") {
                self.word()?;
                let _ = self.eat("in") || self.eat(":");
                let key = self.form()?;
                self.eat("]").then_some(())?;
                self.eat("?");
                self.eat(":").then_some(())?;
                maps.push(Form::Map(Box::new(key), Box::new(self.form()?)));
            } else {
                self.skip();
                let name = if self.rest.starts_with('"') { self.quoted()? } else { self.word()? };
                let is_optional = self.eat("?");
                self.eat(":").then_some(())?;
                members.push(Member { name, is_optional, form: self.form()? });
            }
            let _ = self.eat(",") || self.eat(";");
        }
        if maps.is_empty() {
            return Some(Form::Object(members));
        }
        if !members.is_empty() {
            maps.push(Form::Object(members));
        }
        if maps.len() == 1 { maps.pop() } else { Some(Form::Both(maps)) }
    }
}

fn named(name: String, mut arguments: Vec<Form>) -> Option<Form> {
    Some(match (name.as_str(), arguments.len()) {
        ("string", 0) => Form::Text,
        ("number" | "bigint", 0) => Form::Number,
        ("boolean", 0) => Form::Boolean,
        ("null", 0) => Form::Null,
        ("any" | "unknown" | "JsonValue", 0) => Form::Any,
        ("never" | "undefined" | "void" | "symbol", 0) => Form::None,
        ("Array", 1) => Form::Array(Box::new(arguments.pop()?)),
        _ => Form::Named(name, arguments),
    })
}

fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, is_optional: bool, form: Form) -> Member {
        Member { name: name.to_owned(), is_optional, form }
    }

    #[test]
    fn the_forms_of_the_generated_types_are_parsed() {
        let literal = |text: &str| Form::Literal(text.to_owned());
        let array = |form| Form::Array(Box::new(form));
        for (text, expected) in [
            ("string", Form::Text),
            ("Array<number | null>", array(Form::Union(vec![Form::Number, Form::Null]))),
            ("(boolean | null)[]", array(Form::Union(vec![Form::Boolean, Form::Null]))),
            ("[number, string]", Form::Tuple(vec![Form::Number, Form::Text])),
            ("{ [key in symbol]: never }", Form::Map(Box::new(Form::None), Box::new(Form::None))),
            (
                "{ \"t\": \"a b\" } & Point",
                Form::Both(vec![
                    Form::Object(vec![member("t", false, literal("a b"))]),
                    Form::Named("Point".to_owned(), Vec::new()),
                ]),
            ),
            (
                "{ \n/**\n * a?: b, \" */\na?: Page<X, Y>, inner: any, }",
                Form::Object(vec![
                    member(
                        "a",
                        true,
                        Form::Named(
                            "Page".to_owned(),
                            ["X", "Y"].map(|name| Form::Named(name.to_owned(), Vec::new())).to_vec(),
                        ),
                    ),
                    member("inner", false, Form::Any),
                ]),
            ),
        ] {
            assert_eq!(Form::parse(text), Some(expected), "{text}");
        }
        for text in ["", "{ a: }", "string number", "[string", "`a${string}`"] {
            assert_eq!(Form::parse(text), None, "{text}");
        }
    }

    #[test]
    fn parameters_are_replaced() {
        let declaration = |name: &str, text: &str| Declaration {
            rust_name: name.to_owned(),
            name: name.to_owned(),
            docs: String::new(),
            text: Ok(text.to_owned()),
        };
        let declared = Declared::of(&[declaration(
            "Page",
            "type Page<K, T = string> = { by: { [key in K]: Array<T> }, };",
        )])
        .unwrap();
        let form = declared.get("Page", &[Form::Text, Form::Number]).unwrap();
        let map = Form::Map(Box::new(Form::Text), Box::new(Form::Array(Box::new(Form::Number))));
        assert_eq!(form, Form::Object(vec![member("by", false, map)]));
        assert_eq!(declared.get("Other", &[]), None);
        assert!(Declared::of(&[declaration("A", "type A = `a`;")]).unwrap_err().contains("type A"));
    }
}
