//! Variants that are laid into another document become fields of one kind of object.
//!
//! Makers of clients cannot add fields to a choice: `allOf` of an object and a `oneOf` is beyond most of them.

use serde_json::{Map, Value, json};

/// Makes one object of every choice that an `allOf` refers to.
pub(super) fn flatten_choices(schemas: &mut Map<String, Value>) {
    let parts = schemas
        .values()
        .filter_map(|schema| schema["allOf"].as_array());
    let references = parts.flatten().filter_map(|part| part["$ref"].as_str());
    let names = references.filter_map(|reference| reference.rsplit('/').next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    for name in names {
        if let Some(schema) = schemas.get_mut(&name)
            && let Some(flat) = flat(schema)
        {
            *schema = flat;
        }
    }
}

/// One object with the fields of all variants; those that not every variant has may be missing.
fn flat(schema: &Value) -> Option<Value> {
    let variants = schema["oneOf"].as_array()?;
    let mut properties: Map<String, Value> = Map::new();
    for variant in variants {
        for (name, property) in variant["properties"].as_object()? {
            match properties.get_mut(name) {
                None => {
                    properties.insert(name.clone(), property.clone());
                }
                Some(known) => add_words(known, property),
            }
        }
    }
    let everywhere = |name: &&String| {
        let mut lists = variants.iter().filter_map(|it| it["required"].as_array());
        lists.all(|list| list.iter().any(|required| required == *name))
    };
    let required: Vec<&String> = properties.keys().filter(everywhere).collect();
    Some(json!({
        "type": "object",
        "description": schema["description"],
        "required": required,
        "properties": properties,
    }))
}

/// The word that tells variants apart is one of all their words.
fn add_words(known: &mut Value, of_another: &Value) {
    let known = known.get_mut("enum").and_then(Value::as_array_mut);
    let others = of_another["enum"].as_array();
    if let (Some(known), Some(others)) = (known, others) {
        known.extend(
            others
                .iter()
                .filter(|it| !known.contains(it))
                .cloned()
                .collect::<Vec<_>>(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variants_of_a_part_become_one_object() {
        let variant = |word: &str, field: &str| {
            json!({"type": "object", "required": ["kind", field],
                "properties": {"kind": {"type": "string", "enum": [word]}, (field): {"type": "number"}}})
        };
        let choice =
            json!({"description": "A choice.", "oneOf": [variant("a", "x"), variant("b", "y")]});
        let mut schemas = Map::new();
        schemas.insert(
            "Whole".to_owned(),
            json!({"allOf": [{"$ref": "#/components/schemas/Part"}, {}]}),
        );
        schemas.insert("Part".to_owned(), choice.clone());
        schemas.insert("Alone".to_owned(), choice.clone());
        flatten_choices(&mut schemas);
        assert_eq!(schemas["Alone"], choice);
        let flat = json!({"type": "object", "description": "A choice.", "required": ["kind"], "properties": {
            "kind": {"type": "string", "enum": ["a", "b"]}, "x": {"type": "number"}, "y": {"type": "number"}}});
        assert_eq!(schemas["Part"], flat);
    }
}
