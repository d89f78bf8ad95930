// "All there": fills what should be on a van into its empty counts. A count that somebody typed stays.

for (const button of document.querySelectorAll("[data-all-there]")) {
  button.addEventListener("click", () => {
    for (const count of document.querySelectorAll(`#${button.dataset.allThere} input[data-should-be]`)) {
      if (count.value === "") count.value = count.dataset.shouldBe;
    }
  });
}
