// The warehouse's scanner types like a keyboard: whatever is typed outside a field goes into the scan field.
// Scans wait in a queue and are sent one after the other, each with what the answer before it said of the page, while
// the field stays free for the next one. Without this script each scan loads the page anew.

const scan = document.getElementById("scan");

/** What is to be sent, the first is under way: the code of a scan, or a form that was pressed while scans waited. */
const waiting = [];
let isSending = false;

function isField(target) {
  return ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) || target.isContentEditable;
}

/** A tablet would cover half of the list with its keyboard; a scanner needs none. */
function offerKeyboard() {
  if (!matchMedia("(pointer: coarse)").matches) return;
  const keyboard = document.querySelector("[data-keyboard]");
  keyboard.hidden = false;
  keyboard.addEventListener("click", () => {
    scan.inputMode = scan.inputMode === "none" ? "text" : "none";
    scan.blur();
    scan.focus();
  });
}

// ---------------------------------------------------------------- the queue

/** Sends the first of the queue. The page that answers, or null when none came that a scanner can go on with. */
async function answered(first) {
  const form = document.querySelector("[data-scan]");
  const body = new URLSearchParams(new FormData(first.form ?? form, first.pressed ?? null));
  if (!first.form) body.set("code", first.code);
  try {
    const response = await fetch(first.form?.action ?? form.action, { method: "POST", body });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return response.ok && page.querySelector("main #scan") ? { page, address: response.url } : null;
  } catch {
    return null;
  }
}

/** Puts the answer's page in the place of this one. What is being typed stays, and so does each refusal of this run. */
function show({ page, address }, refused) {
  const main = document.querySelector("main");
  const fresh = document.adoptNode(page.querySelector("main"));
  const at = document.activeElement;
  const typed = at !== scan && at?.id && isField(at) && main.contains(at) ? { id: at.id, value: at.value } : null;
  const says = fresh.querySelector(".says");
  const mine = [...(says?.querySelectorAll(".say.failed") ?? [])].map((each) => each.cloneNode(true));
  if (says) says.append(...refused.map((each) => each.cloneNode(true)));
  else if (refused.length) fresh.prepend(...refused.map((each) => each.cloneNode(true)));
  refused.push(...mine);
  const field = fresh.querySelector("#scan");
  scan.placeholder = field.placeholder;
  field.replaceWith(scan);
  main.replaceWith(fresh);
  history.replaceState(null, "", address);
  offerKeyboard();
  const again = typed && document.getElementById(typed.id);
  if (again) again.value = typed.value;
  (again ?? scan).focus({ preventScroll: true });
}

function tellWaiting() {
  const told = document.querySelector("[data-waiting]");
  told.hidden = !waiting.length;
  told.textContent = told.dataset.waiting.replace("{n}", waiting.length);
}

/** Nobody knows whether it counts: a person looks, and says whether it is sent again. */
function stop(first) {
  const box = document.querySelector("[data-stopped]");
  box.querySelector("b").textContent = first.code;
  box.hidden = false;
  box.querySelector("[data-again]").onclick = () => goOn(box);
  box.querySelector("[data-leave]").onclick = () => {
    waiting.shift();
    goOn(box);
  };
}

function goOn(box) {
  box.hidden = true;
  scan.focus({ preventScroll: true });
  sendAll();
}

async function sendAll() {
  if (isSending || !document.querySelector("[data-stopped]").hidden) return;
  isSending = true;
  const refused = [];
  while (waiting.length) {
    tellWaiting();
    const answer = await answered(waiting[0]);
    if (!answer) {
      stop(waiting[0]);
      break;
    }
    waiting.shift();
    show(answer, refused);
  }
  isSending = false;
  tellWaiting();
}

function take(what) {
  waiting.push(what);
  tellWaiting();
  sendAll();
}

if (scan) {
  offerKeyboard();
  if (matchMedia("(pointer: coarse)").matches) scan.inputMode = "none";
  scan.focus({ preventScroll: true });
  // Before the pages' own keys hear it: "g" may be the first letter of a code.
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1 || isField(event.target)) return;
      event.stopPropagation();
      scan.focus({ preventScroll: true });
    },
    true,
  );
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.closest("main")) return;
    if (form.matches("[data-scan]")) {
      event.preventDefault();
      const code = scan.value.trim();
      scan.value = ""; // a second Enter of the scanner finds nothing to send
      if (code) take({ code });
    } else if (waiting.length && form.action.startsWith(new URL(".", document.querySelector("[data-scan]").action))) {
      event.preventDefault();
      const pressed = event.submitter;
      take({ form, pressed, code: pressed?.textContent.trim() ?? "" });
    }
  });
  // Whoever leaves while scans wait would lose them.
  window.addEventListener("beforeunload", (event) => {
    if (waiting.length) event.preventDefault();
  });
}
