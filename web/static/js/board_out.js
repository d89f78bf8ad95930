// The ways out when a driver is out: found behind the page, because it takes seconds.

const box = document.getElementById("options");
const answer = await fetch(box.dataset.load, { credentials: "same-origin", headers: { Accept: "text/html" } });
const text = await answer.text();
if (answer.ok) {
  box.innerHTML = text;
} else {
  const sentence = document.createElement("p");
  sentence.setAttribute("role", "alert");
  sentence.textContent = new DOMParser().parseFromString(text, "text/html").querySelector("main p")?.textContent ?? answer.statusText;
  box.replaceChildren(sentence);
}
