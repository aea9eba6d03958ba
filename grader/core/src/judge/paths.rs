//! What a rule names, from its syntax tree: paths of the evidence, and functions.

use std::fmt;

use cel::{
    IdedExpr, Program,
    common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, LiteralValue, operators},
};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathSegment {
    /// A field of an object, or the value of a map by its key.
    Field(String),
    /// Every element of a list.
    Each,
    /// Some element of a list.
    Index,
}

/// A path that an expression names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPath {
    /// The steps; the first is a probe's name, or `self`.
    pub segments: Vec<PathSegment>,
    /// Bytes of the expression in which it stands.
    pub range: std::ops::Range<usize>,
    /// Whether the expression only asks whether it is there (`has()`).
    pub only_tested: bool,
}

impl NamedPath {
    /// Whether its first step is this name.
    pub fn starts_at(&self, name: &str) -> bool {
        matches!(self.segments.first(), Some(PathSegment::Field(first)) if first == name)
    }
}

impl fmt::Display for NamedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments.iter().enumerate().try_for_each(|(at, segment)| f.write_str(&shown(at, segment)))
    }
}

/// One step of a path as it is shown.
fn shown(at: usize, segment: &PathSegment) -> String {
    match segment {
        PathSegment::Field(name) if at == 0 => name.clone(),
        PathSegment::Field(name) => format!(".{name}"),
        PathSegment::Each => "[*]".into(),
        PathSegment::Index => "[…]".into(),
    }
}

/// A function that an expression calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFunction {
    /// Its name.
    pub name: String,
    /// With how many arguments, the value before the dot included.
    pub arguments: usize,
    /// Bytes of the expression in which it stands.
    pub range: std::ops::Range<usize>,
}

/// What an expression names.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub paths: Vec<NamedPath>,
    pub functions: Vec<NamedFunction>,
    /// Where `all()` runs over what another comprehension has chosen: over nothing it is true.
    pub all_of_chosen: Vec<std::ops::Range<usize>>,
}

/// What a variable of a comprehension stands for: a path, or a value made by the expression.
type Bound = (String, Option<Vec<PathSegment>>);

/// What a program names.
pub(super) fn named_by(program: &Program) -> Named {
    let mut walk = Walk { program, found: Named::default(), bound: Vec::new() };
    walk.visit(program.expression());
    walk.found
}

struct Walk<'a> {
    program: &'a Program,
    found: Named,
    bound: Vec<Bound>,
}

