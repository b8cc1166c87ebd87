"use strict";
// openapi.json as a page.

function element(tag, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return made;
}

function typeOf(schema) {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  if (schema.additionalProperties) return `by user, ${typeOf(schema.additionalProperties)}`;
  const { minimum, maximum } = schema;
  return (schema.type ?? "any") + (maximum === undefined ? "" : ` from ${minimum} to ${maximum}`);
}

function fieldsOf(operation) {
  const query = (operation.parameters ?? []).map((one) => [one.name, one, one.schema]);
  const body = operation.requestBody?.content["application/json"].schema.properties ?? {};
  return [...query, ...Object.entries(body).map(([name, schema]) => [name, schema, schema])];
}

function fieldRow([name, { description, required }, schema]) {
  const row = element("tr");
  const cell = element("td");
  cell.append(element("code", name));
  const unless = `default ${JSON.stringify(schema.default ?? null)}`;
  row.append(
    cell, element("td", typeOf(schema)), element("td", required ? "required" : unless),
    element("td", description ?? ""),
  );
  return row;
}

function section(path, method, operation) {
  const made = element("section");
  const title = element("h2");
  const table = element("table");
  title.append(element("code", `${method.toUpperCase()} ${path}`));
  table.append(...fieldsOf(operation).map(fieldRow));
  made.append(title, element("p", operation.description), table);
  return made;
}

async function show() {
  const api = await (await fetch("openapi.json")).json();
  const all = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(path, method, operation)));
  document.getElementById("paths").replaceChildren(...all);
}

show();
