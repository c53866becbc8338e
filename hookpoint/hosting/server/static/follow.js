// Keeps the pages of teams and mentors up to date: points and rank from the live state, the rest by asking.
import { onState } from "/static/site.js";

const figures = document.querySelector("[data-row]");
const points = (value) => (Number.isInteger(value) ? `${value}` : value.toFixed(1));

onState(({ board }) => {
  const row = figures && board.rows.find((one) => String(one.id) === figures.dataset.row);
  if (!row) return;
  const put = (name, text) => {
    const place = figures.querySelector(`[data-${name}]`);
    if (place) place.textContent = text;
  };
  put("points", points(row.points));
  put("interval", row.high > row.low ? `95 % interval ${points(row.low)} to ${points(row.high)}` : "");
  put("rank", row.points > 0 ? `${row.tied ? "=" : ""}${row.rank}` : "–");
  put("of", `of ${board.teams}${row.tied && row.points > 0 ? ", shared" : ""}`);
});

// Whoever is in the middle of something keeps it, and is told by the heading what has come meanwhile.
const busy = (place) => place.contains(document.activeElement)
  || [...place.querySelectorAll("textarea, input:not([type=hidden])")].some((one) => one.value !== one.defaultValue);

function put(place, html) {
  if (!busy(place)) { place.innerHTML = html; return; }
  const fresh = document.createElement("template"), heading = place.querySelector("[data-count]");
  fresh.innerHTML = html;
  const other = fresh.content.querySelector("[data-count]");
  if (heading && other) heading.textContent = other.textContent;
}

async function ask(place) {
  const path = place.dataset.poll || place.dataset.refresh;
  try {
    const answer = await fetch(path, { headers: { "X-Part": "1" } });
    if (answer.ok) put(place, await answer.text());
  } catch { /* the ribbon tells of it; what is there stays */ }
}

// data-poll asks every so many seconds. Other parts ask only while something in them waits: its place in the queue
// changes by what others do, of which this page hears nothing.
let seconds = 0;
setInterval(() => {
  seconds += 1;
  if (document.hidden) return;
  for (const place of document.querySelectorAll("[data-poll], [data-refresh]")) {
    const every = Number(place.dataset.every) || (place.querySelector("[data-waits]") ? 3 : 0);
    if (every && seconds % every === 0) ask(place);
  }
}, 1000);

// What is announced to everybody is in the live state; what is for some comes by asking.
let announced = null;
onState(({ announcements }) => {
  const told = JSON.stringify(announcements), place = document.querySelector("[data-news]");
  if (place && announced !== null && announced !== told) setTimeout(() => ask(place), 1000 * Math.random());
  announced = told;
});
