"use strict";
const grid = document.getElementById("grid");
const filter = document.getElementById("filter");
const none = document.getElementById("none");
const box = document.getElementById("box");
const full = document.getElementById("full");
const figures = [...grid.children];
let links = [];
let at = 0;

const refresh = () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const figure of figures) {
    const match = words.every((word) => figure.dataset.words.includes(word));
    figure.hidden = !match;
    shown += match ? 1 : 0;
  }
  none.hidden = shown > 0 || figures.length === 0;
  links = figures.filter((figure) => !figure.hidden).flatMap((figure) => [...figure.querySelectorAll(".open")]);
};

const reveal = (link) => {
  const picture = link.querySelector("img");
  const badge = link.querySelector(".badge");
  delete link.dataset.flagged;
  picture.addEventListener("error", () => { if (badge) badge.textContent = "the file is not there"; }, { once: true });
  picture.src = link.getAttribute("href");
  if (badge) badge.textContent = "flagged";
};

const show = (index) => {
  if (links.length === 0) return;
  at = (index + links.length) % links.length;
  const link = links[at];
  const small = link.querySelector("img");
  const hidden = "flagged" in link.dataset;
  full.onerror = () => { full.onerror = null; full.src = small.src; };
  full.src = hidden ? small.src : link.getAttribute("href");
  full.alt = small.alt;
  document.getElementById("caption").textContent = link.parentElement.querySelector(".prompt").textContent;
  const file = document.getElementById("file");
  file.href = link.getAttribute("href");
  file.hidden = hidden;
  if (!box.open) box.showModal();
};

grid.addEventListener("click", (event) => {
  const link = event.target.closest(".open");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if ("flagged" in link.dataset) reveal(link);
  else show(links.indexOf(link));
});
box.addEventListener("close", () => { full.removeAttribute("src"); links[at]?.focus(); });
full.addEventListener("click", () => box.close());
document.getElementById("close").addEventListener("click", () => box.close());
document.getElementById("previous").addEventListener("click", () => show(at - 1));
document.getElementById("next").addEventListener("click", () => show(at + 1));
filter.addEventListener("input", refresh);
document.addEventListener("keydown", (event) => {
  if (box.open) {
    if (event.key === "ArrowRight") show(at + 1);
    if (event.key === "ArrowLeft") show(at - 1);
    return;
  }
  if (document.activeElement === filter) {
    if (event.key === "Escape") { filter.value = ""; refresh(); filter.blur(); }
    return;
  }
  if (event.key === "/") { event.preventDefault(); filter.focus(); return; }
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step || links.length === 0) return;
  event.preventDefault();
  const now = links.indexOf(document.activeElement);
  links[now < 0 ? 0 : (now + step + links.length) % links.length].focus();
});
refresh();
