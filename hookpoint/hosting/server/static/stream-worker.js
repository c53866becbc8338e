// One connection to the server for all tabs of this browser: with one each, the seventh tab would wait for ever.
"use strict";
const ports = new Set();
let last = null, offset = 0, up = true, source = null;

const all = (message) => ports.forEach((port) => port.postMessage(message));

function connect() {
  source = new EventSource("/stream");
  source.addEventListener("time", (event) => { offset = Number(event.data) - Date.now() / 1000; });
  source.addEventListener("state", (event) => { last = event.data; up = true; all({ state: last, offset }); });
  source.onopen = () => { up = true; all({ up }); };
  source.onerror = () => {
    up = false;
    all({ up });
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000); // it was refused: browsers give up then
  };
}

onconnect = (event) => {
  const port = event.ports[0];
  ports.add(port);
  port.onmessage = (message) => { if (message.data === "bye") ports.delete(port); };
  if (source === null) connect();
  if (last !== null) port.postMessage({ state: last, offset });
  port.postMessage({ up });
};
