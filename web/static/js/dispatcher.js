// Keys, ticks and dialogs of the dispatcher's pages. Everything works without it, only slower.

const GO = { t: "/", r: "/receipts", l: "/release", w: "/warehouse", a: "/addresses", p: "/plan", o: "/orders", m: "/messages", f: "/figures", k: "/tasks", s: "/stock", n: "/regions" };
const AFTER_G_MS = 1200;

let pressedG = 0;

function isTyping(target) {
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    event.preventDefault();
    const find = document.getElementById("find");
    find.focus();
    find.select();
  } else if (event.key === "?") {
    event.preventDefault();
    document.getElementById("keys").showModal();
  } else if (event.key === "g") {
    pressedG = event.timeStamp;
  } else if (pressedG && event.timeStamp - pressedG < AFTER_G_MS && GO[event.key]) {
    pressedG = 0;
    location.assign(GO[event.key]);
  } else {
    pressedG = 0;
  }
});

for (const button of document.querySelectorAll("[data-opens]")) {
  button.addEventListener("click", () => document.getElementById(button.dataset.opens)?.showModal());
}

// ---------------------------------------------------------------- ticking a group of rows

const ticks = [...document.querySelectorAll("[data-tick]")];
const told = document.querySelector("[data-ticked]");

function tell() {
  const count = ticks.filter((tick) => tick.checked).length;
  if (told) told.textContent = count ? `${count} ${told.dataset.ticked}` : "";
  for (const all of document.querySelectorAll("[data-ticks]")) {
    const mine = ticks.filter((tick) => tick.dataset.tick === all.dataset.ticks);
    const ticked = mine.filter((tick) => tick.checked).length;
    all.checked = ticked > 0 && ticked === mine.length;
    all.indeterminate = ticked > 0 && ticked < mine.length;
  }
}

for (const all of document.querySelectorAll("[data-ticks]")) {
  all.addEventListener("change", () => {
    for (const tick of ticks) if (tick.dataset.tick === all.dataset.ticks) tick.checked = all.checked;
    tell();
  });
}
for (const tick of ticks) tick.addEventListener("change", tell);
if (ticks.length) tell();

// On a phone the navigation and the tabs scroll: the page one is on is in sight.
for (const nav of document.querySelectorAll(".bar .nav, .tabs")) {
  const current = nav.querySelector("[aria-current]");
  if (current) nav.scrollLeft = current.offsetLeft - nav.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
}
