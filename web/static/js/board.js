// The board: one selection for list, map and timeline; the search and its progress; effects before decisions.

import { dressDragging } from "./board_drag.js";

const main = document.getElementById("main");
const grid = document.getElementById("grid");
const part = document.getElementById("part");
const routes = document.getElementById("routes");
const tip = document.getElementById("tip");
const map = BoardMap.map();
const base = main.dataset.base;
let names = { stops: {}, left_out: {}, depots: {} };

async function ask(url, options = {}) {
  const answer = await fetch(url, { credentials: "same-origin", ...options, headers: { Accept: "application/json", "X-CSRFToken": main.dataset.csrf, ...options.headers } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error?.sentence ?? answer.statusText);
  return body;
}

async function askHtml(url) {
  const answer = await fetch(url, { credentials: "same-origin", headers: { Accept: "text/html" } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(new DOMParser().parseFromString(text, "text/html").querySelector("main p")?.textContent ?? answer.statusText);
  return text;
}

function say(sentence) {
  const box = document.createElement("div");
  box.className = "say failed";
  box.setAttribute("role", "alert");
  const words = document.createElement("p");
  words.textContent = sentence;
  box.append(words);
  document.getElementById("says").replaceChildren(box);
}

// ---------------------------------------------------------------- selecting

const partUrl = { stop: (plan, key) => `${base}/${plan}/stop/${key}`, route: (plan, key) => `${base}/${plan}/route/${key}`, left: (plan, key) => `${base}/${plan}/left-out/${key}` };
/** Numbers and colours go through all plans of the board, so the panel has to know which board it is of. */
const ofBoard = new URLSearchParams({ day: main.dataset.day, ...(main.dataset.depot ? { depot: main.dataset.depot } : {}) });
const fragmentScope = () => part.querySelector("[data-part]");

function paint() {
  const chosen = fragmentScope();
  const kind = chosen?.dataset.part;
  const key = chosen?.dataset.key;
  const shift = chosen?.dataset.shift;
  grid.classList.toggle("focused", Boolean(shift));
  for (const each of document.querySelectorAll("[data-pick]")) {
    const isIt = each.dataset.pick === kind && each.dataset.key === key;
    each.classList.toggle("picked", isIt);
    if (each.matches("a")) each.toggleAttribute("aria-current", isIt);
  }
  for (const row of document.querySelectorAll(".tl-row[data-shift]")) row.classList.toggle("faded", Boolean(shift) && row.dataset.shift !== shift);
  for (const way of document.querySelectorAll(".leaflet-overlay-pane path")) way.classList.toggle("faded", Boolean(shift) && !way.classList.contains(`of-shift-${shift}`));
  for (const marker of BoardMap.markers.values()) {
    const pin = marker.pin;
    const element = marker.getElement();
    const isIt = (pin.kind === "stop" && kind === "stop" && String(pin.key) === key) || (pin.kind === "left_out" && kind === "left" && String(pin.key) === key);
    element.classList.toggle("picked", isIt);
    element.classList.toggle("faded", Boolean(shift) && pin.kind === "stop" && String(pin.shift) !== shift);
    marker.setZIndexOffset(isIt ? 2000 : pin.kind === "left_out" ? -500 : 0);
  }
  routes.hidden = Boolean(chosen);
}

async function pick(kind, key, plan, { pan = true, remember = true } = {}) {
  try {
    part.innerHTML = await askHtml(`${partUrl[kind](plan, key)}?${ofBoard}`);
  } catch (problem) {
    say(problem.message);
    return;
  }
  if (remember) {
    const here = new URL(location.href);
    for (const name of ["stop", "route", "left"]) here.searchParams.delete(name);
    here.searchParams.set(kind, key);
    history.replaceState(null, "", here);
  }
  dressPart();
  paint();
  part.closest(".pane").scrollTop = 0;
  const isPhone = innerWidth <= 860;
  if (isPhone) part.scrollIntoView({ block: "start" });
  if (pan && map) panTo(kind, key);
  if (!isPhone) for (const row of document.querySelectorAll(`.tl-row[data-shift="${fragmentScope()?.dataset.shift}"]`)) row.scrollIntoView({ block: "nearest" });
}

function panTo(kind, key) {
  if (kind === "route") {
    const mine = [...BoardMap.markers.values()].filter((marker) => String(marker.pin.shift) === String(key)).map((marker) => marker.getLatLng());
    if (mine.length) map.fitBounds(L.latLngBounds(mine), { padding: [36, 36], maxZoom: 16 });
    return;
  }
  const marker = BoardMap.markers.get(`${kind === "left" ? "left_out" : "stop"}:${key}`);
  if (marker && !map.getBounds().pad(-0.1).contains(marker.getLatLng())) map.panTo(marker.getLatLng());
}

function unpick() {
  part.replaceChildren();
  const here = new URL(location.href);
  for (const name of ["stop", "route", "left"]) here.searchParams.delete(name);
  history.replaceState(null, "", here);
  paint();
}

const planOfStop = (key) => document.querySelector(`.tl-stop[data-key="${key}"]`)?.dataset.plan;

document.addEventListener("click", (event) => {
  const picked = event.target.closest("[data-pick]");
  if (picked && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    pick(picked.dataset.pick, picked.dataset.key, picked.dataset.plan);
  } else if (event.target.closest("[data-close]")) {
    unpick();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && fragmentScope() && !event.target.matches("input, select, textarea")) unpick();
});

for (const marker of BoardMap.markers.values()) {
  const { kind, key } = marker.pin;
  if (kind === "depot") continue;
  marker.on("click", () => {
    const plan = kind === "stop" ? planOfStop(key) : document.querySelector(`[data-pick="left"][data-key="${key}"]`)?.dataset.plan;
    pick(kind === "stop" ? "stop" : "left", key, plan, { pan: false });
  });
}

// ---------------------------------------------------------------- names: text, beside the pointer

function showTip(kind, key, x, y) {
  const found = names[kind]?.[key];
  tip.hidden = !found;
  if (!found) return;
  const first = document.createElement("b");
  first.textContent = found[0];
  const second = document.createElement("span");
  second.textContent = found[1];
  tip.replaceChildren(first, second);
  tip.style.left = `${Math.min(x + 12, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.max(y - tip.offsetHeight - 10, 4)}px`;
}

for (const marker of BoardMap.markers.values()) {
  const { kind, key, shift } = marker.pin;
  marker.on("mouseover", (event) => {
    showTip({ stop: "stops", left_out: "left_out", depot: "depots" }[kind], key, event.originalEvent.clientX, event.originalEvent.clientY);
    hover(shift);
  });
  marker.on("mouseout", () => { tip.hidden = true; hover(0); });
}
for (const bar of document.querySelectorAll(".tl-stop")) {
  const isDragging = () => grid.classList.contains("dragging");
  bar.addEventListener("pointerenter", (event) => { if (!isDragging()) showTip("stops", bar.dataset.key, event.clientX, event.clientY); });
  bar.addEventListener("pointerleave", () => { if (!isDragging()) tip.hidden = true; });
}
for (const row of document.querySelectorAll(".tl-row[data-shift], [data-pick='route']")) {
  const shift = row.dataset.shift ?? row.dataset.key;
  row.addEventListener("pointerenter", () => hover(shift));
  row.addEventListener("pointerleave", () => hover(0));
}

function hover(shift) {
  if (grid.classList.contains("focused") || grid.classList.contains("dragging")) return;
  for (const way of document.querySelectorAll(".leaflet-overlay-pane path")) way.classList.toggle("faded", Boolean(shift) && !way.classList.contains(`of-shift-${shift}`));
  for (const marker of BoardMap.markers.values()) marker.getElement().classList.toggle("faded", Boolean(shift) && marker.pin.kind === "stop" && String(marker.pin.shift) !== String(shift));
}

ask(main.dataset.names).then((found) => { names = found; }).catch((problem) => say(problem.message));

// ---------------------------------------------------------------- another van or place

function addFields(form, fields) {
  for (const [name, value] of fields) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
}

const whichBoard = () => [["day", main.dataset.day], ["depot", main.dataset.depot]];

async function fillEffect(box, url) {
  try {
    box.innerHTML = await askHtml(url);
    for (const inner of box.querySelectorAll("form")) addFields(inner, whichBoard());
  } catch (problem) { say(problem.message); }
}

async function consider(kind, key, plan, url) {
  await pick(kind, key, plan);
  const box = document.createElement("div");
  box.className = "effect-box";
  part.querySelector(".pane-head")?.after(box);
  fillEffect(box, url);
}

function submit(action, fields) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action, hidden: true });
  addFields(form, [["csrf_token", main.dataset.csrf], ...whichBoard(), ...fields]);
  document.body.append(form);
  form.submit();
}