impl Walk<'_> {
    /// Visits an expression that is used as a value: the path it denotes is named.
    fn visit(&mut self, expr: &IdedExpr) {
        if let Some(segments) = self.denoted(expr) {
            self.name(expr, segments, false);
        }
    }

    fn name(&mut self, expr: &IdedExpr, segments: Vec<PathSegment>, only_tested: bool) {
        let mut range = self.range(expr);
        // Written as a path is shown, it ends where its last field does.
        let shown: String = segments.iter().enumerate().map(|(at, step)| shown(at, step)).collect();
        let end = range.start + shown.len();
        if self.program.source_info().source.get(range.start..end) == Some(shown.as_str()) {
            range.end = end;
        }
        let path = NamedPath { segments, range, only_tested };
        let known = |known: &NamedPath| known.segments == path.segments && known.only_tested == only_tested;
        if !self.found.paths.iter().any(known) {
            self.found.paths.push(path);
        }
    }

    /// From the path's first name to the end of its last field, or of the function's name.
    fn range(&self, expr: &IdedExpr) -> std::ops::Range<usize> {
        let offset = |expr: &IdedExpr| self.program.source_info().offset_for(expr.id);
        let stop = offset(expr).map_or(0, |(_, stop)| stop as usize);
        let end = match &expr.expr {
            // The parser notes where the dot is.
            Expr::Select(select) => stop + 1 + select.field.len(),
            _ => stop,
        };
        let mut first = expr;
        loop {
            first = match &first.expr {
                Expr::Select(select) => &select.operand,
                Expr::Call(call) if call.func_name == operators::INDEX => &call.args[0],
                _ => break,
            };
        }
        let start = offset(first).map_or(0, |(start, _)| start as usize);
        start.min(end)..end.max(start)
    }

    /// A function's name: the parser notes where its parenthesis opens.
    fn range_of_call(&self, expr: &IdedExpr, name: &str) -> std::ops::Range<usize> {
        let info = self.program.source_info();
        let open = info.offset_for(expr.id).map_or(0, |(start, _)| start as usize);
        match info.source.get(..open).and_then(|before| before.rfind(name)) {
            Some(start) => start..start + name.len(),
            None => open..open,
        }
    }

    /// The path that an expression denotes; `None` for a value of its own making, whose parts are visited.
    fn denoted(&mut self, expr: &IdedExpr) -> Option<Vec<PathSegment>> {
        match &expr.expr {
            Expr::Ident(name) => match self.bound.iter().rev().find(|(bound, _)| bound == name) {
                Some((_, path)) => path.clone(),
                None => Some(vec![PathSegment::Field(name.clone())]),
            },
            Expr::Select(select) => {
                let mut path = self.denoted(&select.operand)?;
                path.push(PathSegment::Field(select.field.clone()));
                if select.test {
                    self.name(expr, path, true);
                    return None;
                }
                Some(path)
            }
            Expr::Call(call) if call.func_name == operators::INDEX && call.args.len() == 2 => {
                let mut path = self.denoted(&call.args[0])?;
                match &call.args[1].expr {
                    Expr::Literal(LiteralValue::String(key)) => {
                        path.push(PathSegment::Field(key.inner().to_owned()))
                    }
                    _ => {
                        self.visit(&call.args[1]);
                        path.push(PathSegment::Index);
                    }
                }
                Some(path)
            }
            Expr::Call(call) => {
                // Operators have names that no function can have.
                if call.func_name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    self.found.functions.push(NamedFunction {
                        name: call.func_name.clone(),
                        arguments: call.args.len() + usize::from(call.target.is_some()),
                        range: self.range_of_call(expr, &call.func_name),
                    });
                }
                if let Some(target) = &call.target {
                    self.visit(target);
                }
                call.args.iter().for_each(|argument| self.visit(argument));
                None
            }
            Expr::Comprehension(comprehension) => {
                let chosen = matches!(comprehension.iter_range.expr, Expr::Comprehension(_));
                if chosen && is_all(comprehension) {
                    let range = self.range_of_call(expr, operators::ALL);
                    self.found.all_of_chosen.push(range);
                }
                let range = self.denoted(&comprehension.iter_range);
                if let Some(range) = &range {
                    self.name(&comprehension.iter_range, range.clone(), false);
                }
                let element = range.clone().map(|mut path| {
                    path.push(PathSegment::Each);
                    path
                });
                let depth = self.bound.len();
                self.bound.push((comprehension.iter_var.clone(), element.clone()));
                if let Some(second) = &comprehension.iter_var2 {
                    self.bound.push((second.clone(), element));
                }
                self.bound.push((comprehension.accu_var.clone(), None));
                self.visit(&comprehension.accu_init);
                self.visit(&comprehension.loop_cond);
                self.visit(&comprehension.loop_step);
                self.visit(&comprehension.result);
                self.bound.truncate(depth);
                // `filter` keeps elements of its range: what comes out has their fields.
                if appends(&comprehension.loop_step, &comprehension.iter_var) { range } else { None }
            }
            Expr::List(list) => {
                list.elements.iter().for_each(|element| self.visit(element));
                None
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.visit(&entry.key);
                        self.visit(&entry.value);
                    }
                }
                None
            }
            Expr::Struct(value) => {
                for entry in &value.entries {
                    if let EntryExpr::StructField(field) = &entry.expr {
                        self.visit(&field.value);
                    }
                }
                None
            }
            Expr::Literal(_) | Expr::Unspecified => None,
        }
    }
}

/// Whether a comprehension is what the `all` macro makes: it begins with true and goes on by `&&`.
fn is_all(comprehension: &ComprehensionExpr) -> bool {
    let begins = matches!(&comprehension.accu_init.expr, Expr::Literal(LiteralValue::Boolean(begin)) if *begin.inner());
    begins
        && matches!(&comprehension.loop_step.expr, Expr::Call(call) if call.func_name == operators::LOGICAL_AND)
}

/// How deep an expression is nested.
pub(super) fn depth(expr: &IdedExpr) -> usize {
    let deepest =
        |expressions: &mut dyn Iterator<Item = &IdedExpr>| expressions.map(depth).max().unwrap_or(0);
    1 + match &expr.expr {
        Expr::Select(select) => depth(&select.operand),
        Expr::Call(call) => deepest(&mut call.target.as_deref().into_iter().chain(&call.args)),
        Expr::Comprehension(loops) => deepest(
            &mut [&loops.iter_range, &loops.accu_init, &loops.loop_cond, &loops.loop_step, &loops.result]
                .into_iter(),
        ),
        Expr::List(list) => deepest(&mut list.elements.iter()),
        Expr::Map(map) => map.entries.iter().map(entry_depth).max().unwrap_or(0),
        Expr::Struct(value) => value.entries.iter().map(entry_depth).max().unwrap_or(0),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => 0,
    }
}

fn entry_depth(entry: &IdedEntryExpr) -> usize {
    match &entry.expr {
        EntryExpr::MapEntry(entry) => depth(&entry.key).max(depth(&entry.value)),
        EntryExpr::StructField(field) => depth(&field.value),
    }
}

/// Whether a loop's step appends the element itself to a list, as the `filter` macro does.
fn appends(step: &IdedExpr, element: &str) -> bool {
    match &step.expr {
        Expr::List(list) => {
            matches!(list.elements.as_slice(), [only] if only.expr == Expr::Ident(element.to_owned()))
        }
        Expr::Call(call) => call.args.iter().any(|argument| appends(argument, element)),
        _ => false,
    }
}
