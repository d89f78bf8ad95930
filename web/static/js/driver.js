// The driver's page: one thing at a time. Every report goes into the outbox first and is shown as done at once;
// the line at the top says what the office does not have yet, and it never lies.

import { h, icon } from "./dom.js";
import { drawMap, loadMaps } from "./map.js";
import { Outbox } from "./outbox.js";
import { photoField, signatureField } from "./pictures.js";
import { findPlace, sharePlace } from "./place.js";

const data = JSON.parse(document.getElementById("data").textContent);
const { token, words, assets } = data;
const outcomes = Object.fromEntries(data.outcomes); // word → how the page says it, in the order to offer them
const fetchingOutcomes = Object.fromEntries(data.fetchingOutcomes);
const aboutGoods = new Set(data.aboutGoods);
const handedOver = new Set(data.handedOver);
const payMethods = Object.fromEntries(data.payMethods);
const view = document.getElementById("view");
const sentLine = document.getElementById("sent");

const FLUSH_EVERY_MS = 8_000; // while a report waits: not every browser says that the signal is back
const REFRESH_EVERY_MS = 60_000;

let route = data.route;
let clockAhead = Date.parse(route.now) - Date.now(); // the office's clock counts, whatever this phone believes
let open = { kind: "next" }; // next | stop(id) | depot(id) | hand_over(id) | problem(id)
let entries = []; // the outbox as it was last read
let answered = []; // what has left it since the route was fetched: the route does not know of it yet
let remark = "";

const outbox = new Outbox({ token, changed: showOutbox });

// ------------------------------------------------------------------ small helpers

function say(word, ...parts) {
  return parts.reduce((text, part, n) => text.replace(`%${n + 1}`, part), words[word]);
}

function button(word, drawing, kind, onclick, attributes = {}) {
  return h("button", { type: "button", class: `button big ${kind}`, onclick, ...attributes }, icon(drawing), h("span", {}, word));
}

function clock(moment) {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: route.zone }).format(new Date(moment));
}

