// On every page: the light and dark switch, menus that close, and a question before what cannot be undone.

const dark = document.getElementById("dark-sheet");
const root = document.documentElement;

function showTheme(theme) {
  dark.media = theme === "dark" ? "all" : theme === "light" ? "not all" : "(prefers-color-scheme: dark)";
  root.dataset.theme = theme;
}

function isDark() {
  return getComputedStyle(root).colorScheme === "dark";
}

for (const button of document.querySelectorAll("[data-switch-theme]")) {
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    showTheme(theme);
    document.dispatchEvent(new CustomEvent("theme", { detail: theme }));
  });
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