if (main.dataset.dragHint) dressDragging({ main, grid, base, tip, ask, say, submit, consider, nameOf: (kind, key) => names[kind === "left" ? "left_out" : "stops"]?.[key]?.[0] ?? "" });

function dressMoves(scope) {
  for (const form of scope.querySelectorAll("form[data-move]")) {
    const box = document.getElementById(form.dataset.target);
    const van = form.elements.shift;
    const place = form.elements.position;
    const first = place.options[0];
    const offer = async () => {
      box.replaceChildren();
      place.replaceChildren(first);
      if (!van.value) return;
      const url = `${form.dataset.places.replace(/0$/, van.value)}?delivery=${form.elements.delivery.value}`;
      try {
        const { places } = await ask(url);
        place.replaceChildren(first, ...places.map(([position, word]) => new Option(word, position)));
      } catch (problem) { say(problem.message); }
    };
    van.addEventListener("change", offer);
    place.addEventListener("change", () => box.replaceChildren());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      fillEffect(box, `${form.action}?${new URLSearchParams(new FormData(form))}`);
    });
    offer();
  }
}

function dressPart() {
  for (const form of part.querySelectorAll("form[method=post]")) {
    if (main.dataset.depot && !form.elements.depot) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "depot", value: main.dataset.depot });
      form.append(field);
    }
  }
  for (const box of part.querySelectorAll("[data-load]")) load(box);
  for (const details of part.querySelectorAll("details[data-opens]")) {
    details.addEventListener("toggle", () => load(details.querySelector(".opens"), details.dataset.opens), { once: true });
  }
  showLive();
}

