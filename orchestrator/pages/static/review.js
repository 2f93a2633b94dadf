"use strict";
// Everything here is also done by plain pages and forms; this makes it quick by keyboard.
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);
const csrf = document.body.dataset.csrf;
const box = byId("box");
const inside = byId("inside");
const LIVE_MS = 4000;

const tell = (words) => {
  const line = byId("telling");
  line.textContent = words;
  line.hidden = !words;
  (box?.open ? box : document.body).append(line); // what is open in front hides all else
};

// The chosen cell.
let at = null; // its job
const cells = () => all(".cell[data-job]");
const chosen = () => byId(`j${at}`) ?? cells().find((cell) => cell.dataset.tries.split(",").includes(String(at)));
const choose = (cell, scroll = true) => {
  if (!cell) return;
  for (const each of all(".cell.on")) { each.classList.remove("on"); each.removeAttribute("aria-current"); }
  at = cell.dataset.job;
  cell.classList.add("on");
  cell.setAttribute("aria-current", "true");
  const link = cell.querySelector("a.open") ?? cell;
  if (link === cell) cell.tabIndex = -1;
  if (!box.open) link.focus({ preventScroll: true });
  const place = cell.getBoundingClientRect();
  const below = document.querySelector(".top").getBoundingClientRect().bottom;
  const isSeen = place.top >= Math.max(0, below) && place.bottom <= innerHeight && place.left >= 0 && place.right <= innerWidth;
  if (scroll && !isSeen) cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (document.readyState === "complete") inAddress();
};
const inAddress = () => { if (at !== null) history.replaceState(null, "", `#j${at}`); };
window.addEventListener("load", () => setTimeout(inAddress)); // in the address any earlier, it would be scrolled to the top
const step = (by) => {
  const list = cells();
  choose(list[Math.min(list.length - 1, Math.max(0, list.indexOf(chosen()) + by))]);
};
const stepRow = (by) => {
  const cell = chosen();
  const rows = all(".product").filter((row) => row.querySelector(".cell[data-job]"));
  const row = cell?.closest(".product");
  const column = row ? all(".cell", row).indexOf(cell) : 0;
  const there = rows[rows.indexOf(row) + by];
  if (!there) return;
  const mine = all(".cell", there);
  choose(mine[column]?.dataset.job ? mine[column] : mine.find((each) => each.dataset.job));
};
const advance = () => {
  const list = cells();
  const from = list.indexOf(chosen());
  const next = [...list.slice(from + 1), ...list.slice(0, from)].find((cell) => cell.dataset.kind === "unseen");
  if (next) choose(next);
  else tell("Every picture on this page is reviewed.");
};

// Forms are sent one after the other, so that nothing overtakes.
let sending = Promise.resolve();
const post = (path, fields) => {
  const answer = sending.then(async () => {
    const reply = await fetch(path, {
      method: "POST", body: new URLSearchParams(fields), headers: { "X-CSRF": csrf, Accept: "application/json" },
    });
    if (!(reply.headers.get("Content-Type") ?? "").includes("json")) throw new Error(`the server answered ${reply.status}`);
    const said = await reply.json();
    if (said.words || !reply.ok) tell(said.words);
    return reply.ok ? said : null;
  }).catch((error) => { tell(`Not sent: ${error.message}. Is \`orchestrator review\` still running?`); return null; });
  sending = answer;
  return answer;
};
const undone = [];
const paint = (job, after) => {
  const cell = byId(`j${job}`);
  if (!cell) return;
  cell.classList.remove("accepted", "rejected", "unseen");
  cell.dataset.kind = after.verdict === "none" ? "unseen" : after.verdict;
  cell.classList.add(cell.dataset.kind);
  const marks = cell.querySelector(".marks");
  const mark = (kind, words) => { const made = document.createElement("span"); made.className = `mark ${kind}`; made.textContent = words; return made; };
  for (const old of all(".accepted, .rejected, .stars", marks)) old.remove();
  if (after.stars) marks.prepend(mark("stars", "★".repeat(after.stars)));
  if (after.verdict !== "none") marks.prepend(mark(after.verdict, `${after.verdict === "accepted" ? "✓" : "✕"} ${after.verdict}`));
  const slot = cell.closest(".slot");
  if (slot) slot.dataset.seal = "";
};
const judge = async (job, fields, { remember = true, seen = null } = {}) => {
  const cell = byId(`j${job}`);
  const kind = cell?.dataset.kind;
  const shown = seen ?? (kind === "accepted" || kind === "rejected" ? kind : "none");
  const said = await post("/review/verdict", { jobs: job, seen: shown, ...fields });
  if (said && !said.words) tell("");
  for (const each of said?.jobs ?? []) {
    if (remember) undone.push({ job: each.job, before: each.before });
    paint(each.job, each.after);
  }
  if (box.open && focused()) await open(focused());
  if (said) refresh();
  return said;
};
const words = { accepted: "accept", rejected: "reject", none: "clear" };
const undo = async () => {
  const last = undone.pop();
  if (!last) return tell("There is nothing to undo.");
  if (last.drop) {
    const said = await post("/review/drop", { jobs: last.drop });
    return said;
  }
  const { verdict, stars, note } = last.before;
  const fields = { word: words[verdict] };
  if (verdict !== "none" || stars || note) Object.assign(fields, { stars, note });
  if (verdict === "none" && (stars || note)) {
    await judge(last.job, { word: "clear" }, { remember: false });
    delete fields.word;
  }
  const said = await judge(last.job, fields, { remember: false });
  if (said) { choose(byId(`j${last.job}`)); tell(said.words || "Undone."); }
};

