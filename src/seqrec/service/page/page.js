"use strict";
// A history is clicked together; every change asks for the list anew.

const at = (id) => document.getElementById(id);
const clicked = [];
let found = [];
let marked = -1;
let newest = 0;

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

const nameOf = (item) => item.title ?? item.item_id;

function written(value) {
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? value.toLocaleString("en") : String(+value.toPrecision(4));
}

async function ask(path, body) {
  const token = sessionStorage.getItem("token");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (body) headers["Content-Type"] = "application/json";
  const method = body ? "POST" : "GET";
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 401) {
    await askForToken();
    return ask(path, body);
  }
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

let asking = null;
function askForToken() {
  asking ??= new Promise((done) => {
    const dialog = at("ask-token");
    at("token").value = "";
    dialog.onclose = () => {
      sessionStorage.setItem("token", at("token").value);
      asking = null;
      done();
    };
    dialog.showModal();
  });
  return asking;
}

// Whatever fails is said, and the page goes on.
async function guarded(work) {
  try {
    await work();
    at("error").hidden = true;
  } catch (error) {
    const silent = error instanceof TypeError; // what fetch throws where nobody listens
    at("error").textContent = silent ? "The service does not answer." : error.message;
    at("error").hidden = false;
  }
}

async function showFacts() {
  const { options, ...facts } = await ask("model");
  at("model-name").textContent = `${facts.model} on ${facts.dataset}`;
  document.title = `${facts.dataset} · seqrec`;
  at("facts").replaceChildren(...Object.entries(facts).map(factRow));
  at("options").replaceChildren(...Object.entries(options).map(factRow));
}

function factRow([name, value]) {
  const row = element("div");
  row.append(element("dt", name.replaceAll("_", " ")), element("dd", written(value)));
  return row;
}

async function showList() {
  const number = ++newest;
  const body = { history: clicked.map((item) => item.item_id), k: +at("k").value };
  if (at("keep").checked) body.seen_items = "keep";
  const answer = await ask("recommend", body);
  if (number !== newest) return; // a later question has an answer of its own
  at("list-title").textContent = answer.fallback ? "Most popular" : "Recommended";
  at("remark").textContent = answer.unknown
    ? `${answer.unknown} of the history are unknown to the model.` : "";
  const scores = answer.items.map((item) => item.score);
  const low = Math.min(...scores);
  const width = Math.max(...scores) - low || 1;
  at("list").replaceChildren(
    ...answer.items.map((item) => listRow(item, (item.score - low) / width)),
  );
}

function listRow(item, share) {
  const row = element("li");
  const button = element("button");
  const bar = element("span", undefined, "bar");
  const fill = element("i");
  fill.style.width = `${8 + 92 * share}%`;
  bar.append(fill);
  button.type = "button";
  button.title = "Add to the history";
  button.append(
    element("span", item.rank, "number"), element("span", nameOf(item), "name"), bar,
    element("span", written(item.score), "score"),
  );
  button.addEventListener("click", () => add(item));
  row.append(button);
  return row;
}

function showHistory() {
  at("history-empty").hidden = clicked.length > 0;
  at("clear").hidden = clicked.length < 2;
  at("history").replaceChildren(...clicked.map(historyRow));
}

function historyRow(item, place) {
  const row = element("li");
  const name = element("span", undefined, "name");
  name.append(element("span", nameOf(item)));
  if (item.title) name.append(element("span", item.item_id, "id"));
  const remove = element("button", "×", "remove");
  remove.type = "button";
  remove.setAttribute("aria-label", `Remove ${nameOf(item)}`);
  remove.addEventListener("click", () => {
    clicked.splice(place, 1);
    changed();
    const others = at("history").querySelectorAll("button");
    (others[Math.min(place, others.length - 1)] ?? at("search")).focus();
  });
  row.append(element("span", place + 1, "number"), name, remove);
  return row;
}

function changed() {
  showHistory();
  guarded(showList);
}

function add(item) {
  clicked.push({ item_id: item.item_id, title: item.title });
  changed();
}

async function search() {
  const text = at("search").value;
  const answer = await ask(`items?limit=12&search=${encodeURIComponent(text)}`);
  if (text !== at("search").value || document.activeElement !== at("search")) return;
  found = answer.items;
  const rows = found.map(foundRow);
  at("found").replaceChildren(...(rows.length ? rows : [element("li", "Nothing found", "none")]));
  open(true);
  mark(text.trim() && found.length ? 0 : -1);
}

function foundRow(item, place) {
  const row = element("li");
  row.id = `found-${place}`;
  row.setAttribute("role", "option");
  row.append(element("span", nameOf(item)));
  if (item.title) row.append(element("span", item.item_id, "id"));
  row.addEventListener("mousedown", (event) => {
    event.preventDefault();
    choose(place);
  });
  return row;
}

function open(shown) {
  at("found").hidden = !shown;
  at("search").setAttribute("aria-expanded", shown);
  if (!shown) at("search").removeAttribute("aria-activedescendant");
}

function mark(place) {
  marked = place;
  at("found").querySelectorAll("[role=option]").forEach((row, number) => {
    row.setAttribute("aria-selected", number === place);
    if (number !== place) return;
    at("search").setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  });
}

function choose(place) {
  add(found[place]);
  at("search").value = "";
  open(false);
}

at("search").addEventListener("input", () => guarded(search));
at("search").addEventListener("focus", () => guarded(search));
at("search").addEventListener("blur", () => open(false));
at("search").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && found.length) {
    event.preventDefault();
    open(true);
    mark((Math.max(marked, step > 0 ? -1 : 0) + step + found.length) % found.length);
  } else if (event.key === "Enter" && marked >= 0 && !at("found").hidden) {
    choose(marked);
  } else if (event.key === "Escape") {
    open(false);
  }
});
at("clear").addEventListener("click", () => {
  clicked.length = 0;
  changed();
  at("search").focus();
});
at("k").addEventListener("change", () => guarded(showList));
at("keep").addEventListener("change", () => guarded(showList));

guarded(showFacts);
changed();
