// A region's map to be asked: clicks fill the fields beside it, and the answer of the fields is drawn on it.
// Without this file the fields ask by themselves, and the page comes back with the answer.

import { drawMap, loadMaps } from "./map.js";

const box = document.getElementById("map");
const form = document.getElementById("ask");
const from = document.getElementById("from");
const to = document.getElementById("to");
let map = null;
let drawn = null;
let asking = null;

const kind = () => form.elements.ask.value;
const written = ({ lat, lng }) => `${lat.toFixed(6)}, ${lng.toFixed(6)}`;

function showFields() {
  for (const field of form.querySelectorAll(".only-way")) field.hidden = kind() !== "way";
  for (const field of form.querySelectorAll(".only-area")) field.hidden = kind() !== "area";
}

function pin(at, text, title) {
  const label = document.createElement("span");
  label.className = "map-pin";
  label.textContent = text;
  const icon = globalThis.L.divIcon({ html: label, className: "", iconSize: [28, 28] });
  return globalThis.L.marker(at, { icon, title, alt: title, keyboard: false });
}

function draw({ fit = true } = {}) {
  if (!map) return;
  const L = globalThis.L;
  const shape = JSON.parse(document.getElementById("answer").dataset.shape);
  drawn?.remove();
  drawn = L.featureGroup().addTo(map);
  if (shape.area) L.polygon(shape.area, { className: "reached" }).addTo(drawn);
  if (shape.line?.length) {
    L.polyline(shape.line, { className: "way-casing", weight: 7 }).addTo(drawn);
    L.polyline(shape.line, { className: "way-line", weight: 4 }).addTo(drawn);
  }
  for (const [index, at] of (shape.pins ?? []).entries()) {
    pin(at, index ? "B" : "A", index ? box.dataset.to : box.dataset.from).addTo(drawn);
  }
  // A first click must not move the map from under the second.
  if (fit && shape.area) showAll(drawn.getBounds());
  else if (fit && (shape.line?.length || shape.pins?.length > 1)) map.fitBounds(drawn.getBounds(), { padding: [36, 36], maxZoom: 16 });
  box.dataset.answered = String(Number(box.dataset.answered ?? 0) + 1);
}

async function ask() {
  const address = new URL(form.action);
  for (const [name, value] of new FormData(form)) address.searchParams.set(name, value);
  if (kind() === "area") address.searchParams.delete("to");
  asking?.abort();
  asking = new AbortController();
  const answer = document.getElementById("answer");
  answer.setAttribute("aria-busy", "true");
  try {
    const said = await fetch(address, { headers: { "HX-Request": "true" }, signal: asking.signal });
    if (!said.ok || said.redirected) throw new Error("no answer");
    answer.outerHTML = await said.text();
    history.replaceState(null, "", address);
    draw();
  } catch (problem) {
    if (problem.name === "AbortError") return;
    answer.removeAttribute("aria-busy");
    const words = document.createElement("p");
    words.className = "late-word";
    words.textContent = box.dataset.failed;
    answer.replaceChildren(words);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
for (const radio of form.elements.ask) {
  radio.addEventListener("change", () => {
    showFields();
    if (from.value.trim()) ask();
  });
}
form.elements.profile.addEventListener("change", () => {
  if (from.value.trim()) ask();
});

// Between two whole zooms a region, or what is reached in it, would fill a quarter of its map: the nearer one is taken,
// at which hardly any of its edge may lie outside.
const MOST_OUTSIDE = 1.1;
const CLOSEST = 18;

function showAll(bounds) {
  const fits = Math.min(map.getBoundsZoom(bounds), CLOSEST);
  const [low, high] = [bounds.getSouthWest(), bounds.getNorthEast()].map((at) => map.project(at, fits + 1));
  const size = map.getSize();
  const nearly = fits < CLOSEST && high.x - low.x <= size.x * MOST_OUTSIDE && low.y - high.y <= size.y * MOST_OUTSIDE;
  map.setView(bounds.getCenter(), nearly ? fits + 1 : fits, { animate: false });
}

async function start() {
  await loadMaps({ leaflet: box.dataset.leaflet, leafletCss: box.dataset.leafletCss, protomaps: box.dataset.protomaps });
  box.replaceChildren();
  map = drawMap(box, { basemap: box.dataset.basemap, pins: [] });
  const [south, west, north, east] = box.dataset.bounds.split(",").map(Number);
  showAll(globalThis.L.latLngBounds([south, west], [north, east]));
  map.on("click", (event) => {
    if (kind() === "area") from.value = written(event.latlng);
    else if (!from.value.trim() || to.value.trim()) {
      from.value = written(event.latlng);
      to.value = "";
    } else to.value = written(event.latlng);
    ask();
  });
  draw();
  box.dataset.ready = "yes";
}

showFields();
start().catch(() => {}); // without the map the fields still ask, and the page says so
