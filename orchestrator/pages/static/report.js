"use strict";
const find = (selector, within = document) => [...within.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);
const about = document.body.dataset;
const place = `orchestrator-verdicts ${about.database} ${about.runs}`;

// Filter, by product.
const filter = byId("filter");
filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of find(".product")) {
    row.hidden = !words.every((word) => row.dataset.words.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  byId("none").hidden = shown > 0;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches("input")) { event.preventDefault(); filter.focus(); }
  if (event.key === "Escape" && event.target === filter) { filter.value = ""; filter.dispatchEvent(new Event("input")); filter.blur(); }
});

const layout = byId("layout");
layout.hidden = false;
layout.addEventListener("click", () => {
  const isGrid = document.body.className === "grid";
  document.body.className = isGrid ? "matrix" : "grid";
  layout.textContent = isGrid ? "As a grid" : "As a matrix";
});

// Verdicts stay in this browser until they are saved to a file, which is read where the page was made.
let said = {};
try { said = JSON.parse(localStorage.getItem(place)) ?? {}; } catch { said = {}; }
const keep = () => { try { localStorage.setItem(place, JSON.stringify(said)); } catch { /* a browser may forbid it: they are still in the page */ } };
const cells = find(".cell[data-ref]").filter((cell) => cell.dataset.sha);
const judge = byId("judge");
const save = byId("save");
judge.hidden = cells.length === 0;
const show = () => {
  for (const cell of cells) {
    const mine = said[cell.dataset.ref];
    for (const box of find("input[type=radio]", cell)) box.checked = mine?.verdict === box.value;
    const note = cell.querySelector(".why");
    if (note) note.value = mine?.note ?? "";
    if (mine) { cell.classList.remove("accepted", "rejected"); cell.classList.add(mine.verdict); }
  }
  save.hidden = Object.keys(said).length === 0;
};
const open = () => { for (const each of find(".say")) each.hidden = false; };
judge.addEventListener("click", open);
byId("all").addEventListener("change", (event) => {
  const cell = event.target.closest(".cell");
  if (!cell?.dataset.ref) return;
  const chosen = cell.querySelector("input[type=radio]:checked");
  if (!chosen) return;
  said[cell.dataset.ref] = { verdict: chosen.value, note: cell.querySelector(".why").value, sha256: cell.dataset.sha };
  keep();
  show();
});

// The seal shows that a file was edited by hand: a sum of 32 bits (FNV-1a) over what it says.
const seal = (verdicts) => {
  let sum = 0x811c9dc5;
  const text = verdicts.map((each) => [each.ref, each.sha256, each.verdict, each.note].join("\u001f")).join("\u001e");
  for (const byte of new TextEncoder().encode([about.database, about.runs, text].join("\u001e"))) {
    sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  }
  return sum.toString(16).padStart(8, "0");
};
save.addEventListener("click", () => {
  const verdicts = Object.keys(said).sort().map((ref) => ({ ref, ...said[ref] }));
  const file = { kind: "orchestrator verdicts", version: 1, database: about.database, runs: about.runs, verdicts, seal: seal(verdicts) };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 2)], { type: "application/json" }));
  link.download = "verdicts.json";
  link.click();
  URL.revokeObjectURL(link.href);
});
if (Object.keys(said).length) open();
show();
