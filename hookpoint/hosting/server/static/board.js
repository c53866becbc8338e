// Draws the board from each state that the stream brings: the same markup that the server wrote.
import { clockTime, lasting, now, onState } from "/static/site.js";

const $ = (id) => document.getElementById(id);
const tv = document.body.classList.contains("tv");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const PAGE = 12, PAGE_SECONDS = 12; // teams on the projector at once, and how long
let state = null, page = 0, turned = 0;

// Names and texts come from people: they are only ever set as text.
function make(tag, attributes = {}, ...children) {
  const node = tag === "svg" || tag === "rect" || tag === "path"
    ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const unseen = (text) => make("span", { class: "unseen" }, text);
const words = (number) => String(Math.round(number * 10) / 10);

function row(one, most, tasks) {
  const team = make("td", { class: "team" }, make("bdi", {}, one.team));
  const points = make("td", { class: "points" }, words(one.points));
  if (one.rank === null) {
    return make("tr", { "data-id": one.id, class: "baseline" }, make("td", { class: "rank" }), make("td", { class: "moved" }),
      team, points, make("td", { class: "note", colspan: "2" }, "baseline, not ranked"));
  }
  const moved = make("td", { class: `moved${one.moved > 0 ? " up" : one.moved < 0 ? " down" : ""}` });
  if (one.moved) {
    const places = Math.abs(one.moved), up = one.moved > 0;
    moved.append(make("span", { "aria-hidden": "true" }, `${up ? "▲" : "▼"}${places}`), unseen(`${up ? "up" : "down"} ${places}`));
  }
  return make("tr", { "data-id": one.id },
    make("td", { class: "rank" }, `${one.tied ? "=" : ""}${one.rank}`), moved, team, points,
    make("td", { class: "bar" }, bar(one, most)),
    make("td", { class: "squares" }, ...one.squares.map((value, place) => square(value, tasks[place].name))));
}

function bar(one, most) {
  const part = (value) => (100 * value / most).toFixed(1), low = part(one.low), high = part(one.high);
  const exact = one.low === one.high;
  const label = exact ? `${words(one.points)} points, exact`
    : `95 % interval ${words(one.low)} to ${words(one.high)} points`;
  const drawn = make("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": label },
    make("rect", { class: "all", width: "100", height: "10" }),
    make("rect", { class: "got", width: part(one.points), height: "10" }));
  if (!exact) drawn.append(make("path", { class: "whisker", d: `M${low} 5H${high}M${low} 1V9M${high} 1V9` }));
  return drawn;
}

function square(value, name) {
  if (value === null) return make("span", { class: "square none", title: `${name}: nothing yet` });
  return make("span", { class: `square s${Math.min(4, Math.floor(value / 20))}`, title: `${name}: ${value} %` }, String(value));
}

// Rows move to their new places, and those with other points are tinted for a while.

function drawRows({ rows, most, tasks, scored }) {
  const body = $("rows"), before = new Map();
  for (const old of body.children) {
    before.set(old.dataset.id, { top: old.getBoundingClientRect().top, points: old.querySelector(".points").textContent });
  }
  const first = before.size === 0;
  body.replaceChildren(...(scored ? rows : []).map((one) => row(one, most, tasks)));
  paged();
  for (const fresh of first ? [] : body.children) {
    const old = before.get(fresh.dataset.id), changed = !old || old.points !== fresh.querySelector(".points").textContent;
    if (changed) fresh.classList.add("changed");
    const by = old && old.top ? old.top - fresh.getBoundingClientRect().top : 0;
    if (by && !fresh.hidden && !calm.matches) {
      fresh.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 600, easing: "ease-in-out" });
    }
  }
  setTimeout(() => { for (const one of body.querySelectorAll(".changed")) one.classList.remove("changed"); }, 2400);
}

// The projector turns pages of its own where not all teams fit; everybody else scrolls.

function paged() {
  const rows = [...$("rows").children], teams = rows.filter((one) => !one.classList.contains("baseline"));
  const pages = tv ? Math.max(1, Math.ceil(teams.length / PAGE)) : 1;
  page = (page + pages) % pages;
  let above = 0; // teams: a baseline stands on the page of the team below it
  for (const one of rows) {
    one.hidden = Math.min(pages - 1, Math.floor(above / PAGE)) !== page;
    if (!one.classList.contains("baseline")) above += 1;
  }
  $("paging").hidden = pages < 2;
  $("paging").textContent = pages < 2 ? "" : `page ${page + 1} of ${pages} · arrow keys turn it`;
}

