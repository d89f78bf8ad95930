// Opens the driver's page without signal. What was reported is kept by the page itself, in IndexedDB.
const VERSION = "backroute-{{ version }}";
const ASSETS = {{ urls | tojson }};
const WAIT_MS = 4000;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(ASSETS)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const pages = await caches.open("backroute-pages");
    for (const name of await caches.keys()) {
      if (name !== VERSION && name !== "backroute-pages") await caches.delete(name);
    }
    // Yesterday's links are of no use: the newest few pages stay.
    const kept = await pages.keys();
    for (const request of kept.slice(0, Math.max(0, kept.length - 6))) await pages.delete(request);
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/static/")) event.respondWith(fromCache(event.request));
  else if (/^\/d\/[^/]+(\/route\.json)?$/.test(url.pathname)) event.respondWith(fromServer(event.request));
});

async function fromCache(request) {
  const cache = await caches.open(VERSION);
  return (await cache.match(request)) ?? fetch(request);
}

// The server's answer if it comes in time, else the last one it gave.
async function fromServer(request) {
  const cache = await caches.open("backroute-pages");
  const kept = await cache.match(request);
  const asked = fetch(request).then(async (response) => {
    if (response.ok) await cache.put(request, response.clone());
    else if (response.status === 403 || response.status === 404) await cache.delete(request);
    return response;
  });
  if (!kept) return asked;
  const late = new Promise((resolve) => setTimeout(() => resolve(kept), WAIT_MS));
  return Promise.race([asked.catch(() => kept), late]);
}
