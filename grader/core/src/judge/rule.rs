//! A rule: CEL, compiled once, with what it names.

use std::sync::OnceLock;

use cel::{Program, Value as Cel};
use serde_json::Value as Json;

use super::{
    parser, paths,
    paths::{Named, NamedFunction, NamedPath},
    value::{CEL, Scope},
};

/// A CEL expression, compiled when it is first needed.
pub struct Rule {
    source: String,
    compiled: OnceLock<Result<Compiled, RuleError>>,
}

/// What the compiler makes of an expression.
pub(super) struct Compiled {
    program: Program,
    named: Named,
}

/// Why a rule is no rule, or why it could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It is not CEL.
    #[error("{message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Byte of the expression at which it is wrong.
        at: usize,
    },
    /// It could not be evaluated.
    #[error("`{rule}`: {message}")]
    Evaluation {
        /// The expression.
        rule: String,
        /// What went wrong.
        message: String,
    },
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Rule").field(&self.source).finish()
    }
}

impl Rule {
    /// The most bytes of a rule.
    pub const LONGEST: usize = 2000;

    /// How deep a rule may be nested: it is evaluated on the stack of whoever judges.
    pub const DEEPEST: usize = 24;

    /// Compiles an expression. No text, however deep it is nested, makes it panic.
    pub fn compile(source: &str) -> Result<Self, RuleError> {
        if source.len() > Self::LONGEST {
            let message = format!("{} bytes: at most {} are read", source.len(), Self::LONGEST);
            return Err(RuleError::Syntax { message, at: 0 });
        }
        let compiled = parser::parse(source)?;
        Ok(Self { source: source.to_owned(), compiled: OnceLock::from(Ok(compiled)) })
    }

    /// Takes an expression that was proven earlier, as those of the workbook that is built in: compiling
    /// takes longer than evaluating, and most commands evaluate none. One that is wrong after all is an
    /// error whenever it is evaluated.
    pub fn proven(source: &str) -> Self {
        Self { source: source.to_owned(), compiled: OnceLock::new() }
    }

    fn compiled(&self) -> Result<&Compiled, RuleError> {
        self.compiled.get_or_init(|| parser::parse(&self.source)).as_ref().map_err(Clone::clone)
    }

    fn named(&self) -> Option<&Named> {
        self.compiled().ok().map(|compiled| &compiled.named)
    }

    /// Parses an expression on the calling thread.
    pub(super) fn parse(source: &str) -> Result<Compiled, RuleError> {
        let program = CEL.compile(source).map_err(|errors| {
            let first = errors.errors.first();
            let (line, column) = first.map_or((1, 1), |error| error.pos);
            let message = first.map_or_else(|| "not an expression".to_owned(), |error| error.msg.clone());
            if message.contains("Recursion limit") {
                return too_deep();
            }
            let line = usize::try_from(line).unwrap_or(1);
            let column = usize::try_from(column).unwrap_or(1);
            RuleError::Syntax { message: plain(&message), at: byte_of(source, line, column) }
        })?;
        if paths::depth(program.expression()) > Self::DEEPEST {
            return Err(too_deep());
        }
        let named = paths::named_by(&program);
        Ok(Compiled { program, named })
    }

    /// The expression as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The paths of the evidence that the expression names, from its syntax tree.
    pub fn paths(&self) -> &[NamedPath] {
        self.named().map_or(&[], |named| &named.paths)
    }

    /// The functions that the expression calls, operators and macros apart.
    pub fn functions(&self) -> &[NamedFunction] {
        self.named().map_or(&[], |named| &named.functions)
    }

    /// Where the expression asks `all()` of elements that it has chosen itself: of nothing that is true.
    pub fn all_of_chosen(&self) -> &[std::ops::Range<usize>] {
        self.named().map_or(&[], |named| &named.all_of_chosen)
    }

    /// Says whether it holds. Anything but a truth value is an error.
    pub fn holds(&self, scope: &Scope, element: Option<&Json>) -> Result<bool, RuleError> {
        match self.value(scope, element)? {
            Cel::Bool(bool) => Ok(bool),
            other => Err(self.error(format!("yields {}, not true or false", other.type_of()))),
        }
    }

    /// Yields its text. Anything but a string is an error.
    pub fn text(&self, scope: &Scope, element: Option<&Json>) -> Result<String, RuleError> {
        match self.value(scope, element)? {
            Cel::String(text) => Ok(text.as_ref().clone()),
            other => Err(self.error(format!("yields {}, not a text", other.type_of()))),
        }
    }

    fn value(&self, scope: &Scope, element: Option<&Json>) -> Result<Cel, RuleError> {
        let program = &self.compiled().map_err(|error| self.error(error.to_string()))?.program;
        scope.with(element, |context| program.execute(context)).map_err(|error| self.error(error.to_string()))
    }

    fn error(&self, message: String) -> RuleError {
        RuleError::Evaluation { rule: self.source.clone(), message }
    }
}

/// The byte of a line and column, both from 1, the column in characters.
fn byte_of(source: &str, line: usize, column: usize) -> usize {
    let before: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &source[before..];
    before + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

/// The parser's message without what only its makers understand.
fn plain(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let message = message.strip_prefix("Syntax error: ").unwrap_or(&message);
    let message = message.split(" expecting ").next().unwrap_or(message);
    if message.contains("'<EOF>'") { "it ends too early".into() } else { message.to_owned() }
}

fn too_deep() -> RuleError {
    let message = format!("nested too deep: at most {} levels; make it two assertions", Rule::DEEPEST);
    RuleError::Syntax { message, at: 0 }
}
