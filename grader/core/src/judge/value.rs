//! Evidence as CEL sees it: whole numbers are `int`, whether the evidence is live or recorded.

use std::sync::{Arc, LazyLock};

use cel::{Context, Env, Value as Cel};
use serde_json::Value as Json;

use crate::evidence::Evidence;

/// CEL's own functions and macros, made once: making them costs more than most rules.
///
/// Optional values (`a.?b`) are switched off: they are a second kind of absence, which the judge would
/// not see from the paths that a rule names.
pub(super) static CEL: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// What a rule may read: what each probe saw, by its name, and the judge's functions.
pub struct Scope(Context<'static, 'static>);

impl Scope {
    /// The scope of an attempt's evidence.
    pub fn of(evidence: &Evidence) -> Self {
        let mut context = Context::with_env(Arc::clone(&CEL));
        super::functions::add_to(&mut context);
        for (name, value) in &evidence.seen {
            context.add_variable_from_value(name.clone(), to_cel(value));
        }
        Self(context)
    }

    /// Calls `evaluate` with a context that has `self` where a rule is tried on an element.
    pub(super) fn with<T>(&self, element: Option<&Json>, evaluate: impl FnOnce(&Context<'_, '_>) -> T) -> T {
        match element {
            None => evaluate(&self.0),
            Some(element) => {
                let mut inner = self.0.new_inner_scope();
                inner.add_variable_from_value("self", to_cel(element));
                evaluate(&inner)
            }
        }
    }
}

fn to_cel(value: &Json) -> Cel {
    match value {
        Json::Null => Cel::Null,
        Json::Bool(bool) => Cel::Bool(*bool),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cel::Int(whole),
            (None, Some(float)) => Cel::Float(float),
            (None, None) => Cel::Null,
        },
        Json::String(text) => Cel::String(Arc::new(text.clone())),
        Json::Array(items) => Cel::List(Arc::new(items.iter().map(to_cel).collect())),
        Json::Object(map) => {
            let entries: std::collections::HashMap<String, Cel> =
                map.iter().map(|(key, item)| (key.clone(), to_cel(item))).collect();
            Cel::Map(entries.into())
        }
    }
}
