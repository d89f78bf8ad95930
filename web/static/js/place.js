// Where the van is. Asked for when the driver reports something, and told to the office only after the driver said yes.

const POSITION_EVERY_MS = 60_000;
const LONGEST_WAIT_MS = 2500;

const STILL_TRUE_MS = 60_000;

let lastPlace = null; // { place, at }
let isSharing = false;

function remember({ coords }) {
  lastPlace = { place: { lat: coords.latitude, lon: coords.longitude, accuracy_m: coords.accuracy }, at: Date.now() };
  return lastPlace.place;
}

/** How long ago the phone was there, in milliseconds. Some browsers count their moments from another year: then 0. */
function ageOf(found) {
  const age = Date.now() - found.timestamp;
  return age >= 0 && age < 2 * POSITION_EVERY_MS ? age : 0;
}

function recentPlace() {
  return lastPlace && Date.now() - lastPlace.at < STILL_TRUE_MS ? lastPlace.place : null;
}

/** Where the phone is, as { lat, lon, accuracy_m }; null when it may not say or takes longer than a driver waits. */
export function findPlace(onFound) {
  return new Promise((resolve) => {
    if (!navigator.geolocation || !globalThis.isSecureContext) return resolve(null);
    const wait = setTimeout(() => resolve(recentPlace()), LONGEST_WAIT_MS);
    navigator.geolocation.getCurrentPosition(
      (found) => {
        clearTimeout(wait);
        resolve(remember(found));
        onFound?.();
      },
      () => {
        clearTimeout(wait);
        resolve(null);
      },
      { enableHighAccuracy: true, maximumAge: 30_000, timeout: 10_000 },
    );
  });
}

/** Tells the office from now on, while this page is open; it keeps what lies within the shift. `present()` is its time. */
export function sharePlace({ token, present }) {
  if (isSharing) return;
  isSharing = true;
  let sentAt = 0;
  navigator.geolocation.watchPosition((found) => {
    const location = remember(found);
    if (Date.now() - sentAt < POSITION_EVERY_MS || !navigator.onLine) return;
    sentAt = Date.now();
    fetch("/d/positions", {
      method: "POST",
      headers: { "X-Backroute-Link": token, "Content-Type": "application/json" },
      body: JSON.stringify({ location, captured_at: new Date(present() - ageOf(found)).toISOString() }),
    }).catch(() => {}); // an old position is worth nothing: it is not kept for later
  }, () => {}, { maximumAge: 30_000 });
}
