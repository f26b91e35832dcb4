/* The hash chain of a stream, checked in the browser: SHA-256 and canonical JSON of our own, because crypto.subtle is
 * missing on plain http. hash = SHA-256(prev ‖ canonical JSON of {stream, seq, type, at, actor, data, sealed}). */
"use strict";

(() => {
  const K = new Uint32Array(64);
  const START = new Uint32Array(8);
  // The constants are the fractional parts of roots of the first primes; BigInt makes them exact.
  const root = (n, degree) => {
    // floor(n^(1/degree) * 2^32) mod 2^32, by Newton's method on integers
    const target = BigInt(n) << BigInt(32 * degree);
    let x = 1n << 40n;
    for (;;) {
      const y = degree === 2 ? (x + target / x) / 2n : (2n * x + target / (x * x)) / 3n;
      if (y >= x) return Number(x & 0xffffffffn);
      x = y;
    }
  };
  for (let n = 2, i = 0; i < 64; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (i < 8) START[i] = root(n, 2);
    K[i] = root(n, 3);
    i += 1;
  }

  const W = new Uint32Array(64);

  function block(h, bytes, at) {
    for (let i = 0; i < 16; i += 1, at += 4) {
      W[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let i = 16; i < 64; i += 1) {
      const x = W[i - 15];
      const y = W[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, k] = h;
    for (let i = 0; i < 64; i += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (k + s1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      k = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += k;
  }

  /** SHA-256 of a Uint8Array as lower-case hexadecimal. */
  function sha256(bytes) {
    const padded = new Uint8Array((((bytes.length + 8) >> 6) + 1) << 6);
    padded.set(bytes);
    padded[bytes.length] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(padded.length - 8, Math.floor(bytes.length / 0x20000000));
    view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0);
    const h = Uint32Array.from(START);
    for (let at = 0; at < padded.length; at += 64) block(h, padded, at);
    return Array.from(h, (word) => word.toString(16).padStart(8, "0")).join("");
  }

  /** RFC 8785 for strings, booleans, null, integers below 2**53, arrays and objects with ASCII keys. Throws otherwise. */
  function jcs(value) {
    if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
    if (typeof value === "number") {
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new RangeError(`number ${value}`);
      return String(value);
    }
    if (Array.isArray(value)) return `[${value.map(jcs).join(",")}]`;
    if (typeof value !== "object") throw new TypeError(typeof value);
    const parts = Object.keys(value).sort().map((key) => {
      if (!/^[\x00-\x7f]*$/.test(key)) throw new RangeError(`key ${key}`);
      return `${JSON.stringify(key)}:${jcs(value[key])}`;
    });
    return `{${parts.join(",")}}`;
  }

  function unhex(text) {
    if (typeof text !== "string" || !/^([0-9a-f]{2})*$/.test(text)) throw new RangeError("not hexadecimal");
    return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.substr(2 * i, 2), 16));
  }

  const utf8 = (text) => new TextEncoder().encode(text);

  function joined(...parts) {
    const all = new Uint8Array(parts.reduce((size, one) => size + one.length, 0));
    let at = 0;
    for (const one of parts) {
      all.set(one, at);
      at += one.length;
    }
    return all;
  }

  /** The leaf hash of RFC 9162 over a value's canonical JSON. */
  const leaf = (value) => sha256(joined([0], utf8(jcs(value))));

  /** HMAC-SHA-256 of two Uint8Arrays as hexadecimal. */
  function hmac(key, message) {
    const block64 = new Uint8Array(64);
    block64.set(key.length > 64 ? unhex(sha256(key)) : key);
    const pad = (mask) => block64.map((byte) => byte ^ mask);
    return sha256(joined(pad(0x5c), unhex(sha256(joined(pad(0x36), message)))));
  }

  /** The hash an event must have. */
  function hashOf(event) {
    const { stream, seq, type, at, actor, data, sealed } = event;
    return sha256(joined(unhex(event.prev), utf8(jcs({ stream, seq, type, at, actor, data, sealed }))));
  }

  /** Whether `event` is the one after (seq, hash) of its stream and unchanged. */
  function follows(event, stream, seq, hash) {
    try {
      const keys = Object.keys(event).sort().join();
      if (keys !== "actor,at,data,hash,prev,sealed,seq,stream,type") return false;
      return event.stream === stream && event.seq === seq + 1 && event.prev === hash && hashOf(event) === event.hash;
    } catch {
      return false;
    }
  }

  window.Chain = { NO_HASH: "0".repeat(64), sha256, hmac, jcs, leaf, utf8, unhex, hashOf, follows };
})();
