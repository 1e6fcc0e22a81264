//! Assignments to a state that was read, which is a snapshot.
//!
//! The compiler reports such an assignment in words about `Arc`. The method that changes the state is named
//! here in its place, and the assignment is taken out of the code, so that only one error appears.

use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, ExprMethodCall, Ident, ImplItemFn, Member, Pat, PatIdent, Type, parse_quote};

use super::{parameter, types};
use crate::errors::Errors;

/// The types of the runtime whose `state()` returns a snapshot.
const READERS: [&str; 3] = ["Context", "View", "Connection"];

/// Reports the assignments to snapshots in a method, and takes them out.
pub(crate) fn report(method: &mut ImplItemFn, errors: &mut Errors) {
    let readers = readers(method);
    if !readers.is_empty() {
        Assignments { readers, errors }.visit_block_mut(&mut method.block);
    }
}

/// Returns the parameters that read a state, each with its type. A name that the body binds again does not
/// count.
fn readers(method: &ImplItemFn) -> Vec<(Ident, &'static str)> {
    struct Bound(Vec<Ident>);
    impl<'t> Visit<'t> for Bound {
        fn visit_pat_ident(&mut self, pattern: &'t PatIdent) {
            self.0.push(pattern.ident.clone());
            visit::visit_pat_ident(self, pattern);
        }
    }
    let mut bound = Bound(Vec::new());
    bound.visit_block(&method.block);
    let reader = |typed: &syn::PatType| {
        let (Pat::Ident(name), Type::Reference(reference)) = (&*typed.pat, types::bare(&typed.ty)) else {
            return None;
        };
        let kind = READERS.into_iter().find(|kind| types::is_named(&reference.elem, kind))?;
        (!bound.0.contains(&name.ident)).then(|| (name.ident.clone(), kind))
    };
    parameter::typed(&method.sig).filter_map(reader).collect()
}

struct Assignments<'e> {
    readers: Vec<(Ident, &'static str)>,
    errors: &'e mut Errors,
}

impl VisitMut for Assignments<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let (left, right) = match &*expr {
            Expr::Assign(assign) => (&assign.left, &assign.right),
            Expr::Binary(binary) if is_assignment(&binary.op) => (&binary.left, &binary.right),
            _ => return visit_mut::visit_expr_mut(self, expr),
        };
        let reader = read_by(left).and_then(|name| self.readers.iter().find(|(reader, _)| reader == name));
        let Some((name, kind)) = reader else { return visit_mut::visit_expr_mut(self, expr) };
        let field = match &**left {
            Expr::Field(field) => match &field.member {
                Member::Named(field) => format!("state.{field}"),
                Member::Unnamed(index) => format!("state.{}", index.index),
            },
            _ => "*state".to_owned(),
        };
        let why = match *kind {
            "View" => format!(
                "the state is a snapshot, and a `View` cannot change it: take `{name}: &Context<Self>`, and write `{name}.update_state(|state| {field} = ..)?`"
            ),
            _ => format!("the state is a snapshot: write `{name}.update_state(|state| {field} = ..)?`"),
        };
        self.errors.at(left, why);
        // The names stay used, so that no warning about them follows.
        *expr = parse_quote!({
            let _ = (&#name, #right);
        });
    }
}

/// Returns the name whose `state()` a place is in, as in `cx.state()?.count`.
fn read_by(place: &Expr) -> Option<&Ident> {
    match place {
        Expr::Field(field) => read_by(&field.base),
        Expr::Index(index) => read_by(&index.expr),
        Expr::Paren(paren) => read_by(&paren.expr),
        Expr::Unary(unary) => read_by(&unary.expr),
        Expr::Try(tried) => read_by(&tried.expr),
        Expr::MethodCall(ExprMethodCall { receiver, method, args, .. }) => match receiver.as_ref() {
            Expr::Path(path) if method == "state" && args.is_empty() => path.path.get_ident(),
            inner if method == "unwrap" || method == "expect" => read_by(inner),
            _ => None,
        },
        _ => None,
    }
}

fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(method: &str) -> Vec<String> {
        let mut errors = Errors::default();
        report(&mut syn::parse_str(method).expect("a method"), &mut errors);
        errors.messages()
    }

    #[test]
    fn assignments_to_snapshots_are_reported() {
        for (body, field) in [
            ("cx.state().count = 3;", "state.count"),
            ("cx.state()?.counts[0] += 1;", "*state"),
            ("if true { cx.state().unwrap().inner.count = 3; }", "state.count"),
            ("*cx.state()? = State::default();", "*state"),
            ("let work = || -> Result<()> { cx.state()?.0 -= 1; Ok(()) };", "state.0"),
        ] {
            let found = mistakes(&format!("fn set(&self, cx: &agents::Context<Self>) {{ {body} }}"));
            let expected = format!("the state is a snapshot: write `cx.update_state(|state| {field} = ..)?`");
            assert_eq!(found, [expected], "{body}");
        }
    }

    #[test]
    fn other_assignments_are_not_reported() {
        for method in [
            "fn set(&self, cx: &Context<Self>) { let mut state = (*cx.state()?).clone(); state.count = 3; }",
            "fn set(&self, cx: &Context<Self>) { cx.state()?.cell.lock().count = 3; }",
            "fn set(&self, cx: &Context<Self>) { let cx = self.other(); cx.state()?.count = 3; }",
            "fn set(&self, other: &Other) { other.state()?.count = 3; }",
            "fn set(&self, cx: &Context<Self>) { cx.update_state(|state| state.count = 3)?; }",
        ] {
            assert!(mistakes(method).is_empty(), "{method}");
        }
    }
}