function duration(milliseconds) {
  const minutes = Math.round(milliseconds / 60_000);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}`;
}

// ------------------------------------------------------------------ money, in minor units (BigInt)

// As routing/rules/paying.py reckons it: each delivery its share by the worth of what is handed over.
function dueOf(asks, delivered) {
  const mine = delivered.filter((line) => asks.prices[line.allocation_id] !== undefined);
  if (!mine.some((line) => line.delivered)) return 0n;
  const [amount, worth, before, asked] = [asks.amount, asks.worth, asks.worthBefore, asks.askedBefore].map(BigInt);
  const of = mine.reduce((sum, line) => sum + BigInt(line.delivered) * BigInt(asks.prices[line.allocation_id]), before);
  const share = worth > 0n ? (2n * amount * (of < worth ? of : worth) + worth) / (2n * worth) : of > 0n ? amount : 0n;
  return share > asked ? share - asked : 0n;
}

// By currency, of deliveries with their lines as [{ allocation_id, delivered }]: { currency: { due, digits } }.
function dueAt(deliveries, linesOf) {
  const found = new Map();
  for (const delivery of deliveries) {
    for (const asks of delivery.asks ?? []) {
      const so = found.get(asks.currency) ?? { currency: asks.currency, digits: asks.digits, due: 0n };
      so.due += dueOf(asks, linesOf(delivery));
      found.set(asks.currency, so);
    }
  }
  return [...found.values()];
}

function inFull(delivery) {
  return delivery.lines.map((line) => ({ allocation_id: line.allocationId, delivered: line.loaded }));
}

function plainMoney(minor, digits) {
  const text = String(minor).padStart(digits + 1, "0");
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
}

function money(minor, { currency, digits }) {
  const format = new Intl.NumberFormat(document.documentElement.lang || "en", { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits });
  return format.format(plainMoney(minor, digits));
}

// "112,50" or "112.50" as minor units; null for what is no amount.
function minorOf(text, digits) {
  const [whole, part = "", ...more] = text.trim().replace(",", ".").split(".");
  if (!/^\d{1,9}$/.test(whole) || !/^\d*$/.test(part) || part.length > digits || more.length) return null;
  const minor = BigInt(whole + part.padEnd(digits, "0"));
  return minor <= 999_999_999n ? minor : null;
}

function share() {
  sharePlace({ token, present });
}

function present() {
  return new Date(Date.now() + clockAhead);
}

const STATE_LOOK = {
  waiting: ["waiting", "clock"],
  under_way: ["under-way", "truck"],
  done: ["done", "circle-check"],
  failed: ["failed", "circle-x"],
};

function chip(stop) {
  const [look, drawing] = STATE_LOOK[stop.state];
  const isRefused = stop.state === "failed" && stop.outcome === "refused";
  return h("span", { class: `chip ${look}` }, icon(drawing), isRefused ? words.is_refused : words[stop.state]);
}

// ------------------------------------------------------------------ how the route stands, unsent reports counted in

function stops() {
  return route.stops.map((stop) => {
    const mine = [...answered, ...entries].filter((entry) => entry.report.stop_id === stop.id && !entry.problem);
    const said = mine.filter((entry) => entry.report.kind === "outcome").flatMap((entry) => entry.report.deliveries);
    if (said.length && !isEnded(stop)) {
      const words = new Map(said.map((each) => [each.delivery_id, each.outcome]));
      const deliveries = stop.deliveries.map((each) => (words.has(each.id) ? { ...each, state: handedOver.has(words.get(each.id)) ? "done" : "failed" } : each));
      if (openDeliveries({ deliveries }).length) return { ...stop, deliveries, state: "under_way" };
      const word = said[0].outcome;
      return { ...stop, deliveries, state: handedOver.has(word) ? "done" : "failed", outcome: word, isHere: true };
    }
    const arrived = mine.find((entry) => entry.report.kind === "arrived");
    if (arrived && stop.state === "waiting") return { ...stop, state: "under_way", arrivedAt: arrived.report.captured_at, isHere: true };
    return stop;
  });
}

// The depot comes before the first stop of a later trip, until somebody said that the trip is loaded: the warehouse, this
// phone, or a report from one of its doors.
function needsDepot(stop, all) {
  if (!stop?.depotStep || stop.depotStep.isLoaded) return false;
  const isLoaded = [...answered, ...entries].some((entry) => entry.report.kind === "loaded" && entry.report.stop_id === stop.id);
  return !isLoaded && all.every((each) => each.trip !== stop.trip || each.state === "waiting");
}

function isEnded(stop) {
  return stop.state === "done" || stop.state === "failed";
}

function openDeliveries(stop) {
  return stop.deliveries.filter((delivery) => delivery.state !== "done" && delivery.state !== "failed");
}

function onlyFetches(deliveries) {
  return deliveries.length > 0 && deliveries.every((delivery) => delivery.direction === "collect");
}

// ------------------------------------------------------------------ what is not sent, always in sight

async function showOutbox() {
  const before = entries;
  entries = await outbox.all();
  const still = new Set(entries.map((entry) => entry.client_id));
  answered.push(...before.filter((entry) => !still.has(entry.client_id)));
  const refused = entries.filter((entry) => entry.problem);
  const waiting = entries.length - refused.length;
  const lines = [];
  if (waiting) {
    lines.push(
      h("div", { class: "sent-line late" }, icon(navigator.onLine ? "send" : "wifi-off"),
        h("span", { class: "grow" }, h("strong", {}, say("not_sent", waiting)), navigator.onLine ? "" : ` · ${words.no_signal}`),
        h("button", { type: "button", class: "button", onclick: () => sync() }, words.try_again)),
    );
  } else {
    lines.push(h("div", { class: "sent-line quiet" }, icon(navigator.onLine ? "check" : "wifi-off"),
      h("span", {}, navigator.onLine ? words.all_sent : words.offline)));
  }
  for (const entry of refused) {
    lines.push(
      h("div", { class: "sent-line failed", role: "alert" }, icon("triangle-alert"),
        h("div", { class: "grow" }, h("strong", {}, words.refused_one), h("p", {}, entry.problem)),
        h("button", { type: "button", class: "button", onclick: () => outbox.tryAgain(entry) }, words.try_again)),
    );
  }
  if (!outbox.isLasting) lines.push(h("div", { class: "sent-line late" }, icon("info"), h("span", {}, words.no_store)));
  else if (!route.isHttps) lines.push(h("div", { class: "sent-line late" }, icon("info"), h("span", {}, words.no_https)));
  sentLine.replaceChildren(...lines);
}

async function sync() {
  const answers = await outbox.flush();
  const remarks = answers.flatMap((answer) => answer.remarks);
  if (remarks.length) remark = remarks.at(-1);
  await showOutbox();
  if (answers.length) await refresh();
}

async function refresh() {
  const known = answered.length;
  try {
    const response = await fetch(`/d/${token}/route.json`, { signal: AbortSignal.timeout(15_000) });
    if (!response.ok) return;
    const fresh = await response.json();
    if (fresh.version > route.version) remark = words.changed;
    if (Date.parse(fresh.now) >= Date.parse(route.now)) clockAhead = Date.parse(fresh.now) - Date.now();
    route = fresh;
    answered = answered.slice(known);
  } catch {
    return; // no signal: the page goes on with what it has
  }
  if (["next", "stop", "depot"].includes(open.kind)) show();
}

// ------------------------------------------------------------------ reporting

async function report(stop, kind, more = {}, files = []) {
  const entry = await outbox.add(
    { kind, stop_id: stop.id, captured_at: present().toISOString(), deliveries: [], recipient: "", note: "", location: null, ...more },
    files,
  );
  remark = "";
  if (kind === "outcome" || kind === "loaded") open = { kind: "next" };
  show();
  scrollTo(0, 0);
  view.focus({ preventScroll: true });
  await outbox.locate(entry, await findPlace(share));
  await sync();
}

// ------------------------------------------------------------------ pages

function show() {
  const all = stops();
  const asked = all.find((stop) => stop.id === open.id);
  if (open.kind === "hand_over" && asked) return view.replaceChildren(...handOverPage(asked));
  if (open.kind === "problem" && asked) return view.replaceChildren(...problemPage(asked));
  const next = asked ?? all.find((stop) => stop.state === "under_way") ?? all.find((stop) => !isEnded(stop));
  const atDepot = open.kind === "depot" || (!asked && needsDepot(next, all));
  view.replaceChildren(...[
    progress(all),
    remark && note(remark),
    !next ? allDone() : atDepot ? depotCard(next, all) : stopCard(next, all.length),
    map(all, next),
    list(all, next, atDepot),
    atDepot ? needsDepot(next, all) && depotThumbs(next) : next && !isEnded(next) && thumbs(next),
  ].filter(Boolean));
}

function note(text) {
  return h("div", { class: "say late", role: "status" }, icon("info"), h("p", {}, text));
}

function progress(all) {
  const done = all.filter(isEnded).length;
  return h("div", { class: "day-progress" },
    h("progress", { max: all.length, value: done, "aria-label": words.today }),
    h("span", { class: "small quiet" }, `${done} / ${all.length}`));
}

function waits(stop) {
  return stop.waitsFrom && !isEnded(stop) && stop.state !== "under_way";
}

function stopCard(stop, count) {
  const late = stop.told && stop.isForecast ? Date.parse(stop.eta) - Date.parse(stop.told[1]) : 0;
  return h("article", { class: "stop-card" },
    h("div", { class: "row apart" },
      h("span", { class: "quiet" }, say("stop_of", stop.number, count)),
      isEnded(stop) ? chip(stop) : h("span", { class: late > 0 ? "chip late" : "chip waiting" }, icon(late > 0 ? "timer" : "clock"),
        stop.state === "under_way" ? words.under_way : say("eta", clock(stop.eta)))),
    h("h2", { class: "stop-name" }, stop.site),
    addressLink(stop),
    h("ul", { class: "stop-facts" },
      dueAt(openDeliveries(stop), inFull).filter((each) => each.due).map((each) =>
        h("li", { class: "to-pay" }, icon(each.currency === "EUR" ? "euro" : "circle-dot"), h("strong", {}, say("pay", money(each.due, each))))),
      waits(stop) && h("li", {}, icon("timer"), h("strong", {}, say("arrive_and_wait", clock(stop.waitsFrom), clock(stop.eta)))),
      stop.told && stop.heard && h("li", {}, icon("clock"), h("span", {}, say(`heard_${stop.heard}`, clock(stop.told[0]), clock(stop.told[1]), clock(stop.heardAt)))),
      stop.hours.map(([opens, closes, kind]) => h("li", {}, icon("flag"),
        h("span", {}, kind === "motor_hours" ? say(kind, opens, closes) : `${say("hours", opens, closes)} · ${say(kind, closes)}`))),
      stop.gateCode && h("li", {}, icon("lock"), h("span", {}, words.gate_code, " ", h("strong", {}, stop.gateCode))),
      stop.phone && h("li", {}, icon("phone"), h("a", { href: `tel:${stop.phone.replaceAll(" ", "")}` }, `${words.call} ${stop.phone}`))),
    stop.note && h("div", { class: "stop-note" }, icon("message-square"), h("p", { class: "pre" }, stop.note)),
    openDeliveries(stop).map((delivery) => h("section", { class: "stop-goods" },
      h("h3", {}, [...(delivery.direction === "collect" ? [words.collect] : []), ...delivery.references, delivery.number].join(" · ")),
      delivery.attempt > 1 && h("span", { class: "chip late" }, icon("history"), say("attempt", delivery.attempt)),
      h("ul", {}, delivery.lines.map((line) => h("li", {}, h("strong", { class: "number" }, line.loaded), ` ${line.unit} `, h("span", {}, line.product)))))),
    isEnded(stop) && h("p", { class: "quiet" }, onlyFetches(stop.deliveries) && stop.outcome === "delivered" ? words.collected : outcomes[stop.outcome] ?? "", stop.isHere ? ` · ${words.kept_only_here}` : ""));
}

// Between two trips: where to, when, and what goes on in the order of loading.
function depotCard(stop, all) {
  const step = stop.depotStep;
  const toLoad = all.filter((each) => each.trip === stop.trip).reverse();
  return h("article", { class: "stop-card" },
    h("div", { class: "row apart" },
      h("span", { class: "quiet" }, say("trip", stop.trip)),
      needsDepot(stop, all) ? h("span", { class: "chip waiting" }, icon("clock"), say("eta", clock(step.backAt))) : h("span", { class: "chip done" }, icon("circle-check"), words.done)),
    h("h2", { class: "stop-name" }, say("depot_step", stop.trip)),
    addressLink({ ...route.depot, site: route.depot.name }),
    h("ul", { class: "stop-facts" }, h("li", {}, icon("clock"), h("span", {}, say("depot_times", clock(step.backAt), clock(step.leavesAt))))),
    h("section", { class: "stop-goods" }, h("h3", {}, words.depot_goods),
      h("ul", {}, toLoad.flatMap((each) => each.deliveries.filter((delivery) => delivery.direction !== "collect").map((delivery) =>
        h("li", {}, h("strong", { class: "number" }, each.number), h("span", {}, `${each.site} · ${delivery.number}`,
          delivery.lines.map((line) => h("div", { class: "quiet" }, `${line.loaded} ${line.unit} ${line.product}`)))))))));
}

function depotThumbs(stop) {
  return h("div", { class: "thumbs" }, button(words.depot_loaded, "package-check", "primary", () => report(stop, "loaded")));
}

function addressLink(stop) {
  if (stop.lat === null) return h("p", { class: "stop-address" }, stop.address);
  const to = `${stop.lat},${stop.lon}`;
  const apps = {
    "Google Maps": `https://www.google.com/maps/dir/?api=1&destination=${to}`,
    "Apple Maps": `https://maps.apple.com/?daddr=${to}&dirflg=d`,
    Waze: `https://waze.com/ul?ll=${to}&navigate=yes`,
    [words.other_app]: `geo:${to}?q=${to}(${encodeURIComponent(stop.site)})`,
  };
  const usual = localStorage.getItem("navigate") ?? (/iPhone|iPad/.test(navigator.userAgent) ? "Apple Maps" : "Google Maps");
  return h("div", { class: "stop-address" },
    h("a", { href: apps[usual] ?? apps["Google Maps"], target: "_blank", rel: "noopener" }, icon("navigation"), h("span", {}, stop.address)),
    h("details", {},
      h("summary", {}, words.navigate_with),
      h("div", { class: "row" }, Object.entries(apps).map(([name, href]) =>
        h("a", { class: "button", href, target: "_blank", rel: "noopener", onclick: () => localStorage.setItem("navigate", name) }, name)))));
}

