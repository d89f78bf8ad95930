// The demo's time goes on in the bar while the page stands; the server's word counts again with the next page.

const shown = document.getElementById("demo-clock");
const written = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  timeZone: shown.dataset.zone,
});
const ahead = Number(shown.dataset.at) - Date.now();

function tick() {
  const moment = new Date(Date.now() + ahead);
  const text = written.format(moment);
  if (shown.textContent !== text) {
    shown.textContent = text;
    shown.dateTime = moment.toISOString();
  }
}

tick();
setInterval(tick, 1000);