// Large, compared, priced: parts of the pages of those names.
const focused = () => inside.querySelector(".focus")?.dataset.job;
const part = async (path) => {
  const reply = await fetch(path + (path.includes("?") ? "&part" : "?part"));
  inside.innerHTML = await reply.text();
  if (!box.open) box.showModal();
};
const open = (job) => part(`/review/jobs/${job}`);
const large = async (cell) => {
  if (!cell) return;
  choose(cell);
  await open(cell.dataset.job);
  const after = cells()[cells().indexOf(cell) + 1]?.querySelector(".open img");
  if (after) new Image().src = after.src.replace("-256.webp", "-768.webp");
};
const compare = () => {
  const cell = chosen();
  if (!cell) return;
  const tries = cell.dataset.tries.split(",");
  const row = all(".cell[data-sha]", cell.closest(".product")).map((each) => each.dataset.job);
  const jobs = tries.length > 1 ? tries : [cell.dataset.job, ...row.filter((job) => job !== cell.dataset.job)];
  return part(`/review/compare?jobs=${jobs.slice(0, 4).join(",")}`);
};
const otherTry = (by) => {
  const cell = chosen();
  if (!cell) return;
  const tries = cell.dataset.tries.split(",");
  const now = tries.indexOf(String(focused() ?? cell.dataset.job));
  return open(tries[(now + by + tries.length) % tries.length]);
};
const redo = async () => {
  const job = focused() ?? chosen()?.dataset.job;
  if (!job) return;
  await part(`/review/jobs/${job}/redo`);
  (inside.querySelector("textarea") ?? inside.querySelector("button"))?.focus();
};
box?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const fields = Object.fromEntries(new FormData(form, event.submitter));
  const path = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  if (path === "/review/price") {
    const reply = await fetch("/review/price?part", { method: "POST", body: new URLSearchParams(fields), headers: { "X-CSRF": csrf } });
    inside.innerHTML = await reply.text();
  } else if (path === "/review/redo") {
    const said = await post(path, fields);
    if (!said) { box.close(); return; }
    for (const each of said.jobs) undone.push({ drop: each.made });
    box.close();
    advance();
    refresh();
  } else {
    const job = fields.jobs;
    delete fields.next; delete fields.csrf;
    await judge(job, fields, { seen: fields.seen });
  }
});
box?.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-try], a[data-redo]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (link.dataset.try) open(link.dataset.try);
  else redo();
});
box?.addEventListener("close", () => { inside.textContent = ""; choose(chosen(), false); });

// The source, while Space is held.
const hide = () => {
  for (const picture of all("img[data-was]")) { picture.src = picture.dataset.was; delete picture.dataset.was; }
};
const showSource = () => {
  const row = chosen()?.closest(".product");
  const source = row?.querySelector(".source img");
  const picture = box.open ? inside.querySelector(".focus figure img") : chosen()?.querySelector(".open img");
  if (!source || !picture || picture.dataset.was) return;
  picture.dataset.was = picture.src;
  picture.src = source.src;
};
document.addEventListener("keyup", (event) => { if (event.key === " ") hide(); });
window.addEventListener("blur", hide);