function turn(by) {
  page += by;
  turned = Date.now();
  paged();
}

// The rest of the page

function drawFreeze() {
  const { board } = state, place = $("freeze");
  const frozen = board.frozen !== null;
  place.className = frozen ? "frozen hatched" : "quiet-text";
  let text = "";
  if (board.final) text = "Final board";
  else if (frozen) text = `Board frozen at ${clockTime(board.frozen)}. Results still count.`;
  else if (board.shown && board.freezes !== null && board.freezes > now()) text = `board freezes in ${lasting(board.freezes - now())}`;
  if (place.textContent !== text) place.textContent = text;
}

const at = (seconds) => make("time", {}, clockTime(seconds));

function drawAnnouncements(list) {
  const said = list.map((one) => make("p", { class: `say${one.pinned ? " pinned" : ""}` }, at(one.at), " ", make("bdi", {}, one.text)));
  same($("announcements"), said.length ? said : [make("p", { class: "quiet-text" }, "What the hosts announce will stand here.")]);
}

function drawGraded(list) {
  const told = list.map((one) => make("li", {}, at(one.at), " ", make("span", { class: "what" }, make("bdi", {}, one.team), `: ${one.task}`), " ",
    make("b", {}, `${one.percent}\u00a0%`)));
  same($("graded"), told.length ? told : [make("li", { class: "quiet-text" }, "First results will appear here.")]);
}

function drawProgress({ people, notebooks }) {
  $("progress").hidden = notebooks.length === 0;
  $("progress-people").textContent = people;
  same($("progress-rows"), notebooks.map((one) => make("li", {}, make("span", { class: "name" }, one.name), " ",
    ...one.exercises.map(([id, number]) => make("span", {
      class: `square ${number ? `s${Math.min(4, Math.floor(5 * number / people))}` : "none"}`, title: `${id}: ${number} of ${people}`,
    }, number ? String(number) : "")))));
}

// A region that is read aloud is left alone while it says the same.
function same(place, nodes) {
  const fresh = nodes.map((node) => node.outerHTML).join("");
  if (place.dataset.drawn !== fresh && place.innerHTML.trim() !== fresh) place.replaceChildren(...nodes);
  place.dataset.drawn = fresh;
}

function drawHeads({ tasks, intervals }) {
  document.querySelector("#ranking th.bar").replaceChildren(intervals ? "with 95 % interval" : unseen("as a bar"));
  const cell = document.querySelector("#ranking th.squares");
  cell.replaceChildren(unseen("percent of each task"),
    ...tasks.map((task, place) => make("abbr", { class: "square", title: task.name }, String(place + 1))));
  $("legend").replaceChildren(...tasks.map((task, place) => make("span", {}, make("b", {}, String(place + 1)), ` ${task.name}`)));
}

function draw(fresh) {
  state = fresh;
  const { board } = state, ranked = board.shown && board.scored;
  $("teams").textContent = `${board.teams} ${board.teams === 1 ? "team" : "teams"}`;
  $("before").hidden = ranked;
  $("before-says").textContent = board.shown ? "The first results will appear here." : "The ranking is not shown now.";
  document.querySelectorAll(".schedule li").forEach((line, place) => {
    const phase = state.schedule[place], current = phase && phase.name === state.timer.phase;
    if (current) line.setAttribute("aria-current", "step");
    else line.removeAttribute("aria-current");
  });
  $("ranking").hidden = $("legend").hidden = !ranked;
  $("graded-part").hidden = !board.shown;
  const joining = state.open.includes("joining");
  $("join-large").hidden = !joining;
  $("join").hidden = !joining || !ranked || (tv && board.frozen !== null);
  if ($("until")) $("until").textContent = state.timer.what ? `${state.timer.what} in` : "";
  drawHeads(board);
  if (!("still" in $("rows").dataset)) drawRows(board);
  drawFreeze();
  drawAnnouncements(state.announcements);
  drawGraded(state.graded);
  drawProgress(state.progress);
}

onState(draw);
document.addEventListener("tick", () => {
  if (state) drawFreeze();
  if (tv && Date.now() - turned > PAGE_SECONDS * 1000) turn(turned ? 1 : 0);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "f") {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  }
  if (tv && (event.key === "ArrowRight" || event.key === "PageDown")) turn(1);
  if (tv && (event.key === "ArrowLeft" || event.key === "PageUp")) turn(-1);
});
