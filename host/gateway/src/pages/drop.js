// Sends files into a drop box: hash, ask where to send the bytes, send them straight to the store, commit.
"use strict";

/** Bytes that are hashed at a time. */
const PIECE_BYTES = 4 * 1024 * 1024;
/** Parts whose requests are asked for at a time. */
const PARTS_AT_ONCE = 100;
/** How often a request is tried. */
const TRIES = 4;
/** Headers that a browser sets itself. */
const BROWSERS_OWN = ["host", "content-length"];

const form = document.getElementById("drop");
const input = document.getElementById("files");
const list = document.getElementById("sent");
const problem = document.getElementById("problem");
const button = form.querySelector("button");
const base = form.dataset.base;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  const files = [...input.files];
  if (files.length === 0) {
    problem.textContent = "Choose at least one file.";
    input.focus();
    return;
  }
  button.disabled = true;
  let failed = 0;
  for (const file of files) {
    const row = new Row(file);
    try {
      await send(file, row);
      row.done();
    } catch (error) {
      failed += 1;
      row.failed(error.message);
    }
  }
  button.disabled = false;
  input.value = "";
  if (failed > 0) problem.textContent = `${failed} of ${files.length} could not be sent. Choose them again to retry.`;
});

/** A file's line on the page. */
class Row {
  constructor(file) {
    this.item = document.createElement("li");
    const name = document.createElement("span");
    name.className = "row-main";
    name.textContent = file.name;
    this.state = document.createElement("span");
    this.state.className = "hint";
    this.state.textContent = "Reading";
    this.bar = document.createElement("progress");
    this.bar.max = Math.max(file.size, 1);
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `Progress of ${file.name}`);
    this.item.append(name, this.state, this.bar);
    list.append(this.item);
  }

  sent(bytes) {
    this.state.textContent = "Sending";
    this.bar.value = bytes;
  }

  done() {
    this.item.className = "done";
    this.state.textContent = "Sent";
    this.bar.remove();
  }

  failed(why) {
    this.item.className = "failed";
    this.state.textContent = why;
    this.bar.remove();
  }
}

async function send(file, row) {
  const sha256 = await hash(file);
  const wanted = { name: file.name, size: file.size, sha256 };
  if (file.type) wanted.content_type = file.type;
  const upload = await ask("/uploads", wanted);
  const etags = [];
  let requests = new Map(upload.parts.map((part) => [part.number, part]));
  let before = 0;
  for (let number = 1; number <= upload.part_count; number += 1) {
    if (!requests.has(number)) requests = await ask_for_parts(upload, number);
    const part = requests.get(number);
    const body = file.slice(part.offset, part.offset + part.size);
    const etag = await put(upload, part, body, (bytes) => row.sent(before + bytes));
    before += part.size;
    etags.push({ number, etag });
  }
  await ask(`/uploads/${upload.upload_id}/commit`, upload.multipart ? { parts: etags } : {});
}

async function ask_for_parts(upload, first) {
  const parts = [];
  for (let number = first; number <= upload.part_count && parts.length < PARTS_AT_ONCE; number += 1) parts.push({ number });
  const answer = await ask(`/uploads/${upload.upload_id}/parts`, { parts });
  return new Map(answer.parts.map((part) => [part.number, part]));
}

/** One call of the API below the link. What is not there for a moment is asked for again. */
async function ask(path, body) {
  for (let tried = 1; ; tried += 1) {
    let response;
    try {
      response = await fetch(base + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    } catch {
      if (tried === TRIES) throw new Error("The server can't be reached.");
      await pause(tried);
      continue;
    }
    if (response.ok) return response.status === 204 ? null : response.json();
    const told = await response.json().catch(() => null);
    // Waiting makes no room where a limit is used up: then no time is named.
    const again = response.status === 503 || (response.status === 429 && response.headers.has("retry-after"));
    if (!again || tried === TRIES) throw new Error(told?.detail ?? `The server answered ${response.status}.`);
    await pause(tried);
  }
}

/** Sends one part; answers its ETag. */
async function put(upload, part, body, progress) {
  for (let tried = 1; ; tried += 1) {
    const request = await transfer(part, body, progress);
    if (request.status >= 200 && request.status < 300) return request.getResponseHeader("etag") ?? "";
    // It is there already: an earlier try got through.
    if (request.status === 412) return "";
    if (tried === TRIES) throw new Error("The bytes could not be sent.");
    await pause(tried);
    // Its time may be over.
    if (request.status === 403) part = (await ask_for_parts(upload, part.number)).get(part.number);
  }
}

function transfer(part, body, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(part.method, part.url);
    for (const [name, value] of Object.entries(part.headers)) {
      if (!BROWSERS_OWN.includes(name.toLowerCase())) request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onloadend = () => resolve(request);
    request.send(body);
  });
}

function pause(tried) {
  return new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tried));
}

// SHA-256 (FIPS 180-4) in pieces: the browser's own takes a whole file at once, and only on pages that came by TLS.

const K = new Uint32Array(64);
const START = new Uint32Array(8);
{
  // The first 32 bits of the fractional parts of the cube and square roots of the first primes.
  const fraction = (value) => Math.floor((value - Math.floor(value)) * 2 ** 32);
  let found = 0;
  for (let number = 2; found < 64; number += 1) {
    let prime = true;
    for (let factor = 2; factor * factor <= number; factor += 1) if (number % factor === 0) prime = false;
    if (!prime) continue;
    if (found < 8) START[found] = fraction(number ** (1 / 2));
    K[found] = fraction(number ** (1 / 3));
    found += 1;
  }
}

async function hash(file) {
  const state = START.slice();
  const words = new Uint32Array(64);
  for (let at = 0; at + 64 <= file.size; at += PIECE_BYTES) {
    const end = Math.min(at + PIECE_BYTES, file.size);
    const piece = new DataView(await file.slice(at, end).arrayBuffer());
    for (let block = 0; block + 64 <= piece.byteLength; block += 64) mix(state, words, piece, block);
  }
  const rest = file.size % 64;
  const last = new Uint8Array(rest < 56 ? 64 : 128);
  last.set(new Uint8Array(await file.slice(file.size - rest).arrayBuffer()));
  last[rest] = 0x80;
  const tail = new DataView(last.buffer);
  tail.setUint32(last.length - 8, Math.floor(file.size / 2 ** 29));
  tail.setUint32(last.length - 4, (file.size * 8) >>> 0);
  for (let block = 0; block < last.length; block += 64) mix(state, words, tail, block);
  return [...state].map((word) => word.toString(16).padStart(8, "0")).join("");
}

function mix(state, w, data, at) {
  for (let i = 0; i < 16; i += 1) w[i] = data.getUint32(at + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15], y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d;
  state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}
