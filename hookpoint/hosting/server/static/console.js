// The host's console: the lights are asked for anew every few seconds, as long as somebody looks at the page.
const lights = document.getElementById("lights");
const EVERY = 5000; // ms

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/host/lights");
    if (!answer.ok || answer.redirected) return;
    const text = await answer.text();
    if (text !== lights.innerHTML) lights.innerHTML = text;
  } catch { /* the ribbon says that the server is away */ }
}

if (lights) setInterval(look, EVERY);
