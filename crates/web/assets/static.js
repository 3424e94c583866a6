// What a server does for the live site, done by the browser over the files of a static one: the search, and the order of
// tables. Every page is complete without this file; /search/ has lists that lead to everything.
//
// The ranks are those of crates/views/src/search.rs, over fewer things.
"use strict";

{
  const form = document.querySelector(".find[data-search]");
  /** Where the search's files stand, and the site. */
  const place = form?.dataset.search ?? "/search/";
  const base = place.slice(0, -"/search/".length);

  // Files.

  const files = new Map();
  const file = (name, fresh) => {
    if (!files.has(name)) {
      const got = fetch(place + name, fresh ? { cache: "no-cache" } : {}).then((answer) => {
        if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
        return answer.json();
      });
      got.catch(() => files.delete(name));
      files.set(name, got);
    }
    return files.get(name);
  };
  let parsed = null;
  const index = () => {
    const known = (beginnings) => new Map(beginnings.map(([beginning, rows], at) => [beginning, { at, rows }]));
    parsed ??= file("index.json", true).then(({ mark, rules, values }) => ({ mark, rules: known(rules), values: known(values) }));
    parsed.catch(() => { parsed = null; });
    return parsed;
  };
  const whole = async (kind) => file(`${kind}.json?v=${(await index()).mark}`);
  /** The rows of a kind that may have all words: those of the word that fewest have. */
  const rowsOf = async (kind, words) => {
    const { mark, [kind]: beginnings } = await index();
    const letters = (word, count) => [...word].slice(0, count).join("");
    const none = { rows: 0 };
    const shard = (word) => beginnings.get(letters(word, 3)) ?? beginnings.get(letters(word, 2)) ?? none;
    // Of a short word that may go on not all rows are known.
    const sure = words.filter((word, at) => [...word].length > 2 || at < words.length - 1);
    const shards = (sure.length ? sure : words).map(shard);
    const least = shards.reduce((best, other) => (other.rows < best.rows ? other : best), shards[0] ?? none);
    return least.rows ? file(`${kind}-${least.at}.json?v=${mark}`) : [];
  };

  // How well something fits a text.

  const SOMEWHERE = 0, WORDS = 1, INSIDE = 2, BEGINS = 3, IS = 4;
  const fitOf = (name, wanted) => {
    const at = name.indexOf(wanted);
    return at < 0 ? -1 : at > 0 ? INSIDE : name.length === wanted.length ? IS : BEGINS;
  };
  const wordsOf = (text) => text.match(/[\p{Alphabetic}\p{N}_]+/gu) ?? [];
  const hasWords = (name, words) => {
    const own = wordsOf(name);
    return words.length > 0 && words.every((word, at) =>
      own.some((other) => at === words.length - 1 ? other.startsWith(word) : other === word));
  };
  const isCode = (wanted) => /[\\/.:=%-]/.test(wanted) && !wanted.includes(" ");

  // What a text finds, as the API's /search says it, with the address of every hit.

  const part = (text) => encodeURIComponent(text);
  const path = (text) => text.split("/").map(part).join("/");
  /** The best first; equal ones stay as they stand in the file. */
  const ranked = (found, limit, better = (a, b) => b.fit - a.fit) => found.filter(({ fit }) => fit >= 0).sort(better).slice(0, limit);

  const kinds = {
    techniques: ({ rows, redirects }, { text, wanted, limit }) => {
      const id = text.toUpperCase();
      const resolved = rows.some((row) => row[0] === id) ? [id] : redirects[id] ?? [];
      const found = ranked(rows.map((row) => ({
        row, fit: resolved.includes(row[0]) ? IS : Math.max(fitOf(row[0].toLowerCase(), wanted), fitOf(row[1].toLowerCase(), wanted)),
      })), limit);
      const hit = ({ row: [id, name, rules, link] }) => ({ id, name, rules, address: base + (link ?? `/technique/${part(id)}`) });
      return { hits: found.map(hit), fit: found[0]?.fit, turn: resolved.length ? 7 : 5 };
    },
    fields: ({ rows }, { wanted, limit }) => {
      const found = ranked(rows.map((row) => {
        const own = row[0].toLowerCase();
        return { row, own: own === wanted ? 1 : 0, fit: Math.max(fitOf(own, wanted), ...row[3].map((name) => fitOf(name, wanted))) };
      }), limit, (a, b) => b.fit - a.fit || b.own - a.own);
      const hit = ({ row: [id, name, rules, , link] }) => ({ id, name, rules, address: base + (link ?? `/field/${path(id)}`) });
      return { hits: found.map(hit), fit: found[0]?.fit, turn: 4 };
    },
    events: ({ rows }, { wanted, limit }) => {
      const found = ranked(rows.map((row) => {
        const [provider, id, title] = row.map((cell) => String(cell).toLowerCase());
        const of = Math.max(fitOf(`${provider} ${id}`, wanted), fitOf(title, wanted), id === wanted ? BEGINS : -1);
        return { row, fit: of >= 0 ? of : `${provider} ${id} ${title}`.includes(wanted) ? SOMEWHERE : -1 };
      }), limit);
      const hit = ({ row: [provider, id, name, rules, link] }) => ({
        id: `${provider} ${id}`, name, rules, address: base + (link ?? `/event/${part(provider)}/${part(id)}`),
      });
      return { hits: found.map(hit), fit: found[0]?.fit, turn: 3 };
    },
    indicators: (rows, { wanted, limit }) => {
      const turned = wanted.startsWith("/") && wanted.length > 1 ? `\\${wanted.slice(1)}` : null;
      const is = ({ fit }) => (fit === IS ? 1 : 0);
      const found = ranked(rows.map((row) => {
        const bare = row[2].toLowerCase();
        const text = row[6] ? `\\${bare}` : bare;
        const has = text.includes(wanted) || (turned !== null && text.startsWith(turned));
        const of = Math.max(fitOf(text, wanted), fitOf(text.replace(/^\\/, ""), wanted));
        return { row, reach: row[4], fit: has ? Math.max(of, INSIDE) : -1 };
      }), limit, (a, b) => is(b) - is(a) || b.reach - a.reach || b.fit - a.fit);
      const hit = ({ row: [field, op, value, modifier, reach, rules] }) => ({
        field, op, value, modifier, reach, rules: rules.map(rule), address: `${place}?q=${part(value)}`,
      });
      const first = found[0];
      const rare = first && !isCode(wanted) && (first.reach < 3 || [...wanted].length < 3);
      return { hits: found.map(hit), fit: first && rare ? Math.min(first.fit, BEGINS) : first?.fit, turn: isCode(wanted) ? 6 : 1 };
    },
    rules: (rows, { wanted, words, limit }) => {
      const found = ranked(rows.map((row) => {
        const title = row[1].toLowerCase();
        return { row, fit: hasWords(title, words) ? Math.max(fitOf(title, wanted), WORDS) : -1 };
      }), limit);
      return { hits: found.map(({ row }) => rule(row)), fit: found[0]?.fit, turn: 2 };
    },
  };
  const rule = ([id, title, link]) => ({ id, title, vendor: id.split("/")[0], address: base + (link ?? `/rule/${path(id)}`) });

  const search = async (asked, limit) => {
    const text = asked.trim();
    const wanted = text.toLowerCase();
    const words = wordsOf(wanted).slice(0, 16);
    const found = { text, order: [] };
    if (!wanted) return found;
    const rows = await Promise.all([
      whole("techniques"), whole("fields"), whole("events"), rowsOf("values", words), rowsOf("rules", words),
    ]);
    const best = [];
    Object.keys(kinds).forEach((kind, at) => {
      const { hits, fit, turn } = kinds[kind](rows[at], { text, wanted, words, limit });
      found[kind] = hits;
      if (hits.length) best.push({ kind, fit, turn });
    });
    found.order = best.sort((a, b) => b.fit - a.fit || b.turn - a.turn).map(({ kind }) => kind);
    return found;
  };
  globalThis.ruleatlasStatic = { search };
  // The files that every text needs come while one types.
  form?.addEventListener("focusin", () => Promise.all(["techniques", "fields", "events"].map(whole)).catch(() => {}), { once: true });

  // The page of the search.

  const made = (tag, text, change = {}) => {
    const element = Object.assign(document.createElement(tag), change);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const cut = (text, most) => ([...text].length > most ? `${[...text].slice(0, most - 1).join("")}…` : text);
  const linked = (text, address, className = "") => made("a", cut(text, 110), { href: address, className });
  const cell = (content, className = "") => {
    const td = made("td", undefined, { className });
    td.append(content);
    return td;
  };
  const number = (count) => count.toLocaleString("en");
  const named = (hit) => [cell(linked(hit.id, hit.address, "val")), cell(cut(hit.name, 140), "w"), cell(number(hit.rules), "n")];
  const tables = {
    techniques: ["Techniques", ["Technique", "Name", "Rules"], named],
    fields: ["Fields", ["Field", "What it holds", "Rules"], named],
    events: ["Events", ["Event", "Title", "Rules"], named],
    indicators: ["Values", ["Field", "Op", "Value", "Reach", "Rules"], (hit) => {
      const rules = document.createDocumentFragment();
      hit.rules.forEach((rule, at) => rules.append(at ? ", " : "", linked(rule.title, rule.address)));
      if (hit.reach > hit.rules.length) rules.append(` and ${number(hit.reach - hit.rules.length)} more`);
      const op = hit.modifier ? `${hit.op} |${hit.modifier}` : hit.op;
      return [cell(made("code", hit.field, { className: "val" })), cell(op, "o"), cell(made("code", cut(hit.value, 120), { className: "val", title: hit.value })), cell(number(hit.reach), "n"), cell(rules, "w")];
    }],
    rules: ["Rules", ["Vendor", "Rule"], (hit) => [cell(hit.vendor), cell(linked(hit.title, hit.address), "w")]],
  };
  const section = (kind, hits) => {
    const [name, columns, row] = tables[kind];
    const section = made("section");
    const scroll = made("div", undefined, { className: "scroll" });
    const table = made("table");
    table.setAttribute("aria-label", name);
    const head = table.createTHead().insertRow();
    for (const column of columns) head.append(Object.assign(made("th", column), { scope: "col", className: /Rules|Reach/.test(column) && column !== columns[4] ? "n" : "" }));
    const body = table.createTBody();
    for (const hit of hits) body.insertRow().append(...row(hit));
    scroll.append(table);
    section.append(made("h2", name), scroll);
    return section;
  };
  const shown = document.getElementById("found");
  if (shown && form) {
    const asked = new URLSearchParams(location.search);
    const text = (asked.get("q") ?? "").trim();
    form.querySelector("input[name=q]").value = text;
    const show = async () => {
      const found = await search(text, 20);
      const first = found.order[0];
      if (asked.get("go") === "best" && first && first !== "indicators") {
        location.replace(found[first][0].address);
        return;
      }
      const heading = document.querySelector("h1");
      heading.replaceChildren("Search: ", made("span", cut(text, 200), { className: "val" }));
      document.title = `Search: ${cut(text, 100)} · Ruleatlas`;
      document.getElementById("asking").hidden = found.order.length > 0;
      shown.replaceChildren(...found.order.map((kind) => section(kind, found[kind])));
      if (!found.order.length) shown.append(made("p", "Nothing has this text. Fewer words find more.", { className: "empty" }));
    };
    if (text) show().catch(() => shown.replaceChildren(made("p", "The files of the search could not be loaded.", { className: "empty" })));
  }

  // Tables order by any column where all their rows are on the page.

  const grades = ["informational", "low", "medium", "high", "critical"];
  const isWhole = (table) => {
    const next = (table.closest(".scroll") ?? table).nextElementSibling;
    return table.tBodies.length === 1 && table.tBodies[0].rows.length > 1 && table.tHead?.rows.length === 1
      && !next?.matches(".more, details.rest") && !table.closest("details.rest") && !table.querySelector("tbody [rowspan], tbody [colspan], thead [colspan]");
  };
  const valueOf = (row, column, asNumber) => {
    const td = row.cells[column];
    const text = ((td?.querySelector("summary") ?? td)?.textContent ?? "").trim();
    if (td?.querySelector(".reach")) return td.querySelectorAll(".reach > span").length;
    if (asNumber) {
      const count = parseFloat(text.replaceAll(",", ""));
      return Number.isNaN(count) ? -1 : count;
    }
    const grade = grades.indexOf(text);
    return grade >= 0 ? grade : text.toLowerCase();
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? b - a : String(a).localeCompare(String(b), "en", { numeric: true });
  const order = (table, head) => {
    const column = head.cellIndex;
    const asNumber = head.classList.contains("n");
    const before = head.getAttribute("aria-sort");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, value: valueOf(row, column, asNumber) }));
    rows.sort((a, b) => compare(a.value, b.value));
    // Numbers and grades begin with the largest.
    const first = rows.every(({ value }) => typeof value === "number") ? "descending" : "ascending";
    const turned = before === first;
    if (turned) rows.reverse();
    for (const other of table.tHead.rows[0].cells) {
      other.removeAttribute("aria-sort");
      other.querySelector(".sorted")?.remove();
    }
    const sort = turned ? (first === "ascending" ? "descending" : "ascending") : first;
    head.setAttribute("aria-sort", sort);
    const mark = made("span", sort === "ascending" ? "↑" : "↓", { className: "sorted" });
    mark.setAttribute("aria-hidden", "true");
    (head.querySelector("a") ?? head).append(mark);
    body.append(...rows.map(({ row }) => row));
  };
  const sortable = (table) => {
    if (!isWhole(table)) return;
    for (const head of table.tHead.rows[0].cells) {
      if (!head.textContent.trim()) continue;
      const link = head.querySelector("a") ?? made("a");
      if (!link.isConnected) {
        link.append(...head.childNodes);
        head.append(link);
      }
      const place = table.closest("section")?.querySelector("h2[id], h2 [id]")?.id ?? "main";
      link.href = `#${place}`;
      link.addEventListener("click", (event) => {
        event.preventDefault();
        event.stopPropagation();
        order(table, head);
      });
    }
  };
  document.querySelectorAll("main table").forEach(sortable);
}
