// The warehouse's scanner types like a keyboard: whatever is typed outside a field goes into the scan field.

const scan = document.getElementById("scan");
const keyboard = document.querySelector("[data-keyboard]");

function isField(target) {
  return ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) || target.isContentEditable;
}

if (scan) {
  // A tablet would cover half of the list with its keyboard; a scanner needs none.
  if (matchMedia("(pointer: coarse)").matches) {
    scan.inputMode = "none";
    keyboard.hidden = false;
    keyboard.addEventListener("click", () => {
      scan.inputMode = scan.inputMode === "none" ? "text" : "none";
      scan.blur();
      scan.focus();
    });
  }
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
  // A double Enter of a scanner must not send the same code twice.
  let sent = false;
  document.querySelector("[data-scan]").addEventListener("submit", (event) => {
    if (sent || !scan.value.trim()) event.preventDefault();
    else sent = true;
  });
}
