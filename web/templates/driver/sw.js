// Opens the driver's page without signal. What was reported is kept by the page itself, in IndexedDB.
const VERSION = "backroute-{{ version }}";
const ASSETS = {{ urls | tojson }};
const WAIT_MS = 4000;
const PAGES = "backroute-pages";
// Of each link its page and its route.
const MOST_LINKS = 3;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(ASSETS)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name !== VERSION && name !== PAGES) await caches.delete(name);
    }
    await tidy();
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/static/")) event.respondWith(fromCache(event.request));
  else if (/^\/d\/[^/]+(\/route\.json)?$/.test(url.pathname)) event.respondWith(fromServer(event.request));
});

// The page keeps itself on its first visit, when it was answered before the worker was there.
self.addEventListener("message", (event) => {
  if (event.data === "kept") event.waitUntil(tidy());
});

async function fromCache(request) {
  const cache = await caches.open(VERSION);
  return (await cache.match(request)) ?? fetch(request);
}

// The server's answer if it comes in time, else the last one it gave.
async function fromServer(request) {
  const cache = await caches.open(PAGES);
  const kept = await cache.match(request);
  const asked = fetch(request).then(async (response) => {
    if (response.ok) {
      await cache.put(request, response.clone());
      await tidy();
    } else if (response.status === 403 || response.status === 404) {
      for (const each of await cache.keys()) if (linkOf(each) === linkOf(request)) await cache.delete(each);
    }
    return response;
  });
  if (!kept) return asked;
  const late = new Promise((resolve) => setTimeout(() => resolve(kept), WAIT_MS));
  return Promise.race([asked.catch(() => kept), late]);
}

function linkOf(request) {
  return new URL(request.url).pathname.split("/")[2];
}

// Yesterday's links are of no use, and a page names people and gate codes: those of links that have ended go, and all
// but the links that were used last. When that is, the server's newest answer says: a phone's own clock may be wrong.
async function tidy() {
  const cache = await caches.open(PAGES);
  const kept = await Promise.all((await cache.keys()).map(async (request) => {
    const headers = (await cache.match(request))?.headers;
    const moment = (name) => Date.parse(headers?.get(name) ?? "");
    return { request, link: linkOf(request), ends: moment("X-Backroute-Link-Ends"), at: moment("X-Backroute-Now") };
  }));
  const now = Math.max(0, ...kept.map((each) => each.at || 0));
  const ended = new Set(kept.filter((each) => each.ends <= now).map((each) => each.link));
  const inUse = [...new Set(kept.map((each) => each.link).reverse())].filter((link) => !ended.has(link));
  const stays = new Set(inUse.slice(0, MOST_LINKS));
  for (const each of kept) if (!stays.has(each.link)) await cache.delete(each.request);
}
