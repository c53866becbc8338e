// What the drawings may ask for by attributes: data-press (a button that Python is told of), data-exercise (a link that
// opens an exercise), data-tip (words for the line under the picture), data-rove (one tab stop, arrows inside), and
// data-frame (shows one of data.frames; data-play, data-back, data-on and data-end walk through them).
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  themed(root);
  const drawn = data.html + (data.frames || []).length + (data.frames || []).join("");
  if (root.drawn !== drawn) {
    const focused = root.getRootNode().activeElement?.dataset?.key;
    clearInterval(root.playing);
    root.innerHTML = data.html;
    root.drawn = drawn;
    if (focused) root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    showTip(null);
    if (data.frames?.length) show(+root.querySelector("[data-first]").dataset.first);
  }

  function showTip(element) {
    const line = root.querySelector(".tip");
    if (line) line.textContent = element ? element.dataset.tip : line.dataset.idle;
  }
  root.onpointerover = root.onfocusin = (event) => {
    const place = event.target.closest("[data-tip]");
    if (place) showTip(place);
  };
  root.onpointerleave = () => showTip(root.querySelector("[aria-current=true][data-tip]"));

  root.onclick = (event) => {
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    const place = event.target.closest("[data-press], a[data-exercise], [data-frame], [data-walk]");
    if (!place || (place.tagName === "A" && !plain)) return;
    event.preventDefault();
    const { press, exercise, frame, walk } = place.dataset;
    if (press) setTriggerValue("press", press);
    else if (exercise) setTriggerValue("exercise", exercise);
    else {
      clearInterval(root.playing);
      root.playing = null;
      if (frame) show(+frame);
      else walkTo(walk, place);
    }
  };

  root.onkeydown = (event) => {
    const row = event.target.closest("[data-rove]");
    if (!row) return;
    const stops = [...row.querySelectorAll("[tabindex]")].filter((stop) => !stop.hidden);
    const at = stops.indexOf(event.target);
    const last = stops.length - 1;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = stops[Math.max(0, Math.min(last, to))];
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    if (next.dataset.frame) show(+next.dataset.frame);
  };

  // Everything up to the frame is there, the frame's own token is marked, what comes later is not yet.
  function show(at, hide = false) {
    root.at = at;
    root.querySelectorAll("[data-frame]").forEach((token) => {
      const own = +token.dataset.frame;
      token.setAttribute("aria-current", own === at);
      token.hidden = hide && own > at;
      token.tabIndex = own === at ? 0 : -1;
      if (own === at) showTip(token);
    });
    root.querySelector(".frame").innerHTML = data.frames[at];
  }

  function walkTo(walk, button) {
    const last = data.frames.length - 1;
    if (walk === "play") {
      show(0, true);
      root.playing = setInterval(() => {
        if (root.at >= last) return clearInterval(root.playing);
        show(root.at + 1, true);
      }, 350);
    } else if (walk === "stop") show(root.at, true);
    else if (walk === "end") show(last);
    else show(Math.max(0, Math.min(last, root.at + (walk === "on" ? 1 : -1))), true);
  }
}
