// The small map: our own tiles, the stops that are left, and nothing from outside.

let loading = null;

function script(src) {
  return new Promise((resolve, reject) => {
    const tag = document.createElement("script");
    tag.src = src;
    tag.onload = resolve;
    tag.onerror = reject;
    document.head.append(tag);
  });
}

/** Loads Leaflet and the tile reader once; rejects without signal when they were never loaded. */
export function loadMaps({ leaflet, leafletCss, protomaps }) {
  loading ??= (async () => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = leafletCss;
    document.head.append(sheet);
    await script(leaflet);
    await script(protomaps);
    await script(new URL("./basemap.js", import.meta.url).href);
  })().catch((problem) => {
    loading = null;
    throw problem;
  });
  return loading;
}

/** Draws pins ({ lat, lon, text, title, quiet }) over the basemap; returns the Leaflet map. */
export function drawMap(box, { basemap, pins, routeClass = "" }) {
  const L = globalThis.L;
  const map = L.map(box, { zoomControl: true, attributionControl: true, scrollWheelZoom: false });
  map.attributionControl.setPrefix(false);
  if (basemap) {
    globalThis.Basemap.layer({ url: basemap, lang: document.documentElement.lang }).addTo(map);
  }
  const bounds = [];
  for (const pin of pins) {
    const label = document.createElement("span");
    label.className = `map-pin ${pin.quiet ? "quiet" : routeClass}`;
    label.textContent = pin.text;
    const icon = L.divIcon({ html: label, className: "", iconSize: [28, 28] });
    L.marker([pin.lat, pin.lon], { icon, title: pin.title, alt: pin.title, keyboard: false }).addTo(map);
    bounds.push([pin.lat, pin.lon]);
  }
  if (bounds.length) map.fitBounds(bounds, { padding: [32, 32], maxZoom: 16 });
  // Leaflet does not see it when its box grows, as beside an answer that takes more lines.
  new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(box);
  return map;
}
