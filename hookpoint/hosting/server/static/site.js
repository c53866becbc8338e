// What all pages share: the clock, colours, the live state, and small helps in forms. Pages work without it.
//
// Other scripts are told the state by `onState(draw)`. An element with data-refresh="/path" is
// filled anew from that path when the state changes; with data-team="12" only when something happened to that team's
// work. The path gives a piece of HTML, escaped by the server.

const SILENCE = 40000; // milliseconds: a network can die without a word, then the heartbeats stay away
const root = document.documentElement, body = document.body;
const clock = { offset: Number(body.dataset.now) - Date.now() / 1000, timer: null };
export const now = () => Date.now() / 1000 + clock.offset;

// Times

const two = (number) => String(number).padStart(2, "0");
const calendar = new Intl.DateTimeFormat("en-US", {
  timeZone: body.dataset.zone, hourCycle: "h23", weekday: "short", year: "numeric", month: "2-digit", day: "2-digit",
  hour: "2-digit", minute: "2-digit",
});
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function local(seconds) {
  const part = {};
  for (const { type, value } of calendar.formatToParts(new Date(seconds * 1000))) part[type] = value;
  return { ...part, days: Date.UTC(part.year, part.month - 1, part.day) / 86400000 };
}

// The time by the clock of the place, with the day where it is another one than today: as the server writes it.
export function clockTime(seconds) {
  const then = local(seconds), away = Math.abs(then.days - local(now()).days), time = `${then.hour}:${then.minute}`;
  if (away === 0) return time;
  return away < 6 ? `${then.weekday} ${time}` : `${then.day} ${MONTHS[then.month - 1]} ${time}`;
}

export function countdown(seconds) {
  const whole = Math.max(0, Math.ceil(seconds)), days = Math.floor(whole / 86400);
  const text = `${two(Math.floor(whole / 3600) % 24)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return days ? `${days} d ${text}` : text;
}

export function lasting(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60), full = Math.floor(minutes / 60);
  if (minutes < 60) return `${minutes} min`;
  if (full < 48) return minutes % 60 ? `${full} h ${minutes % 60} min` : `${full} h`;
  return full % 24 ? `${Math.floor(full / 24)} days ${full % 24} h` : `${full / 24} days`;
}

function tick() {
  const timer = clock.timer, until = timer ? timer.until : Number(body.dataset.until) || null;
  let text = null;
  if (until !== null) text = countdown(until - now());
  else if (timer && timer.paused) text = `paused, ${timer.left === null ? "" : countdown(timer.left)}`;
  else if (timer && timer.over) text = "time is up";
  if (text !== null) for (const place of document.querySelectorAll("[data-timer]")) {
    if (place.textContent !== text) place.textContent = text;
  }
  document.dispatchEvent(new CustomEvent("tick"));
}

// The live state

let shown = null, lost = null;

// For scripts that may be loaded only after the first state has come.
export function onState(draw) {
  document.addEventListener("state", (event) => draw(event.detail));
  if (shown) draw(shown);
}

function received(message) {
  if ("up" in message) connection(message.up);
  if (!("state" in message)) return;
  connection(true);
  clock.offset = message.offset;
  const state = JSON.parse(message.state), before = shown;
  shown = state;
  clock.timer = state.timer;
  for (const place of document.querySelectorAll("[data-phase]")) {
    place.textContent = state.timer.phase || (state.timer.over ? "over" : "not begun");
  }
  document.getElementById("paused").hidden = !state.timer.paused;
  document.dispatchEvent(new CustomEvent("state", { detail: state }));
  for (const place of document.querySelectorAll("[data-refresh]")) {
    const team = place.dataset.team;
    // The first state may already hold what happened while the page was on its way.
    if (before ? !team || before.changes[team] !== state.changes[team] : team) refresh(place);
  }
  tick();
}

// A moment without a connection is nothing to speak of: a ribbon that blinks would be.
function connection(up) {
  const ribbon = document.getElementById("ribbon");
  clearTimeout(lost);
  if (up) ribbon.hidden = true;
  else lost = setTimeout(() => { ribbon.hidden = false; }, 1000);
}

// With one connection for each tab, a browser's seventh would wait for ever: the tabs share one where they can.
function listen() {
  if (!window.SharedWorker) return alone();
  const worker = new SharedWorker(body.dataset.worker);
  worker.onerror = alone;
  worker.port.onmessage = (event) => received(event.data);
  worker.port.start();
  addEventListener("pagehide", () => worker.port.postMessage("bye"));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

function alone() {
  let source = null, offset = 0, heard = 0;
  const close = () => { if (source) source.close(); source = null; };
  const open = () => {
    close();
    heard = Date.now();
    source = new EventSource("/stream");
    source.addEventListener("time", (event) => { heard = Date.now(); offset = Number(event.data) - heard / 1000; });
    source.addEventListener("state", (event) => { heard = Date.now(); received({ state: event.data, offset }); });
    source.onopen = () => received({ up: true });
    source.onerror = () => received({ up: false });
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  setInterval(() => {
    if (source && (source.readyState === EventSource.CLOSED || Date.now() - heard > SILENCE)) {
      received({ up: false });
      open();
    }
  }, 5000);
  open();
}

// A crowd of browsers does not ask in the same instant; a hidden one waits until it is looked at.
const waiting = new WeakSet();
function refresh(place) {
  if (waiting.has(place)) return;
  waiting.add(place);
  setTimeout(async () => {
    if (document.hidden) await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
    waiting.delete(place);
    try {
      const answer = await fetch(place.dataset.refresh, { headers: { "X-Part": "1" } });
      if (answer.ok && !place.contains(document.activeElement)) place.innerHTML = await answer.text();
    } catch { /* the ribbon tells of it; what is there stays */ }
  }, Math.random() * 700);
}

// Keys and forms

const typing = (target) => target.closest && target.closest("input, textarea, select, [contenteditable]");
document.addEventListener("keydown", (event) => {
  if (event.key !== "d" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* for this page, then */ }
});

document.addEventListener("focusin", (event) => { if (event.target.matches("[data-select]")) event.target.select(); });

// Without TLS there is no clipboard to write to; the old way works everywhere.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  button.parentElement.querySelector("input").select();
  button.textContent = document.execCommand("copy") ? "Copied" : "Press Ctrl C";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
});

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
for (const box of document.querySelectorAll("[data-drop]")) {
  const input = box.querySelector("input[type=file]"), chosen = box.querySelector("output");
  const tell = () => { chosen.textContent = [...input.files].map((file) => `${file.name}, ${size(file.size)}`).join("; "); };
  input.addEventListener("change", tell);
  for (const kind of ["dragenter", "dragover"]) box.addEventListener(kind, (event) => {
    event.preventDefault();
    box.classList.add("over");
  });
  for (const kind of ["dragleave", "drop"]) box.addEventListener(kind, () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// A second press while the first is on its way would send everything twice.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("button")) setTimeout(() => { button.disabled = true; });
  setTimeout(() => event.target.querySelectorAll("button").forEach((button) => { button.disabled = false; }), 4000);
});

tick();
setInterval(tick, 250);
listen();
