// How our own tiles are painted: like a printed city map, by day and by night. A classic script, because the board's map
// needs it while the page is built; map.js loads it too. The words of the palette are those that protomaps-leaflet paints by.

var Basemap = (() => {
  /** Every colour that the library paints by; roads are painted by `roads` below. */
  function palette(p) {
    return {
      ...p,
      background: p.beyond, railway: p.rail, boundaries: p.rail, runway: p.path, glacier: p.earth, beach: p.sand,
      park_a: p.park, park_b: p.park, wood_a: p.wood, wood_b: p.wood, scrub_a: p.scrub, scrub_b: p.scrub, zoo: p.park,
      pedestrian: p.square, military: p.industrial, aerodrome: p.industrial,
      roads_label_minor: p.ink, roads_label_minor_halo: p.halo, roads_label_major: p.ink, roads_label_major_halo: p.halo,
      ocean_label: p.waterInk, subplace_label: p.quietInk, subplace_label_halo: p.halo, city_label: p.ink, city_label_halo: p.halo,
      state_label: p.quietInk, state_label_halo: p.halo, country_label: p.quietInk, address_label: p.quietInk, address_label_halo: p.halo,
    };
  }

  // The library paints every road in one colour. Ours have a class each: its colour, the edge around it, and its width by
  // zoom; all edges first, so that streets flow into each other at a crossing.
  const ROADS = [
    { kinds: ["other", "path"], colour: "path", edge: "", width: [[13, 0], [14, 0.6], [17, 2], [20, 5]] },
    { kinds: ["minor_road"], colour: "minor", edge: "minorEdge", width: [[11, 0], [12.5, 0.7], [14, 1.9], [16, 5], [18, 12], [19, 20]] },
    { kinds: ["major_road"], colour: "major", edge: "majorEdge", width: [[7, 0], [11, 1.2], [13, 2.4], [15, 5], [18, 16], [19, 26]] },
    { kinds: ["highway"], colour: "highway", edge: "highwayEdge", width: [[4, 0], [9, 1.4], [12, 2.6], [15, 6], [18, 18], [19, 28]] },
  ];
  const EDGE_FROM_ZOOM = 11;

  function roads(colours) {
    const { LineSymbolizer, exp } = globalThis.protomapsL;
    const rule = (road, color, wider, minzoom) => {
      const width = exp(1.6, road.width);
      return {
        dataLayer: "roads",
        minzoom,
        symbolizer: new LineSymbolizer({ color, width: (zoom) => (width(zoom) ? width(zoom) + wider : 0), lineCap: "round", lineJoin: "round" }),
        filter: (_, feature) => road.kinds.includes(feature.props.kind) && feature.props.kind_detail !== "pier",
      };
    };
    const edged = ROADS.filter((road) => road.edge);
    return [...edged.map((road) => rule(road, colours[road.edge], 1.6, EDGE_FROM_ZOOM)), ...ROADS.map((road) => rule(road, colours[road.colour], 0))];
  }

  // Houses in open country are specks that hide its streets, until one looks closer.
  const HOUSES = [[13, 0.3], [15, 0.5]];

  function houses(colours) {
    const { PolygonSymbolizer, linear } = globalThis.protomapsL;
    return { dataLayer: "buildings", symbolizer: new PolygonSymbolizer({ fill: colours.buildings, opacity: linear(HOUSES) }) };
  }

  function rules(colours) {
    const given = globalThis.protomapsL.paintRules(colours).map((each) => (each.dataLayer === "buildings" ? houses(colours) : each));
    const isTheirs = ({ dataLayer, filter }) =>
      dataLayer === "roads" && ROADS.some((road) => road.kinds.some((kind) => filter(15, { props: { kind } })));
    const at = given.findIndex(isTheirs);
    const others = given.filter((each) => !isTheirs(each));
    return at < 0 ? given : [...others.slice(0, at), ...roads(colours), ...others.slice(at)];
  }

  // House numbers, small and quiet: what collides with a street's name or another number is left out by the library.
  const NUMBERS_FROM_ZOOM = 17;

  function numbers(colours) {
    const { CenteredTextSymbolizer } = globalThis.protomapsL;
    return {
      dataLayer: "addresses",
      minzoom: NUMBERS_FROM_ZOOM,
      symbolizer: new CenteredTextSymbolizer({
        labelProps: ["number"], font: (zoom) => `400 ${zoom < 18 ? 10 : 11}px sans-serif`, fill: colours.address_label, stroke: colours.address_label_halo, width: 2,
      }),
    };
  }

  const LIGHT = palette({
    beyond: "#e7e3db", earth: "#f5f2eb", water: "#a9cfe3", buildings: "#c6b9a5", pier: "#e6e0d4", rail: "#8a8a92",
    park: "#cbe3b8", wood: "#b9d8a8", scrub: "#d7e6c4", hospital: "#f1dedd", industrial: "#e8e3e6", school: "#efe6d2",
    square: "#ece5d8", sand: "#f0e7c8", path: "#e3d9c6", minor: "#ffffff", minorEdge: "#a89c87", major: "#fbe08e", majorEdge: "#d9b54c",
    highway: "#f2a566", highwayEdge: "#c97a37", ink: "#4a443c", quietInk: "#5f594f", waterInk: "#2f6690", halo: "#fffdf8",
  });
  const DARK = palette({
    beyond: "#15191e", earth: "#1f252c", water: "#163a56", buildings: "#4a5663", pier: "#2c333b", rail: "#7d8792",
    park: "#24402f", wood: "#213a2b", scrub: "#263a2e", hospital: "#3a2c30", industrial: "#2a2e37", school: "#35322a",
    square: "#2a3038", sand: "#38342a", path: "#3d454f", minor: "#56606c", minorEdge: "#171b20", major: "#8f7f4c", majorEdge: "#171b20",
    highway: "#b07a45", highwayEdge: "#171b20", ink: "#e2e6ea", quietInk: "#b4bcc5", waterInk: "#8fc1e6", halo: "#14181c",
  });

  // Nearer there is nothing that is not seen here: two streets at most, and further on a road without an edge.
  const CLOSEST = 19;

  const isDark = () => getComputedStyle(document.documentElement).colorScheme === "dark";

  /** The layer of a tile server that was named instead of ours: pictures, and the words the page has for whose they are. */
  function pictures(url) {
    const credit = document.createElement("span");
    credit.textContent = document.querySelector('meta[name="map-credit"]')?.content ?? "";
    // Such servers want to know which site asks, and may not hear of its links.
    return globalThis.L.tileLayer(url, { attribution: credit.innerHTML, maxZoom: CLOSEST, referrerPolicy: "origin", className: "pictures" });
  }

  /** The colour of what lies beyond every region's map. */
  const beyond = (dark = isDark()) => (dark ? DARK : LIGHT).background;

  /**
   * The Leaflet layer of our tiles, or of the server whose template `url` is; `dark` left out: as the page is. One with
   * `bounds` is one of several beside each other, drawn over its box alone and without a ground of its own, which would hide
   * the others where a tile shows more than one.
   */
  function layer({ url, lang, bounds = null, attribution = "© OpenStreetMap contributors", dark = isDark() }) {
    if (url.includes("{z}")) return pictures(url);
    const colours = dark ? DARK : LIGHT;
    const { leafletLayer, labelRules } = globalThis.protomapsL;
    return leafletLayer({
      url,
      lang,
      attribution,
      maxDataZoom: 15,
      maxZoom: CLOSEST,
      paintRules: rules(colours),
      labelRules: [...labelRules(colours, lang || "en"), numbers(colours)],
      backgroundColor: bounds ? "" : colours.background,
      ...(bounds ? { bounds } : {}),
    });
  }

  return { layer, beyond };
})();
