// Left every head as a picture of one pixel for each weight, right the chosen head as lines from queries to keys.
export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".root");
  themed(root);
  const { tokens, layers, heads, notes } = data;
  const n = tokens.length;
  const bytes = Uint8Array.from(atob(data.patterns), (c) => c.charCodeAt(0));
  const weight = (head, query, key) => bytes[(head * n + query) * n + key] / 255;
  const name = (head) => `layer ${Math.floor(head / heads)}, head ${head % heads}`;
  const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const colours = getComputedStyle(root).getPropertyValue("--ramp").trim().split(" ").map(channels);
  const absent = channels(getComputedStyle(root).getPropertyValue("--absent").trim());

  const signature = root.dataset.theme + data.patterns + tokens.join(" ");
  if (root.drawn === signature) return;
  root.drawn = signature;
  const view = (root.view ||= { head: Math.min(data.head, layers * heads - 1), query: n - 1, over: null });
  view.query = n - 1;
  view.over = null;
  root.innerHTML =
    `<div class="views"><div><h4>Every head <span>· rows are layers</span></h4>` +
    `<div class="heads" role="listbox" aria-label="attention heads" style="grid-template-columns: repeat(${heads}, max-content)"></div>` +
    `<p class="help">In each small picture a row is a token that looks, a column one it can look at. ` +
    `Hover shows a head, click or Enter keeps it, arrows walk.</p></div>` +
    `<div><h4 class="title" role="status"></h4><svg role="group"></svg>` +
    `<p class="help">Left: the token that looks; click one, or walk with up and down. Right: where it looks, in percent.</p></div></div>`;
  const grid = root.querySelector(".heads");
  for (let head = 0; head < layers * heads; head++) grid.append(thumbnail(head));
  draw();

  function channels(hex) {
    return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  }

  function colour(share) {
    const place = Math.min(1, Math.max(0, share)) * (colours.length - 1);
    const left = Math.min(Math.floor(place), colours.length - 2);
    return colours[left].map((c, i) => c + (colours[left + 1][i] - c) * (place - left));
  }

  function thumbnail(head) {
    const button = document.createElement("button");
    button.className = "head";
    button.setAttribute("role", "option");
    button.setAttribute("aria-label", `${name(head)}: ${notes[head]}`);
    button.title = notes[head];
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = n;
    const image = new ImageData(n, n);
    for (let q = 0; q < n; q++)
      for (let k = 0; k < n; k++)
        image.data.set([...(k > q ? absent : colour(weight(head, q, k))), 255], (q * n + k) * 4);
    canvas.getContext("2d").putImageData(image, 0, 0);
    const side = heads > 8 ? 44 : root.clientWidth < 760 ? 58 : 72;
    canvas.style.width = canvas.style.height = `${side}px`;
    const label = document.createElement("span");
    label.textContent = `${Math.floor(head / heads)}.${head % heads}`;
    button.append(canvas, label);
    button.onpointerenter = () => preview(head);
    button.onpointerleave = () => preview(null);
    button.onclick = () => keep(head);
    button.onkeydown = (event) => walk(event, head);
    return button;
  }

  function preview(head) {
    view.over = head;
    draw();
  }

  function keep(head) {
    view.head = head;
    draw();
    setStateValue("head", head);
  }

  function walk(event, head) {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: heads, ArrowUp: -heads };
    const first = -head, last = layers * heads - 1 - head;
    const step = { ...steps, Home: first, End: last }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = head + step;
    if (next < 0 || next >= layers * heads) return;
    grid.children[head].tabIndex = -1;
    grid.children[next].tabIndex = 0;
    grid.children[next].focus();
    preview(next);
  }

  function draw() {
    const head = view.over ?? view.head;
    [...grid.children].forEach((button, at) => {
      button.setAttribute("aria-selected", at === view.head);
      button.classList.toggle("shown", at === view.over);
      if (view.over === null) button.tabIndex = at === view.head ? 0 : -1;
    });
    const looks = tokens.map((token, k) => [weight(head, view.query, k), token]).slice(0, view.query + 1);
    const most = looks.filter(([a]) => a >= 0.08).sort((x, y) => y[0] - x[0]).slice(0, 2);
    const where = most.map(([a, token]) => `<code>${escape(token)}</code> ${Math.round(100 * a)} %`).join(", ");
    root.querySelector(".title").innerHTML =
      `${name(head)[0].toUpperCase()}${name(head).slice(1)}: <code>${escape(tokens[view.query])}</code> looks at ` +
      `${where || "everything a little"}<br><span>on this prompt: ${notes[head]}</span>`;
    lines(head);
  }

  function lines(head) {
    const row = 24, column = Math.min(170, Math.max(...tokens.map((t) => t.length)) * 7.9 + 18);
    const room = root.clientWidth - grid.offsetWidth - 2 * column - 100;
    const svg = root.querySelector("svg"), right = column + Math.max(90, Math.min(300, room)), width = right + column + 46;
    let drawn = "";
    for (let q = 0; q < n; q++)
      for (let k = 0; k <= q; k++) {
        const a = weight(head, q, k), own = q === view.query;
        if (a < 0.04) continue;
        drawn +=
          `<line class="${own ? "own" : "line"}" x1="${column + 3}" y1="${q * row + 14}" x2="${right - 3}" y2="${k * row + 14}" ` +
          `stroke-width="${(a * (own ? 6 : 3)).toFixed(1)}" opacity="${own ? Math.max(0.4, a).toFixed(2) : (0.08 + 0.22 * a).toFixed(2)}"/>`;
      }
    for (let i = 0; i < n; i++) drawn += query(i, row, column) + key(head, i, row, right, column);
    svg.setAttribute("width", width);
    svg.setAttribute("height", n * row + 4);
    svg.setAttribute("aria-label", `${name(head)}: where each token looks`);
    svg.innerHTML = drawn;
    svg.querySelectorAll(".query").forEach((place) => {
      const at = +place.dataset.at;
      place.onclick = () => choose(at, false);
      place.onkeydown = (event) => {
        const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: n - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        choose(Math.max(0, Math.min(n - 1, to)), true);
      };
    });
  }

  function choose(at, focus) {
    view.query = at;
    draw();
    if (focus) root.querySelector(`.query[data-at="${at}"]`).focus();
  }

  function query(i, row, column) {
    const on = i === view.query;
    return (
      `<g class="query" data-at="${i}" role="button" tabindex="${on ? 0 : -1}" aria-pressed="${on}" aria-label="from token ${i}, ${escape(tokens[i])}">` +
      `<rect x="1" y="${i * row + 3}" width="${column}" height="${row - 3}" rx="4"/>` +
      `<text x="${column - 7}" y="${i * row + 19}" text-anchor="end">${escape(tokens[i])}</text></g>`
    );
  }

  function key(head, i, row, x, column) {
    const seen = i <= view.query, a = seen ? weight(head, view.query, i) : 0;
    return (
      `<text class="${seen ? "" : "future"}" x="${x + 6}" y="${i * row + 19}">${escape(tokens[i])}</text>` +
      (a >= 0.05 ? `<text class="weight" x="${x + column + 36}" y="${i * row + 19}" text-anchor="end">${Math.round(100 * a)}</text>` : "")
    );
  }
}
