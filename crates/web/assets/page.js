// Only comfort: every page is complete without this file.
"use strict";

// "/" goes to the search box.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    const box = document.querySelector(".find input");
    box.focus();
    box.select();
  }
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      if (menu.contains(event.target)) menu.querySelector("summary").focus();
    }
  }
});

// A menu of filters closes when one goes elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
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
const parts = document.querySelectorAll("[data-p]");
const point = (event) => {
  const at = event.target.closest?.("[data-p]")?.dataset.p;
  const on = event.type === "pointerover" || event.type === "focusin";
  for (const part of parts) part.classList.toggle("on", on && part.dataset.p === at);
};
if (parts.length) {
  for (const type of ["pointerover", "pointerout", "focusin", "focusout"]) document.addEventListener(type, point);
}

// The list of contents follows the reading.
const entries = new Map();
for (const link of document.querySelectorAll(".contents a")) {
  const place = document.getElementById(link.hash.slice(1));
  if (place) entries.set(place, link);
}
if (entries.size && "IntersectionObserver" in window) {
  const follow = () => {
    let current = null;
    for (const [place, link] of entries) {
      link.removeAttribute("aria-current");
      if (current === null || place.getBoundingClientRect().top < 120) current = link;
    }
    current?.setAttribute("aria-current", "true");
  };
  let asked = false;
  document.addEventListener("scroll", () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; follow(); });
  }, { passive: true });
  follow();
}