// What takes a second to find out is asked behind the page.
async function load(box, url = box.dataset.load) {
  try { box.innerHTML = await askHtml(url); } catch (problem) { box.textContent = problem.message; return; }
  if (box.isConnected) dressMoves(box); // else something different was picked meanwhile
}
for (const box of document.querySelectorAll(".pane-left [data-load]")) load(box);

// ---------------------------------------------------------------- planning

const search = document.getElementById("search");
let following = [];

async function follow(ids) {
  following = ids;
  search.hidden = false;
  document.getElementById("run")?.querySelector("button")?.setAttribute("disabled", "");
  for (;;) {
    let all;
    try {
      all = await Promise.all(following.map((id) => ask(`${base}/job/${id}`)));
    } catch (problem) { say(problem.message); break; }
    const now = all.find((job) => job.state === "waiting" || job.state === "running");
    if (!now) {
      const failed = all.find((job) => job.state === "failed");
      if (failed && all.every((job) => job.state === "failed")) { say(failed.problem); break; }
      if (failed) sessionStorage.setItem("planning-failed", failed.problem); // the others' plans are shown, and said with them
      const here = new URL(location.href);
      for (const name of ["stop", "route", "left"]) here.searchParams.delete(name);
      location.replace(here);
      return;
    }
    const said = [now.phase];
    if (now.of) said.push(`${now.served} / ${now.of}`);
    said.push(...now.tiers);
    if (now.cost) said.push(now.cost);
    said.push(`${Math.round(now.seconds)} s`);
    document.getElementById("search-said").textContent = said.join(" · ");
    document.getElementById("search-bar").value = Math.min((100 * now.seconds) / (now.limit + 2), 99);
    await new Promise((done) => setTimeout(done, 500));
  }
  search.hidden = true;
  document.getElementById("run")?.querySelector("button")?.removeAttribute("disabled");
}

document.getElementById("run")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  document.getElementById("says").replaceChildren();
  try {
    const { jobs } = await ask(event.target.action, { method: "POST", body: new FormData(event.target) });
    follow(jobs);
  } catch (problem) { say(problem.message); }
});

document.getElementById("search-stop").addEventListener("submit", async (event) => {
  event.preventDefault();
  event.submitter?.setAttribute("disabled", "");
  for (const id of following) await ask(`${base}/job/${id}/stop`, { method: "POST" }).catch((problem) => say(problem.message));
  event.submitter?.removeAttribute("disabled");
});

if (main.dataset.jobs) follow(main.dataset.jobs.split(","));
const failedBefore = sessionStorage.getItem("planning-failed");
sessionStorage.removeItem("planning-failed");
if (failedBefore) say(failedBefore);

// ---------------------------------------------------------------- how far the day is

