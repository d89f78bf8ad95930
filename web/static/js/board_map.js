// What the map's own script calls while the page is built (web/maps.py writes it): tiles, markers, and how they are found again.
// A classic script: it has to be there before the page's modules run.

var BoardMap = (() => {
  const markers = new Map(); // "stop:17" → Leaflet marker
  const CLOSE = 15.5; // further out, doors in one street would cover each other
  let shown = null;
  let tiles = [];
  let opensOn = [];
  let settings = null;

  function basemap(map, given) {
    shown = map;
    settings = given;
    map.attributionControl.setPrefix(false);
    map.setMaxZoom(20);
    drawTiles();
    document.addEventListener("theme", drawTiles);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTiles);
    return map;
  }

  function drawTiles() {
    for (const each of tiles) shown.removeLayer(each);
    const { layers, ...common } = settings;
    tiles = layers.map((each) => Basemap.layer({ ...common, ...each }).addTo(shown));
    if (layers.length > 1) shown.getContainer().style.backgroundColor = Basemap.beyond();
  }

  function icon(pin) {
    const label = document.createElement("span");
    label.className = pin.kind === "stop" ? `map-pin ${pin.routeClass}` : pin.kind === "left_out" ? "hollow" : "depot-pin";
    label.textContent = pin.text;
    const size = pin.kind === "left_out" ? 16 : 24;
    return L.divIcon({ html: label, className: `pin pin-${pin.kind}`, iconSize: [size, size] });
  }

  function pins(map, list, box) {
    shown = map;
    opensOn = box;
    const measure = () => map.getContainer().classList.toggle("far", map.getZoom() < CLOSE);
    map.on("zoomend", measure);
    for (const pin of list) {
      // The lists beside the map are the keyboard's way: three hundred markers would be three hundred tab stops.
      const marker = L.marker(pin.at, { icon: icon(pin), keyboard: false, zIndexOffset: pin.kind === "left_out" ? -500 : pin.kind === "depot" ? 500 : 0, riseOnHover: true });
      marker.pin = pin;
      marker.addTo(map);
      markers.set(`${pin.kind}:${pin.key}`, marker);
    }
    return markers;
  }

  return { basemap, pins, markers, map: () => shown, opensOn: () => opensOn };
})();
