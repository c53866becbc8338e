// Says what is in the file that was chosen, before it is sent. Without this the same is said after sending.
"use strict";
const form = document.getElementById("submit"), input = form && form.querySelector("input[type=file]");
const found = document.getElementById("found");
const MOST = 8e6; // bytes: a larger file is not sent twice over a venue's network

const element = (name, text, kind) => {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};

const isWriteUp = (name) => /\.(md|markdown|txt)$/i.test(name);
const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

function show(...parts) {
  found.replaceChildren(...parts);
  found.hidden = parts.length === 0;
}

function tell(look) {
  const writeup = look.kind === "writeup", challenge = look.kind === "challenge", head = element("p");
  const holds = challenge ? "an answer to this challenge" : count(look.parts.length, writeup ? "section" : "answer");
  head.append(element("b", look.title), ` · ${holds}`);
  const parts = element("ul", "", "exercises");
  for (const part of look.parts) {
    const item = element("li");
    item.append(element("span", part));
    parts.append(item);
  }
  const lines = [head];
  if (look.there) lines.push(element("p", `Your team has handed in this very file, as number ${look.there}: sending it again costs nothing and changes nothing.`, "help"));
  if (!look.counts) lines.push(element("p", `This ${challenge ? "challenge" : "notebook"} does not count at this event. See below which do.`, "wrong"));
  if (challenge && form.elements.task) form.elements.kind.value = "challenge";
  if (look.parts.length) lines.push(parts);
  else if (!writeup && !challenge) lines.push(element("p", "No exercise is answered in it yet.", "wrong"));
  if (look.warnings.length) {
    const more = element("details"), list = element("ul");
    more.append(element("summary", writeup ? `The validator misses ${count(look.warnings.length, "thing")}` : `${count(look.warnings.length, "thing")} you may want to know`), list);
    for (const warning of look.warnings) list.append(element("li", warning));
    lines.push(more);
  }
  const hash = element("p", "SHA-256 ", "help");
  hash.append(element("code", look.sha256, "hash"));
  show(...lines, hash);
}

let latest = 0;
async function look() {
  const file = input.files[0], turn = ++latest;
  if (!file) return show();
  if (isWriteUp(file.name)) form.elements.kind.value = "writeup";
  if (file.size > MOST) return show(element("p", "A large file: what is in it is said after sending.", "help"));
  show(element("p", "Looking into it …", "help"));
  try {
    const answer = await fetch("/submit/look", { method: "POST", body: new FormData(form) });
    const said = await answer.json();
    if (turn !== latest) return;
    if (answer.ok) tell(said);
    else show(element("p", said.error, "wrong"));
  } catch {
    if (turn === latest) show(element("p", "It could not be looked into. You can send it all the same.", "help"));
  }
}

if (input) {
  input.addEventListener("change", look);
  for (const choice of form.elements.kind) choice.addEventListener("change", () => { if (input.files.length) look(); });
  if (input.files.length) look();
}