let live = null;
const chips = document.getElementById("chips").content;

function showLive() {
  if (!live) return;
  for (const box of document.querySelectorAll("[data-live-stop]")) {
    const found = live.stops[box.dataset.liveStop];
    if (!found) continue;
    const chip = chips.querySelector(`[data-state="${found.state}"] .chip`).cloneNode(true);
    const said = document.createElement("span");
    said.className = "small quiet nowrap";
    said.textContent = found.eta ? ` ${found.eta}${found.late > 0 ? ` (+${found.late})` : ""}` : "";
    box.replaceChildren(chip, said);
  }
  for (const box of document.querySelectorAll("[data-live-route]")) {
    const found = live.routes[box.dataset.liveRoute];
    // Done is said of its day, not of its doors: some may have refused.
    if (found?.state === "late" || found?.state === "done") box.replaceChildren(chips.querySelector(`[data-route-state="${found.state}"] .chip`).cloneNode(true));
  }
  for (const [key, found] of Object.entries(live.stops)) {
    const marker = BoardMap.markers.get(`stop:${key}`);
    if (marker) marker.getElement().dataset.state = found.state;
    document.querySelector(`.tl-stop[data-key="${key}"]`)?.setAttribute("data-state", found.state);
  }
}

async function refresh() {
  try {
    live = await ask(main.dataset.live);
    if (live.state === main.dataset.state) showLive();
  } catch { /* the next round asks again */ }
}

if (main.dataset.state === "dispatched") {
  refresh();
  setInterval(() => { if (!document.hidden) refresh(); }, 10000);
}

// ---------------------------------------------------------------- panels that keep their size

const KEPT = "board-panels";
const sizes = { left: 260, right: 340, below: 220 };
try { Object.assign(sizes, JSON.parse(localStorage.getItem(KEPT) ?? "{}")); } catch { /* a size that cannot be read is the usual one */ }

function lay() {
  for (const [name, size] of Object.entries(sizes)) grid.style.setProperty(`--${name}`, `${size}px`);
  for (const bar of grid.querySelectorAll(".split")) bar.setAttribute("aria-valuenow", String(sizes[bar.dataset.split]));
  map?.invalidateSize({ pan: false });
}

function resize(bar, size) {
  const name = bar.dataset.split;
  sizes[name] = Math.round(Math.min(Math.max(size, Number(bar.getAttribute("aria-valuemin"))), Number(bar.getAttribute("aria-valuemax"))));
  lay();
}

for (const bar of grid.querySelectorAll(".split")) {
  const sign = bar.dataset.split === "left" ? 1 : -1;
  const isFlat = bar.dataset.split === "below";
  bar.addEventListener("pointerdown", (event) => {
    const from = isFlat ? event.clientY : event.clientX;
    const size = sizes[bar.dataset.split];
    bar.setPointerCapture(event.pointerId);
    const moved = (next) => resize(bar, size + sign * ((isFlat ? next.clientY : next.clientX) - from));
    bar.addEventListener("pointermove", moved);
    bar.addEventListener("pointerup", () => {
      bar.removeEventListener("pointermove", moved);
      localStorage.setItem(KEPT, JSON.stringify(sizes));
    }, { once: true });
  });
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -16, ArrowRight: 16, ArrowUp: -16, ArrowDown: 16 }[event.key];
    if (!step) return;
    event.preventDefault();
    resize(bar, sizes[bar.dataset.split] + sign * step);
    localStorage.setItem(KEPT, JSON.stringify(sizes));
  });
}

for (const select of document.querySelectorAll("[data-submits]")) select.addEventListener("change", () => select.form.requestSubmit());

lay();
dressPart();
paint();
// By whole levels a day may take half of its panel. Between two levels the streets' names are drawn smaller or larger than
// they should be, most at half a level: that is left out, and whoever zooms comes to whole levels again.
function fill(bounds) {
  map.options.zoomSnap = 0.25;
  const zoom = Math.min(map.getBoundsZoom(bounds, false, L.point(56, 56)), 17);
  map.setView(bounds.getCenter(), zoom % 1 === 0.5 ? zoom - 0.25 : zoom, { animate: false });
  map.options.zoomSnap = 1;
}

if (map) {
  // The map was drawn before its panel had its size.
  const box = BoardMap.opensOn();
  if (box.length) fill(L.latLngBounds(box));
  new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(map.getContainer());
}
