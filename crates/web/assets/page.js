// Only comfort: every page is complete without this file.
"use strict";

const html = document.documentElement;
html.classList.add("js");
// What a static site has instead of a server: static.js.
const local = globalThis.ruleatlasStatic;

// "/" goes to the search box; Escape closes what is open.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const box = document.querySelector(".find input");
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  }
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      if (menu.contains(event.target)) menu.querySelector("summary").focus();
    }
    document.querySelector(".copying")?.removeAttribute("open");
  }
});

// A menu of filters closes when one goes elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open], details.copying[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// Parameters without a value stay out of the address.
for (const form of document.querySelectorAll("form.filters")) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
}

// A predicate in the query and its row point at each other.
const point = (event) => {
  const at = event.target.closest?.("[data-p]")?.dataset.p;
  const on = event.type === "pointerover" || event.type === "focusin";
  for (const part of document.querySelectorAll("[data-p]")) part.classList.toggle("on", on && part.dataset.p === at);
};
if (document.querySelector("[data-p]")) {
  for (const type of ["pointerover", "pointerout", "focusin", "focusout"]) document.addEventListener(type, point);
}

// A row opens to what stands behind its first link.
document.addEventListener("toggle", async (event) => {
  const row = event.target;
  if (!row.open || !row.matches?.("details.in") || row.dataset.got) return;
  const link = row.querySelector("p a[href^='/ru']");
  if (!link || local) return;
  row.dataset.got = "1";
  try {
    const answer = await fetch("/part" + link.getAttribute("href"));
    if (!answer.ok) return;
    const part = document.createElement("div");
    part.className = "part";
    part.innerHTML = await answer.text();
    link.closest("p").replaceWith(part);
  } catch { /* The link stays. */ }
}, true);

// Tables order and page without a new page.
document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("section thead a[href], section .more a[href], section .tools a:not([download])");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button || link.origin !== location.origin) return;
  const section = link.closest("section[id]");
  if (!section || link.pathname !== location.pathname) return;
  event.preventDefault();
  const column = link.closest("th")?.cellIndex;
  try {
    const answer = await fetch(link.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(section.id);
    if (!answer.ok || !fresh) throw new Error();
    section.replaceWith(document.adoptNode(fresh));
    history.replaceState(null, "", link.href);
    if (column !== undefined) fresh.querySelectorAll("thead th")[column]?.querySelector("a")?.focus();
    // What else the page offers must lead on from here.
    for (const other of document.querySelectorAll("section[id]")) {
      const next = other === fresh ? null : page.getElementById(other.id);
      if (next) for (const part of [".tools", "thead", ".more"]) swap(other, next, part);
    }
  } catch { location.href = link.href; }
});

const swap = (from, to, part) => {
  const [old, fresh] = [from.querySelectorAll(part), to.querySelectorAll(part)];
  if (old.length === fresh.length) old.forEach((one, at) => one.replaceWith(document.adoptNode(fresh[at])));
};

// Copying: a value where it stands, a row as a piece of a query.
const copy = async (text, button) => {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } catch { button.textContent = "not allowed"; }
  setTimeout(() => { button.textContent = before; }, 1200);
};
const button = (text, act) => {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
};
for (const text of document.querySelectorAll("[data-copy]")) {
  text.after(button("copy", (event) => copy(text.dataset.copy || text.textContent, event.target)));
}
const copying = document.createElement("details");
copying.className = "copying";
copying.innerHTML = "<summary title='Copy this row'>copy</summary><div></div>";
const offer = (event) => {
  const row = event.target.closest?.("table.indicators tbody tr");
  const place = row?.querySelector("td.w");
  if (!row || local || copying.open || place.contains(copying)) return;
  copying.querySelector("div").replaceChildren();
  place.append(copying);
};
document.addEventListener("pointerover", offer);
document.addEventListener("focusin", offer);
copying.addEventListener("toggle", async () => {
  const list = copying.querySelector("div");
  const link = copying.closest("tr")?.querySelector("a[href^='/indicator?']");
  if (!copying.open || list.children.length || !link) return;
  const asked = new URLSearchParams(link.search);
  list.append(button("Value", (event) => copy(asked.get("value") ?? "", event.target)));
  try {
    const answer = await fetch("/api/v1/snippets" + link.search);
    for (const { label, text, table } of answer.ok ? await answer.json() : []) {
      const made = button(label, (event) => copy(text, event.target));
      made.title = table ? `${text}  (${table})` : text;
      list.append(made);
    }
  } catch { /* The value is there. */ }
});