function thumbs(stop) {
  const hasArrived = stop.state === "under_way";
  return h("div", { class: "thumbs of-three" },
    button(words.problem, "triangle-alert", "", () => go("problem", stop)),
    hasArrived ? "" : button(words.arrived, "map-pin", "", () => report(stop, "arrived")),
    button(onlyFetches(openDeliveries(stop)) ? words.collected : words.delivered, "package-check", "primary", () => go("hand_over", stop)));
}

function go(kind, stop) {
  open = { kind, id: stop.id };
  show();
  scrollTo(0, 0);
  view.focus({ preventScroll: true });
}

function list(all, next, atDepot) {
  return h("section", { class: "stop-list" },
    h("h2", {}, words.today),
    h("ol", {}, all.flatMap((stop) => [stop.depotStep && depotRow(stop, all, atDepot && stop.id === next?.id), h("li", { class: isEnded(stop) ? "ended" : "" },
      h("button", { type: "button", "aria-current": stop.id === next?.id && !atDepot ? "step" : false, onclick: () => go("stop", stop) },
        h("span", { class: `route-badge ${isEnded(stop) ? "is-quiet" : route.routeClass}` }, stop.number),
        h("span", { class: "grow" }, h("span", { class: "stop-title" }, stop.site), h("span", { class: "quiet small" }, stop.address), waits(stop) && h("span", { class: "small" }, say("arrive_and_wait", clock(stop.waitsFrom), clock(stop.eta)))),
        isEnded(stop) || stop.state === "under_way" ? chip(stop) : h("span", { class: "number quiet" }, clock(stop.eta))))].filter(Boolean))));
}

