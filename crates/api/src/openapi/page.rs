//! The document as a page to read: HTML alone, without any script. What stands in it is escaped.

mod markup;
mod operation;
mod schema;

use serde_json::Value;

use markup::{Markup, prose, slug};

/// The page of a document.
pub(super) fn render(document: &Value) -> String {
    let info = &document["info"];
    let tags: Vec<Tag<'_>> = list(&document["tags"]).map(Tag::of).collect();
    let areas = tags.iter().map(|tag| tag.section(document));
    let links = tags.iter().map(Tag::link);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>API of etcd-monitor</title>\
         <link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"docs.css\"></head>\n\
         <body><a class=\"skip\" href=\"#routes\">Skip to the routes</a>\n\
         <header><h1>API of {title} <small>{version}</small></h1>{about}\
         <p><a href=\"openapi.json\">openapi.json</a> says the same to programs. <a href=\"../\">Dashboard</a></p></header>\n\
         <nav aria-label=\"Areas\"><ul>{links}<li><a href=\"#schemas\">Schemas</a></li></ul></nav>\n\
         <main id=\"routes\">{areas}\n<section><h2 id=\"schemas\">Schemas</h2>{schemas}</section></main></body></html>\n",
        title = Markup::text(&info["title"]),
        version = Markup::text(&info["version"]),
        about = prose(&info["description"]),
        links = links.collect::<String>(),
        areas = areas.collect::<String>(),
        schemas = schemas(document),
    )
}

/// One area of the API.
struct Tag<'a> {
    name: &'a Value,
    about: &'a Value,
}

impl<'a> Tag<'a> {
    fn of(tag: &'a Value) -> Self {
        Self {
            name: &tag["name"],
            about: &tag["description"],
        }
    }

    fn link(&self) -> String {
        format!(
            "<li><a href=\"#{}\">{}</a></li>",
            slug(self.name),
            Markup::text(self.name)
        )
    }

    fn section(&self, document: &Value) -> String {
        let paths = document["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| (path, method, operation))
        });
        let own = operations.filter(|(_, _, operation)| operation["tags"][0] == *self.name);
        let own = own
            .map(|(path, method, operation)| operation::render(document, path, method, operation));
        format!(
            "\n<section><h2 id=\"{}\">{}</h2>{}{}</section>",
            slug(self.name),
            Markup::text(self.name),
            prose(self.about),
            own.collect::<String>()
        )
    }
}

fn schemas(document: &Value) -> String {
    let all = document["components"]["schemas"].as_object();
    let all = all.into_iter().flatten();
    all.map(|(name, schema)| schema::section(name, schema))
        .collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_of_the_document_is_markup() {
        let hostile = "<script>alert('1')</script> \"&";
        let page = render(&json!({
            "info": {"title": hostile, "version": hostile, "description": hostile},
            "tags": [{"name": hostile, "description": hostile}],
            "paths": {(hostile): {"get": {
                "tags": [hostile], "operationId": hostile, "summary": hostile, "description": hostile,
                "security": [{(hostile): [hostile]}],
                "parameters": [{"name": hostile, "in": hostile, "description": hostile,
                    "schema": {"type": "string", "pattern": hostile, "enum": [hostile], "default": hostile}}],
                "requestBody": {"content": {(hostile): {"schema": {"$ref": hostile}}}},
                "responses": {(hostile): {"description": hostile, "content": {(hostile): {}}}},
            }}},
            "components": {"schemas": {(hostile): {"description": hostile, "properties": {(hostile): {}}}}},
        }));
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("\"&\""), "{page}");
        assert!(page.contains("&lt;script&gt;"));
    }
}
