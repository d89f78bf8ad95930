// Completing an address while it is typed, from the region's own streets and doors: a combobox as ARIA describes it.
// An input asks for it with data-suggest="the address of /addresses/suggest"; without this file it stays a plain field.
// data-suggest-depot="the id of a field" sends the depot that is chosen there along.

const WAIT_MS = 150;
const SHORTEST = 2;
let made = 0;

function complete(input) {
  const list = document.createElement("ul");
  list.id = `suggestions-${(made += 1)}`;
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.dataset.suggestions);
  list.hidden = true;
  input.after(list);
  // Why nothing can be completed, where that is no fault of what was typed.
  const why = document.createElement("p");
  why.className = "small late-word";
  why.setAttribute("role", "status");
  list.after(why);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false", autocomplete: "off" })) {
    input.setAttribute(name, value);
  }
  let timer = 0;
  let asking = null;
  let chosen = -1;

  const options = () => [...list.children];

  function close() {
    clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    chosen = index;
    options().forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
    if (index < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", options()[index].id);
      options()[index].scrollIntoView({ block: "nearest" });
    }
  }

  function take(option) {
    // A street wants its number next; a door is whole.
    const isStreet = option.dataset.street === "yes";
    input.value = option.dataset.value + (isStreet ? " " : "");
    close();
    input.focus();
    if (isStreet) ask();
  }

  function show(suggestions) {
    list.replaceChildren(
      ...suggestions.map((each, index) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${index}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.textContent = each.label;
        option.dataset.value = each.value;
        option.dataset.street = each.is_street ? "yes" : "no";
        // Before the field loses its focus, which would close the list.
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(option);
        });
        return option;
      }),
    );
    chosen = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = !suggestions.length;
    input.setAttribute("aria-expanded", String(suggestions.length > 0));
  }

  async function ask() {
    clearTimeout(timer);
    asking?.abort();
    const words = input.value.trim();
    if (words.length < SHORTEST) return close();
    asking = new AbortController();
    try {
      const address = new URL(input.dataset.suggest, location.href);
      address.searchParams.set("q", words);
      const depot = document.getElementById(input.dataset.suggestDepot ?? "")?.value;
      if (depot) address.searchParams.set("depot", depot);
      const answer = await fetch(address, { signal: asking.signal, headers: { Accept: "application/json" } });
      if (!answer.ok || input !== document.activeElement) return;
      const found = await answer.json();
      why.textContent = found.why;
      show(found.suggestions);
    } catch (problem) {
      if (problem.name !== "AbortError") close(); // without signal it is a plain field
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const count = options().length;
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else choose((chosen + (event.key === "ArrowDown" ? 1 : count - 1 + (chosen < 0 ? 1 : 0))) % count);
    } else if (event.key === "Enter" && !list.hidden && chosen >= 0) {
      event.preventDefault();
      take(options()[chosen]);
    }
  });
}

for (const input of document.querySelectorAll("[data-suggest]")) complete(input);