function depotRow(stop, all, isNext) {
  const isOver = !needsDepot(stop, all);
  return h("li", { class: isOver ? "ended depot-row" : "depot-row" },
    h("button", { type: "button", "aria-current": isNext ? "step" : false, onclick: () => go("depot", stop) },
      h("span", { class: "route-badge is-quiet" }, icon("warehouse")),
      h("span", { class: "grow" }, h("span", { class: "stop-title" }, say("depot_step", stop.trip)), h("span", { class: "quiet small" }, route.depot.address)),
      isOver ? chip({ state: "done" }) : h("span", { class: "number quiet" }, clock(stop.depotStep.backAt))));
}

function allDone() {
  return h("div", { class: "empty" }, icon("circle-check"), h("h2", {}, words.done_all),
    ...(route.returnsAt ? [h("p", {}, say("go_back", route.depot.name, clock(route.returnsAt)))] : []));
}

function map(all, next) {
  const placed = all.filter((stop) => stop.lat !== null && !isEnded(stop));
  if (!route.basemap || !placed.length) return "";
  const box = h("div", { class: "map" });
  return h("details", {
    class: "map-fold",
    ontoggle: async (event) => {
      if (!event.target.open || box.hasChildNodes()) return;
      try {
        await loadMaps(assets);
        drawMap(box, {
          basemap: route.basemap,
          routeClass: route.routeClass,
          pins: placed.map((stop) => ({ lat: stop.lat, lon: stop.lon, text: stop.number, title: stop.site, quiet: stop.id !== next?.id })),
        });
      } catch {
        box.replaceChildren(h("p", { class: "empty" }, words.no_map));
      }
    },
  }, h("summary", {}, icon("map"), words.map), box);
}

