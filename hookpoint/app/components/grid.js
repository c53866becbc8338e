// A table of buttons. Arrows, Home and End walk, Enter or a click chooses a cell, Space or Shift and click one more,
// Esc none; only what is chosen is told to Python, as {version, cells}.
export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".root");
  themed(root);
  const { rows, columns, values, texts, tips, chooses, version } = data;
  if (root.version !== version) {
    root.version = version;
    root.chosen = data.start.map(String);
  }
  root.here ||= [0, columns.length - 1];
  root.here = [Math.min(root.here[0], rows.length - 1), Math.min(root.here[1], columns.length - 1)];
  const signature = JSON.stringify([root.dataset.theme, root.clientWidth, { ...data, start: 0 }]);
  if (root.drawn === signature) return mark();
  root.drawn = signature;
  const focused = root.getRootNode().activeElement?.classList?.contains("cell");
  const stops = getComputedStyle(root).getPropertyValue(data.signed ? "--signed" : "--ramp").trim().split(" ").map(channels);
  draw();
  if (focused) cell(...root.here).focus({ preventScroll: true });

  function channels(hex) {
    return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  }

  function colour(value) {
    const share = Number.isFinite(value) ? value / (data.limit || 1) : 0;
    const place = Math.min(1, Math.max(0, data.signed ? (share + 1) / 2 : share)) * (stops.length - 1);
    const left = Math.min(Math.floor(place), stops.length - 2);
    return stops[left].map((c, i) => Math.round(c + (stops[left + 1][i] - c) * (place - left)));
  }

  function ink(rgb) {
    const [r, g, b] = rgb.map((c) => ((c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
  }

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  function draw() {
    const width = wide(), strong = (at) => (data.strong.includes(at) ? " strong" : "");
    const heads = columns.map((name, at) =>
      make("th", { scope: "col", className: (data.changed.includes(at) ? "changed" : "") + strong(at), title: name, textContent: name, style: `max-width: ${width}px` }));
    const lines = rows.map((name, r) =>
      make("tr", {}, make("th", { scope: "row", textContent: name }),
        ...columns.map((_, c) => make("td", { className: strong(c) }, button(r, c, width)))));
    const table = make("table", { className: chooses ? "chooses" : "" },
      make("thead", {}, make("tr", {}, make("td", {}), ...heads)), make("tbody", {}, ...lines));
    table.setAttribute("role", "grid");
    table.setAttribute("aria-label", data.label);
    table.setAttribute("aria-multiselectable", chooses);
    const ramp = make("i", { style: `background: linear-gradient(to right, ${stops.map((c) => `rgb(${c})`).join(", ")})` });
    const legend = make("div", { className: "legend" }, make("span", { textContent: data.legend[0] }), ramp,
      make("span", { textContent: data.legend[1] }), make("span", { className: "help", textContent: data.help }));
    const tip = make("p", { className: "tip", textContent: data.idle });
    tip.setAttribute("role", "status");
    const scroll = make("div", { className: "scroll" }, table), left = root.querySelector(".scroll")?.scrollLeft;
    root.replaceChildren(scroll, legend, tip);
    scroll.scrollLeft = left ?? (data.from_end ? scroll.scrollWidth : 0);
    root.onpointerleave = () => tell(null);
    mark();
  }

  // As wide as fits, but never too narrow for what stands in the cells.
  function wide() {
    const longest = Math.max(3, ...texts.flat().map((text) => text.length));
    const label = Math.max(...rows.map((name) => name.length)) * 7 + 14;
    const fits = Math.floor((root.clientWidth - label - 12) / columns.length) - 3;
    return Math.max(Math.min(longest, 8) * 7.3 + 6, Math.min(86, fits));
  }

  function button(r, c, width) {
    const back = colour(values[r][c]);
    const one = make("button", { className: "cell", textContent: texts[r][c], tabIndex: -1,
      style: `width: ${width}px; background: rgb(${back}); color: ${ink(back)}` });
    one.setAttribute("aria-label", tips[r][c]);
    one.onpointerenter = () => tell(tips[r][c]);
    one.onfocus = () => {
      root.here = [r, c];
      tell(tips[r][c]);
      mark();
    };
    one.onclick = (event) => choose(r, c, event.shiftKey || event.ctrlKey || event.metaKey);
    one.onkeydown = (event) => walk(event, r, c);
    return one;
  }

  function cell(r, c) {
    return root.querySelectorAll("tbody tr")[r].querySelectorAll(".cell")[c];
  }

  function tell(text) {
    root.querySelector(".tip").textContent = text ?? data.idle;
  }

  function walk(event, r, c) {
    if (chooses && event.key === " ") {
      event.preventDefault();
      return choose(r, c, true);
    }
    if (chooses && event.key === "Escape") return keep([]);
    const to = { ArrowRight: [r, c + 1], ArrowLeft: [r, c - 1], ArrowDown: [r + 1, c], ArrowUp: [r - 1, c], Home: [r, 0], End: [r, columns.length - 1] }[event.key];
    if (!to) return;
    event.preventDefault();
    const [row, column] = [Math.max(0, Math.min(rows.length - 1, to[0])), Math.max(0, Math.min(columns.length - 1, to[1]))];
    cell(row, column).focus();
  }

  function choose(r, c, more) {
    if (!chooses) return;
    const name = String([r, c]), there = root.chosen.includes(name);
    if (more) keep(there ? root.chosen.filter((each) => each !== name) : [...root.chosen, name]);
    else keep(there && root.chosen.length === 1 ? [] : [name]);
  }

  function keep(chosen) {
    root.chosen = chosen;
    mark();
    setStateValue("chosen", { version, cells: chosen.map((name) => name.split(",").map(Number)) });
  }

  function mark() {
    root.querySelectorAll("tbody tr").forEach((line, r) =>
      line.querySelectorAll(".cell").forEach((one, c) => {
        if (chooses) one.setAttribute("aria-pressed", root.chosen.includes(String([r, c])));
        one.tabIndex = r === root.here[0] && c === root.here[1] ? 0 : -1;
      }));
  }
}