const say = async (word) => {
  const job = (box.open && focused()) || chosen()?.dataset.job;
  if (!job) return;
  const moved = box.open ? Number(job) : null;
  const said = await judge(job, { word });
  if (!said?.jobs.length) return;
  if (word !== "clear") advance();
  if (moved && chosen()) await open(chosen().dataset.job);
};
const stars = (number) => {
  const job = (box.open && focused()) || chosen()?.dataset.job;
  if (job) judge(job, { word: "", stars: number });
};
const note = async () => {
  if (!focused()) await large(chosen());
  inside.querySelector("input[name=note]")?.focus();
};
const go = async (by, move = step) => {
  move(by);
  if (box.open && focused()) await large(chosen());
};
const keys = {
  p: () => say("accept"), x: () => say("reject"), u: () => say("clear"), r: redo, c: compare, n: note,
  b: () => document.body.classList.toggle("covered"),
  "[": () => otherTry(-1), "]": () => otherTry(1), " ": showSource, "?": () => byId("help").showModal(),
  ArrowRight: () => go(1), ArrowLeft: () => go(-1), ArrowDown: () => go(1, stepRow), ArrowUp: () => go(-1, stepRow),
  Enter: () => large(chosen()), "/": () => document.querySelector("#search input[type=search]").focus(),
};
const onGrid = (event) => {
  if (event.target.matches("input, textarea, select")) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") { event.preventDefault(); undo(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  if (event.key === "Enter" && event.target.matches("button, a:not(.open)")) return;
  if (event.key === " " && event.target.matches("button")) return;
  if (/^[0-5]$/.test(event.key)) { event.preventDefault(); stars(event.key); return; }
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
};
// On the page of one picture the keys press its buttons.
const onFocus = (event) => {
  if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const there = {
    p: "button[value=accept]", x: "button[value=reject]", u: "button[value=clear]", r: "a[data-redo]",
    ArrowRight: "a[rel=next]", ArrowLeft: "a[rel=prev]",
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (there) document.querySelector(there)?.click();
};

// Live: rows that are to be seen are asked for again, and those that have changed are put in place.
const slotsSeen = () => all(".slot").filter((slot) => {
  const place = slot.firstElementChild?.getBoundingClientRect();
  return place && place.bottom > -300 && place.top < innerHeight + 300;
}).slice(0, 40);
const place = ({ row, seal, html }) => {
  const slot = document.querySelector(`.slot[data-row="${row}"]`);
  if (!slot) return;
  const mine = slot.contains(chosen());
  slot.innerHTML = html;
  slot.dataset.seal = seal;
  if (mine) choose(chosen(), false);
};
const refresh = async () => {
  const query = slotsSeen().map((slot) => `row=${slot.dataset.row}.${slot.dataset.seal}`).join("&");
  if (!query) return;
  try {
    const reply = await fetch(`/review/rows?${query}`);
    if (!reply.ok) return;
    const { rows, count } = await reply.json();
    for (const each of rows) place(each);
    if (count) byId("count").textContent = count;
  } catch { /* it is asked again soon */ }
};
const live = async () => {
  if (!document.hidden && !box.open) await refresh();
  setTimeout(live, LIVE_MS);
};

// The next page follows when its link comes near.
const more = new IntersectionObserver(async (seen) => {
  for (const each of seen.filter((entry) => entry.isIntersecting)) {
    const link = each.target;
    more.unobserve(link);
    const reply = await fetch(link.href);
    if (!reply.ok) continue;
    const next = new DOMParser().parseFromString(await reply.text(), "text/html");
    const found = all(".slot, a.more", next);
    link.replaceWith(...found);
    watch();
    if (at === null) choose(cells().find((cell) => cell.dataset.kind === "unseen"));
  }
}, { rootMargin: "1200px" });
const watch = () => { for (const link of all("a.more")) more.observe(link); };

if (box) {
  for (const each of all(".scripted")) each.hidden = false;
  document.querySelector("[data-do=help]").addEventListener("click", () => byId("help").showModal());
  document.addEventListener("keydown", onGrid);
  byId("all").addEventListener("click", (event) => {
    const cell = event.target.closest(".cell[data-job]");
    if (!cell || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("a.open")) { event.preventDefault(); large(cell); } else choose(cell, false);
  });
  const wanted = location.hash.startsWith("#j") ? byId(location.hash.slice(1)) : null;
  choose(wanted ?? cells().find((cell) => cell.dataset.kind === "unseen") ?? cells()[0]);
  watch();
  setTimeout(live, LIVE_MS);
} else if (document.querySelector(".focus")) {
  document.addEventListener("keydown", onFocus);
}
