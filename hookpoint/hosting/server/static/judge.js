// The judge's entry: number keys, and drafts that are kept every five seconds, on the server and in this browser.
const form = document.getElementById("rate");
const told = document.getElementById("draft");
const EVERY = 5000; // ms

if (form && told) {
  const place = `hookpoint${form.getAttribute("action")}`;
  let kept = words();
  let sending = false;
  const shelf = storage(), SENT = "hookpointSent"; // the entry whose rating was sent last

  tidy();
  restore();
  form.addEventListener("input", remember);
  form.addEventListener("submit", () => { try { shelf?.setItem(SENT, place); } catch { /* see remember */ } });
  document.addEventListener("keydown", number);
  setInterval(send, EVERY);
  addEventListener("pagehide", () => { if (words() !== kept) navigator.sendBeacon(`${form.action}/draft`, fields()); });

  function fields() {
    return new URLSearchParams(new FormData(form));
  }

  function words() {
    const given = fields();
    given.delete("csrf");
    for (const [name, value] of [...given]) given.set(name, value.trim()); // as the server keeps it
    given.sort();
    return given.toString();
  }

  // Some browsers refuse storage altogether, by throwing.
  function storage() {
    try { return window.localStorage; } catch { return null; }
  }

  function remember() {
    try { shelf?.setItem(place, words()); } catch { /* full: the server has it in five seconds */ }
  }

  // Another entry is shown after one whose rating arrived; until then, its words may be here alone.
  function tidy() {
    const sent = shelf?.getItem(SENT);
    if (!sent || sent === place) return;
    shelf.removeItem(sent);
    shelf.removeItem(SENT);
  }

  // What could not be sent before the page was left.
  function restore() {
    const left = shelf?.getItem(place);
    if (!left || left === kept) return;
    for (const [name, value] of new URLSearchParams(left)) {
      const field = form.elements.namedItem(name);
      if (field) field.value = value;
    }
    told.textContent = "Brought back what was not sent yet.";
  }

  function number(event) {
    const criterion = event.target.closest?.(".criterion");
    if (!criterion || event.ctrlKey || event.metaKey || event.altKey || !/^[1-5]$/.test(event.key)) return;
    const choice = criterion.querySelector(`input[value="${event.key}"]`);
    if (!choice || choice.matches(":disabled")) return;
    event.preventDefault();
    choice.focus();
    if (!choice.checked) choice.click();
  }

  async function send() {
    const now = words();
    if (now === kept || sending) return;
    sending = true;
    try {
      const answer = await fetch(`${form.action}/draft`, { method: "POST", body: fields(), redirect: "manual" });
      if (answer.ok) {
        kept = now;
        if (words() === now) shelf?.removeItem(place);
        told.textContent = `Draft kept at ${new Date().toLocaleTimeString("en-GB")}.`;
      } else {
        told.textContent = "The server does not take the draft. It stays in this browser; reload the page to see why.";
      }
    } catch {
      told.textContent = "The server does not answer. The draft stays in this browser; trying again.";
    }
    sending = false;
  }
}