// ------------------------------------------------------------------ the two forms

function formHead(stop, title) {
  return h("div", { class: "form-head" }, h("p", { class: "quiet" }, stop.site), h("h2", {}, title));
}

function handOverPage(stop) {
  const deliveries = openDeliveries(stop);
  const isFetching = onlyFetches(deliveries);
  const counters = deliveries.flatMap((delivery) => delivery.lines.map((line) => lineCounter(delivery, line, () => tills.forEach((each) => each.update()))));
  const linesOf = (delivery) => counters.filter((each) => each.delivery === delivery).map((each) => ({ delivered: 0, ...each.counts() }));
  const tills = dueAt(deliveries, inFull).filter((each) => each.due).map((each) =>
    till(each, () => dueAt(deliveries, linesOf).find((other) => other.currency === each.currency).due));
  const how = choices("how", ["delivered", "third_party", "safe_place", "pickup_point"], "delivered");
  const name = h("input", { class: "input", id: "who", autocomplete: "off", autocapitalize: "words", maxlength: 120 });
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const signature = signatureField(words);
  const photos = photoField(words);
  const text = h("textarea", { class: "textarea", id: "note", maxlength: 2000 });

  async function save() {
    const problem = whatIsWrong();
    wrong.hidden = !problem;
    wrong.textContent = problem;
    if (problem) return wrong.scrollIntoView({ block: "center" });
    const outcome = how.value();
    await report(stop, "outcome", {
      deliveries: deliveries.map((delivery) => {
        const lines = counters.filter((each) => each.delivery === delivery).map((each) => each.counts());
        return { delivery_id: delivery.id, outcome: outcomeOf(delivery, lines, outcome), lines };
      }),
      recipient: name.value.trim(),
      note: text.value.trim(),
      ...(tills.length ? { payments: tills.flatMap((each) => each.payments()) } : {}),
    }, [...(await signature.files()), ...(await photos.files())]);
  }

  function whatIsWrong() {
    const counts = counters.map((each) => each.counts());
    if (!counts.some((line) => line.delivered || line.collected)) return isFetching ? words.nothing_collected : words.nothing_delivered;
    const unsaid = counters.map((each) => each.problem()).find(Boolean);
    if (unsaid) return unsaid;
    const unreadable = tills.map((each) => each.problem()).find(Boolean);
    if (unreadable) return unreadable;
    if (how.value() === "delivered" && !name.value.trim() && signature.isEmpty()) return words.need_name;
    return "";
  }

  return [
    formHead(stop, isFetching ? words.collected : words.delivered),
    h("form", { class: "door-form", onsubmit: (event) => event.preventDefault() },
      counters.map((each) => each.node),
      tills.map((each) => each.node),
      !isFetching && h("fieldset", {}, h("legend", {}, words.how), how.node),
      h("div", { class: "field" }, h("label", { for: "who" }, isFetching ? words.handed_over_by : words.who), name),
      signature.node,
      photos.node,
      h("div", { class: "field" }, h("label", { for: "note" }, words.driver_note), text),
      wrong),
    h("div", { class: "thumbs" }, button(words.back, "arrow-left", "", () => go("stop", stop)), button(words.save, "check", "primary", save)),
  ];
}

