//! A rule: CEL, compiled once, with the paths that it names.

use cel::{Program, Value as Cel};
use serde_json::Value as Json;

use super::{paths, paths::NamedPath, value::Scope};

/// A compiled CEL expression.
pub struct Rule {
    source: String,
    program: Program,
    paths: Vec<NamedPath>,
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
    /// Compiles an expression.
    pub fn compile(source: &str) -> Result<Self, RuleError> {
        let program = Program::compile(source).map_err(|errors| {
            let first = errors.errors.first();
            let (line, column) = first.map_or((1, 1), |error| error.pos);
            let message = first.map_or_else(|| "not a CEL expression".to_owned(), |error| error.msg.clone());
            let line_start = source
                .split_inclusive('\n')
                .take(usize::try_from(line - 1).unwrap_or(0))
                .map(str::len)
                .sum::<usize>();
            let at = line_start + usize::try_from(column - 1).unwrap_or(0);
            RuleError::Syntax { message: message.split_whitespace().collect::<Vec<_>>().join(" "), at }
        })?;
        let paths = paths::named_by(&program);
        Ok(Self { source: source.to_owned(), program, paths })
    }

    /// The expression as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The paths of the evidence that the expression names, from its syntax tree.
    pub fn paths(&self) -> &[NamedPath] {
        &self.paths
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
        self.program.execute(&scope.context(element)).map_err(|error| self.error(error.to_string()))
    }

    fn error(&self, message: String) -> RuleError {
        RuleError::Evaluation { rule: self.source.clone(), message }
    }
}
