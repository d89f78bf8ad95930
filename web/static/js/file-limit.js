// A file that is too large is told before it is sent: an input says its limit with data-most-bytes, and with
// data-too-large what to do instead, FILE standing for the file's name. Without this script the server says it.

for (const input of document.querySelectorAll("input[type=file][data-most-bytes]")) {
  input.addEventListener("change", () => {
    const [file] = input.files;
    const tooLarge = file && file.size > Number(input.dataset.mostBytes);
    input.setCustomValidity(tooLarge ? input.dataset.tooLarge.replaceAll("FILE", file.name) : "");
    input.reportValidity();
  });
}