// Of several deliveries at one door one may be wholly short or damaged: then it was not handed over.
function outcomeOf(delivery, lines, chosen) {
  if (delivery.direction === "collect" || lines.some((line) => line.delivered)) return chosen;
  if (lines.every((line) => line.refused)) return "refused";
  return lines.some((line) => line.damaged) ? "damaged" : "missing";
}

// What is paid at this door in one currency: it follows what is handed over until the driver writes another amount. Paid
// in several ways, each has an amount of its own, and the one that nobody typed is what is left to pay.
function till(of, dueNow) {
  const { currency, digits } = of;
  const asked = h("legend", {});
  const off = h("p", { class: "say late", role: "status", hidden: true });
  const how = choices(`how-${currency}`, Object.keys(payMethods), "cash", payMethods);
  const whole = amountField("", say("pay_given", currency));
  const parts = Object.keys(payMethods).map((method) => amountField(method, say("pay_part", payMethods[method], currency)));
  const inOneWay = h("div", { class: "till" }, whole.node, h("fieldset", {}, h("legend", {}, words.pay_how), how.node));
  const inSeveral = h("div", { class: "till", hidden: true });
  const other = h("button", { type: "button", class: "button", onclick: () => divide(!isDivided) }, words.pay_parts);
  let isDivided = false;
  let rest = whole; // whose amount follows what is due

  function amountField(method, label) {
    const id = ["pay", currency, method].filter(Boolean).join("-");
    const input = h("input", { class: "input number", id, type: "text", inputmode: digits ? "decimal" : "numeric", autocomplete: "off", maxlength: 14,
      oninput: () => { if (rest === field) rest = null; update(); } });
    const node = h("div", { class: "field" }, h("label", { for: id }, label), input);
    const minor = () => (method && !input.value.trim() ? 0n : minorOf(input.value, digits));
    const field = { method, input, node, minor };
    return field;
  }

  function divide(should) {
    const typed = rest === whole ? null : whole.input.value;
    isDivided = should;
    inOneWay.hidden = should;
    inSeveral.hidden = !should;
    inSeveral.replaceChildren(...(should ? parts.map((part) => part.node) : []));
    other.textContent = should ? words.pay_whole : words.pay_parts;
    parts.forEach((part) => { part.input.value = ""; });
    if (should) {
      const first = parts.find((part) => part.method === how.value());
      if (typed !== null) first.input.value = typed;
      rest = typed === null ? first : parts.find((part) => part !== first);
    } else {
      rest = whole;
    }
    update();
  }

  function fields() {
    return isDivided ? parts : [whole];
  }

  function sum(some) {
    const amounts = some.map((each) => each.minor());
    return amounts.includes(null) ? null : amounts.reduce((total, amount) => total + amount, 0n);
  }

  function update() {
    const due = dueNow();
    asked.textContent = say("pay_asked", money(due, of));
    if (rest) {
      const others = sum(fields().filter((each) => each !== rest)) ?? 0n;
      rest.input.value = plainMoney(due > others ? due - others : 0n, digits);
    }
    const collected = sum(fields());
    off.hidden = collected === null || collected === due;
    if (!off.hidden) off.textContent = say(collected < due ? "pay_less" : "pay_more", money(collected < due ? due - collected : collected - due, of));
  }

  function payments() {
    const given = fields().map((each) => ({ currency, amount: Number(each.minor()), method: each.method || how.value() }));
    const some = given.filter((each) => each.amount);
    return some.length ? some : given.slice(0, 1); // a 0 says that it was asked for and nothing was given
  }

  const node = h("fieldset", { class: "till" }, asked, inOneWay, inSeveral, off, other);
  update();
  return { node, update, payments, problem: () => (sum(fields()) === null ? say("pay_wrong", currency, plainMoney(11_250n, digits)) : "") };
}

