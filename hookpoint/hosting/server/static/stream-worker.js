// One connection to the server for all tabs of this browser: with one each, the seventh tab would wait for ever.
"use strict";
const ports = new Set();
const SILENCE = 40000; // milliseconds
let last = null, offset = 0, up = true, source = null, heard = 0;

const all = (message) => ports.forEach((port) => port.postMessage(message));

function connect() {
  if (source) source.close();
  heard = Date.now();
  source = new EventSource("/stream");
  source.addEventListener("time", (event) => { heard = Date.now(); offset = Number(event.data) - heard / 1000; });
  source.addEventListener("state", (event) => {
    heard = Date.now();
    last = event.data;
    tell(true);
    all({ state: last, offset });
  });
  source.onopen = () => tell(true);
  source.onerror = () => tell(false); // the browser tries again by itself, unless it was refused
}

function tell(state) {
  up = state;
  all({ up });
}

// A network can die without a word; then the heartbeats stay away.
setInterval(() => {
  if (source && (source.readyState === EventSource.CLOSED || Date.now() - heard > SILENCE)) {
    tell(false);
    connect();
  }
}, 5000);

onconnect = (event) => {
  const port = event.ports[0];
  ports.add(port);
  port.onmessage = (message) => { if (message.data === "bye") ports.delete(port); };
  if (source === null) connect();
  if (last !== null) port.postMessage({ state: last, offset });
  port.postMessage({ up });
};