// Search as one types.
const find = document.querySelector(".find");
const box = find?.querySelector("input[name=q]");
if (box) {
  const list = document.createElement("ul");
  list.className = "hits";
  list.id = "hits";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Found");
  list.hidden = true;
  find.append(list);
  for (const [name, value] of [["role", "combobox"], ["aria-controls", "hits"], ["aria-expanded", "false"], ["aria-autocomplete", "list"]]) {
    box.setAttribute(name, value);
  }
  let chosen = -1, asked = "", answered = null;
  const part = encodeURIComponent;
  const kinds = {
    techniques: (hit) => [`/technique/${part(hit.id)}`, hit.id, hit.name, hit.rules],
    fields: (hit) => [`/field/${part(hit.id)}`, hit.id, hit.name, hit.rules],
    events: (hit) => [`/event/${part(hit.id.slice(0, hit.id.lastIndexOf(" ")))}/${part(hit.id.slice(hit.id.lastIndexOf(" ") + 1))}`, hit.id, hit.name, hit.rules],
    indicators: (hit) => {
      const query = new URLSearchParams({ field: hit.field, op: hit.op });
      if (hit.value) query.set("value", hit.value);
      if (hit.modifier) query.set("modifier", hit.modifier);
      return [`/indicator?${query}`, `${hit.field} ${hit.op}`, hit.value, hit.reach];
    },
    rules: (hit) => [`/rule/${hit.id.split("/").map(part).join("/")}`, hit.vendor, hit.title, null],
  };
  const show = (open) => {
    list.hidden = !open;
    box.setAttribute("aria-expanded", String(open));
    if (!open) choose(-1);
  };
  const choose = (at) => {
    const all = [...list.querySelectorAll("[role=option]")];
    chosen = all.length ? (at + all.length + (at < -1 ? 1 : 0)) % all.length : -1;
    if (at === -1) chosen = -1;
    all.forEach((one, place) => one.setAttribute("aria-selected", String(place === chosen)));
    if (chosen >= 0) { box.setAttribute("aria-activedescendant", all[chosen].id); all[chosen].scrollIntoView({ block: "nearest" }); }
    else box.removeAttribute("aria-activedescendant");
  };
  const fill = (found) => {
    list.replaceChildren();
    let count = 0;
    for (const kind of found.order ?? []) {
      for (const hit of found[kind].slice(0, 5)) {
        const [address, name, text, rules] = kinds[kind](hit);
        const item = document.createElement("li");
        item.setAttribute("role", "option");
        item.id = `hit${count++}`;
        const link = document.createElement("a");
        link.href = hit.address ?? address;
        link.tabIndex = -1;
        for (const [cls, words] of [["val", name], ["", text], ["count", rules ?? ""]]) {
          const span = document.createElement("span");
          span.className = cls;
          span.textContent = String(words).slice(0, 160);
          link.append(span);
        }
        item.append(link);
        list.append(item);
      }
    }
    show(count > 0);
  };
  const served = async (text) => {
    const answer = await fetch(`/api/v1/search?limit=5&q=${part(text)}`);
    return answer.ok ? answer.json() : null;
  };
  const ask = async () => {
    const text = box.value.trim();
    if (text === asked) return;
    asked = text;
    if (text.length < 2) { answered = null; show(false); return; }
    try {
      const found = await (local ? local.search(text, 5) : served(text));
      if (!found || asked !== text) return;
      answered = text;
      fill(found);
    } catch { show(false); }
  };
  box.addEventListener("input", ask);
  box.addEventListener("focus", () => { if (list.children.length && answered === box.value.trim()) show(true); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden) return;
      event.preventDefault();
      const last = list.children.length - 1;
      choose(event.key === "ArrowDown" ? (chosen >= last ? 0 : chosen + 1) : (chosen <= 0 ? last : chosen - 1));
    } else if (event.key === "Escape") {
      show(false);
    } else if (event.key === "Enter" && chosen >= 0 && !list.hidden) {
      event.preventDefault();
      location.href = list.children[chosen].querySelector("a").href;
    }
  });
  document.addEventListener("click", (event) => { if (!find.contains(event.target)) show(false); });
}

// The list of contents follows the reading.
const entries = new Map();
for (const link of document.querySelectorAll(".contents a")) {
  const id = link.hash.slice(1);
  if (document.getElementById(id)) entries.set(id, link);
}
if (entries.size) {
  const follow = () => {
    let current = null;
    for (const [id, link] of entries) {
      link.removeAttribute("aria-current");
      if (current === null || document.getElementById(id)?.getBoundingClientRect().top < 120) current = link;
    }
    current?.setAttribute("aria-current", "true");
  };
  let waiting = false;
  document.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; follow(); });
  }, { passive: true });
  follow();
}