function lineCounter(delivery, line, changed) {
  const isCollecting = delivery.direction === "collect";
  const count = h("input", { class: "input number", type: "number", inputmode: "numeric", min: 0, max: line.most ?? line.loaded, value: line.loaded,
    "aria-label": `${line.product}: ${isCollecting ? words.collected : words.count}`, oninput: update, onblur: clean });
  const rest = reasons(line, () => line.loaded - value());
  const restText = h("legend", {});
  const restBox = h("fieldset", { class: "rest", hidden: true }, restText, rest.node);

  function value() {
    const typed = Math.trunc(Number(count.value));
    return Number.isFinite(typed) ? Math.min(Math.max(typed, 0), Number(count.max)) : 0;
  }
  function clean() {
    count.value = value();
    update();
  }
  function step(by) {
    count.value = Math.min(Math.max(value() + by, 0), Number(count.max));
    update();
  }
  function update() {
    const missing = isCollecting ? 0 : line.loaded - value();
    restBox.hidden = missing <= 0;
    rest.update();
    restText.textContent = say("rest_is", missing);
    changed();
  }

  return {
    delivery,
    counts() {
      if (isCollecting) return { allocation_id: line.allocationId, collected: value() };
      const missing = line.loaded - value();
      return { allocation_id: line.allocationId, delivered: value(), ...(missing > 0 ? rest.counts() : {}) };
    },
    problem() {
      const missing = isCollecting ? 0 : line.loaded - value();
      const said = Object.values(rest.counts()).reduce((sum, each) => sum + each, 0);
      return missing > 0 && said !== missing ? say("say_rest", line.product, missing) : "";
    },
    node: h("section", { class: "counter" },
      h("div", { class: "counter-row" },
        h("div", { class: "grow" }, h("strong", {}, line.product), h("div", { class: "quiet small" }, `${isCollecting ? words.collect : words.loaded}: ${line.loaded} ${line.unit}`)),
        h("button", { type: "button", class: "button step", "aria-label": `${line.product}: ${words.less}`, onclick: () => step(-1) }, icon("minus")),
        count,
        h("button", { type: "button", class: "button step", "aria-label": `${line.product}: ${words.more}`, onclick: () => step(1) }, icon("plus"))),
      restBox),
  };
}

