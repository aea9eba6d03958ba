//! Evidence as CEL sees it: whole numbers are `int`, whether the evidence is live or recorded.

use std::sync::Arc;

use cel::{Context, Value as Cel};
use serde_json::Value as Json;

use crate::evidence::Evidence;

/// The variables of a rule: what each probe saw, by its name.
pub struct Scope {
    variables: Vec<(String, Cel)>,
}

impl Scope {
    /// The scope of an attempt's evidence.
    pub fn of(evidence: &Evidence) -> Self {
        Self { variables: evidence.seen.iter().map(|(name, value)| (name.clone(), to_cel(value))).collect() }
    }

    /// A context with these variables, the judge's functions, and `self` where a rule is tried on an element.
    pub(super) fn context(&self, element: Option<&Json>) -> Context<'static, 'static> {
        let mut context = Context::default();
        super::functions::add_to(&mut context);
        for (name, value) in &self.variables {
            context.add_variable_from_value(name.clone(), value.clone());
        }
        if let Some(element) = element {
            context.add_variable_from_value("self", to_cel(element));
        }
        context
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
