// The customer's page asks again now and then, while somebody looks at it; the map comes only when there is one to show.

const status = document.getElementById("status");
const { url, pollS, leaflet, leafletCss, protomaps } = status.dataset;

async function showMap() {
  const box = document.getElementById("map");
  if (!box) return;
  const { drawMap, loadMaps } = await import("./map.js");
  await loadMaps({ leaflet, leafletCss, protomaps });
  const { vanLat, vanLon, lat, lon, basemap, vanWord, youWord } = box.dataset;
  drawMap(box, {
    basemap,
    pins: [
      { lat: Number(lat), lon: Number(lon), text: "●", title: youWord, quiet: true },
      { lat: Number(vanLat), lon: Number(vanLon), text: "➤", title: vanWord },
    ],
  });
}

async function ask() {
  if (document.visibilityState !== "visible") return;
  let response;
  try {
    response = await fetch(url, { headers: { Accept: "text/html" } });
  } catch {
    return; // no signal: what is shown stays
  }
  if (!response.ok) return;
  const fresh = await response.text();
  const before = status.querySelector(".answer").dataset.stage;
  status.innerHTML = fresh; // our own template, in which everything is escaped
  await showMap();
  const stage = status.querySelector(".answer").dataset.stage;
  // What can be done changes with the end: the whole page is written anew, once.
  if (stage !== before && ["delivered", "refused", "failed"].includes(stage)) location.reload();
}

await showMap();
setInterval(ask, Number(pollS) * 1000);
document.addEventListener("visibilitychange", ask);
