// The pin of one address: dragged, nudged by buttons, or typed as latitude and longitude. All three say the same.

import { drawMap, loadMaps } from "./map.js";

const NUDGE_M = 5;
const METRES_PER_DEGREE = 111_320;

const box = document.getElementById("map");
const lat = document.getElementById("lat");
const lon = document.getElementById("lon");
let pin = null;
let map = null;

function typed() {
  if (!lat.value.trim() || !lon.value.trim()) return null;
  const place = [Number(lat.value.replace(",", ".")), Number(lon.value.replace(",", "."))];
  return place.every(Number.isFinite) && Math.abs(place[0]) <= 90 && Math.abs(place[1]) <= 180 ? place : null;
}

function write(at) {
  lat.value = at.lat.toFixed(6);
  lon.value = at.lng.toFixed(6);
}

function showTyped() {
  const place = typed();
  if (place && map) {
    stand(place);
    map.panInside(place, { padding: [40, 40] });
  }
}

// Nobody has said yet where it is: there is no pin before somebody does.
function stand(place) {
  if (pin) {
    pin.setLatLng(place);
    return;
  }
  const L = globalThis.L;
  const drawing = document.createElement("span");
  drawing.className = "your-pin";
  const icon = L.divIcon({ html: drawing, className: "", iconSize: [30, 30], iconAnchor: [15, 36] });
  pin = L.marker(place, { icon, draggable: true, title: box.dataset.pin, alt: box.dataset.pin, zIndexOffset: 1000, keyboard: false }).addTo(map);
  pin.on("drag dragend", () => write(pin.getLatLng()));
}

for (const button of document.querySelectorAll("[data-north]")) {
  button.addEventListener("click", () => {
    const middle = map?.getCenter();
    const place = typed() ?? (middle && [middle.lat, middle.lng]);
    if (!place) return;
    const north = (Number(button.dataset.north) * NUDGE_M) / METRES_PER_DEGREE;
    const east = (Number(button.dataset.east) * NUDGE_M) / (METRES_PER_DEGREE * Math.cos((place[0] * Math.PI) / 180));
    write({ lat: place[0] + north, lng: place[1] + east });
    showTyped();
  });
}
lat?.addEventListener("change", showTyped);
lon?.addEventListener("change", showTyped);

async function start() {
  await loadMaps({ leaflet: box.dataset.leaflet, leafletCss: box.dataset.leafletCss, protomaps: box.dataset.protomaps });
  const labels = JSON.parse(box.dataset.choices);
  const places = box.dataset.places.split(";").filter(Boolean).map((each) => each.split(",").map(Number));
  const pins = places.map(([at, along], index) => ({ lat: at, lon: along, text: String(index + 1), title: labels[index], quiet: true }));
  box.replaceChildren();
  map = drawMap(box, { basemap: box.dataset.basemap, pins });
  const L = globalThis.L;
  const middle = [Number(box.dataset.lat), Number(box.dataset.lon)];
  if (!pins.length) map.setView(middle, 15);
  if (!lat) {
    if (!pins.length) L.marker(middle, { title: box.dataset.pin, alt: box.dataset.pin, keyboard: false }).addTo(map);
    return;
  }
  const place = typed();
  if (place) stand(place);
  map.on("click", (event) => {
    stand(event.latlng);
    write(event.latlng);
  });
  box.dataset.ready = "yes";
}

if (box) start().catch(() => {}); // without the map the fields above it still set the pin, and the page says so