// Why units are missing: nothing is chosen before the driver does. One reason takes all of them, several are counted.
function reasons(line, missing) {
  const all = ["short", "damaged", "refused"].map((key) => {
    const box = h("input", { type: "checkbox", name: `rest-${line.allocationId}`, value: key, onchange: update });
    const count = h("input", { class: "input number", type: "number", inputmode: "numeric", min: 0, "aria-label": `${line.product}: ${words[key]}`, hidden: true });
    return { key, box, count, node: h("div", {}, h("label", {}, box, h("span", {}, words[key])), count) };
  });
  const chosen = () => all.filter((each) => each.box.checked);
  function update() {
    for (const each of all) each.count.hidden = !(each.box.checked && chosen().length > 1);
  }
  function counted(each) {
    const typed = chosen().length > 1 ? Number(each.count.value) : missing();
    return Number.isInteger(typed) && typed > 0 ? typed : 0;
  }
  return {
    node: h("div", { class: "choices" }, all.map((each) => each.node)),
    update,
    counts: () => Object.fromEntries(chosen().map((each) => [each.key, counted(each)])),
  };
}

function problemPage(stop) {
  const deliveries = openDeliveries(stop);
  const isFetching = onlyFetches(deliveries);
  const brought = deliveries.filter((delivery) => delivery.direction !== "collect");
  const named = isFetching ? fetchingOutcomes : outcomes;
  const what = choices("what", Object.keys(named).filter((word) => !handedOver.has(word)), "", named);
  const goodsOnly = h("p", { class: "say late", role: "status", hidden: true }, words.goods_only);
  const leavesSome = () => !isFetching && brought.length < deliveries.length && aboutGoods.has(what.value());
  what.node.addEventListener("change", () => { goodsOnly.hidden = !leavesSome(); });
  const photos = photoField(words);
  const text = h("textarea", { class: "textarea", id: "note", maxlength: 2000 });
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true }, words.choose);

  async function save() {
    wrong.hidden = what.value() !== "";
    if (!wrong.hidden) return wrong.scrollIntoView({ block: "center" });
    await report(stop, "outcome", {
      deliveries: (leavesSome() ? brought : deliveries).map((delivery) => ({ delivery_id: delivery.id, outcome: what.value(), lines: [] })),
      note: text.value.trim(),
    }, await photos.files());
  }

  return [
    formHead(stop, words.problem),
    h("form", { class: "door-form", onsubmit: (event) => event.preventDefault() },
      h("fieldset", {}, h("legend", {}, words.what_happened), what.node),
      goodsOnly,
      wrong,
      photos.node,
      h("div", { class: "field" }, h("label", { for: "note" }, words.driver_note), text)),
    h("div", { class: "thumbs" }, button(words.back, "arrow-left", "", () => go("stop", stop)), button(words.save, "check", "primary", save)),
  ];
}

function choices(name, keys, chosen, names = outcomes) {
  const node = h("div", { class: "choices" }, keys.map((key) =>
    h("label", {}, h("input", { type: "radio", name, value: key, checked: key === chosen }), h("span", {}, names[key]))));
  return { node, value: () => node.querySelector("input:checked")?.value ?? "" };
}

// ------------------------------------------------------------------ begin

view.tabIndex = -1;
await outbox.open();
await showOutbox();
show();

addEventListener("online", () => sync());
addEventListener("offline", () => showOutbox());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") sync().then(refresh);
});
setInterval(() => entries.length && sync(), FLUSH_EVERY_MS);
setInterval(() => document.visibilityState === "visible" && refresh(), REFRESH_EVERY_MS);
sync();
if (globalThis.isSecureContext && navigator.permissions) {
  navigator.permissions.query({ name: "geolocation" }).then((answer) => answer.state === "granted" && share(), () => {});
}
document.documentElement.dataset.ready = "online";

if ("serviceWorker" in navigator) {
  await navigator.serviceWorker.register("/d/sw.js", { scope: "/d/" });
  const worker = await navigator.serviceWorker.ready;
  // This very page was answered before the worker was there: from now on it opens without signal too.
  const pages = await caches.open("backroute-pages");
  await pages.addAll([location.pathname, `${location.pathname}/route.json`]).catch(() => {});
  worker.active?.postMessage("kept");
  document.documentElement.dataset.ready = "offline";
}
