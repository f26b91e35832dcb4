/* The live stage: folds the events of a session into what the viewer sees. Fed by feed.js; draws nothing it was not told. */
(() => {
  "use strict";
  const $ = (hook, root = document) => root.querySelector(`[data-stage="${hook}"]`);
  const text = (hook, value) => { const node = $(hook); if (node) node.textContent = value; };
  const words = document.getElementById("stage-words")?.dataset ?? {};
  const json = (id) => { const node = document.getElementById(id); return node ? JSON.parse(node.textContent) : null; };
  const actNames = json("stage-acts") ?? [];
  const reasons = json("stage-reasons") ?? {};
  const fill = (pattern, values) => (pattern ?? "").replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
  const copy = (id) => document.getElementById(id).content.cloneNode(true);
  const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const beginning = () => ({ names: {}, pot: [], signups: 0, act: 1, openAt: "", closes: "", post: {}, close: null, opening: null, freeze: null, progress: null, result: null, award: null, void: "", finished: false, attested: false, revealing: 0 });
  const state = beginning();
  let me = { agency: "" };
  let now = () => Date.now();
  let mine = null;

  const local = (iso) => new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "medium" }).format(new Date(iso));
  const who = (name) => {
    const [kind, code] = [name.slice(0, name.indexOf(":")), name.slice(name.indexOf(":") + 1)];
    return kind === "agency" ? state.names[code] ?? code : words[kind] ?? name;
  };

  /* The data of an event, made readable for its sentence in the text log. */
  function readable(event) {
    const data = { ...event.data };
    for (const key of ["open_at", "publicity_until", "closes", "signup_close"]) if (typeof data[key] === "string") data[key] = local(data[key]);
    if (data.who) data.who = who(data.who);
    if (data.reason) data.reason = reasons[data.reason] ?? data.reason;
    for (const key of ["steps", "iters"]) if (typeof data[key] === "number") data[key] = data[key].toLocaleString("en-US");
    if (data.pot_root) data.pot_root = `${data.pot_root.slice(0, 16)}…`;
    return data;
  }

  function fold(event) {
    const d = event.data;
    switch (event.type) {
      case "draw.plan": state.openAt = d.open_at; state.iters = d.vdf.iters; break;
      case "draw.post": state.post = d; break;
      case "draw.signup": state.signups += 1; break;
      case "draw.withdrawal": case "draw.exclusion": state.signups -= 1; break;
      case "draw.close": state.close = d; break;
      case "session.roster": for (const agency of d.agencies) state.names[agency.id] = agency.name; break;
      case "draw.open": state.opening = d; state.closes = d.closes; state.pot = []; state.void = ""; mine = null; break;
      case "draw.pot": state.pot.push(d); break;
      case "draw.freeze": state.freeze = d; break;
      case "draw.progress": state.progress = d; break;
      case "draw.result": state.result = d; break;
      case "award.published": state.award = d; break;
      case "draw.void": state.void = d.reason; state.opening = null; state.pot = []; break;
      case "session.rescheduled": state.openAt = d.open_at; state.void = d.reason; break;
      case "session.finished": state.finished = true; break;
      case "draw.attested": state.attested = Boolean(state.finished); break;
      default:
    }
  }

  function currentAct() {
    if (state.revealing) return 6;
    if (state.attested) return 8;
    if (state.result) return 7;
    if (state.freeze) return state.progress ? 5 : 4;
    if (state.opening) return 3;
    return state.close ? 2 : 1;
  }

  function showAct() {
    const act = currentAct();
    state.act = act;
    const main = $("main");
    if (main) main.dataset.act = act;
    for (const panel of document.querySelectorAll("[data-acts]")) panel.hidden = !panel.dataset.acts.split(" ").includes(String(act));
    for (const item of document.querySelectorAll("li[data-act]")) {
      const number = Number(item.dataset.act);
      item.className = number < act ? "done" : number === act ? "current" : "todo";
      if (number === act) item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current");
    }
    text("act-where", fill(words.where, { n: act }));
    text("act-name", actNames[act - 1] ?? "");
    text("act-next", act < 8 ? fill(words.next, { act: actNames[act] }) : "");
    const bar = $("act-progress");
    if (bar) bar.value = act;
    const band = $("void");
    if (band) band.hidden = !state.void || Boolean(state.opening);
    text("void-reason", state.void ? reasons[state.void] ?? state.void : "");
  }

  const hex = (value) => { const span = document.createElement("span"); span.textContent = value; return span; };
  function fingerprint(box, value) {
    const place = $(box)?.querySelector('[data-stage="fingerprint-hex"]');
    if (!place || place.title === value) return;
    place.title = value;
    place.replaceChildren(...(value.slice(0, 32).match(/.{4}/g) ?? []).map(hex));
  }

  function drawRoster() {
    const list = state.close?.roster ?? [];
    text("roster-count", list.length);
    text("pot-total", list.length);
    text("signups", state.signups);
    const roster = $("roster"), cells = $("pot-cells");
    if (roster && roster.children.length !== list.length) {
      roster.className = `roster columns-${list.length > 48 ? 5 : list.length > 18 ? 4 : 3}`;
      roster.replaceChildren(...list.map((code, index) => {
        const item = copy("t-roster").firstElementChild;
        item.dataset.who = `agency:${code}`;
        item.classList.toggle("mine", code === me.agency);
        item.querySelector(".name").textContent = `${index + 1}. ${state.names[code] ?? code}`;
        return item;
      }));
    }
    if (cells && cells.children.length !== list.length) {
      const matrix = list.length > 48;
      cells.className = matrix ? "pot-cells pot-matrix" : `pot-cells columns-${list.length > 18 ? 4 : 3}`;
      cells.replaceChildren(...list.map((code, index) => {
        const item = copy("t-cell").firstElementChild;
        item.dataset.who = `agency:${code}`;
        item.classList.toggle("mine", code === me.agency);
        item.querySelector(".name").textContent = matrix ? index + 1 : `${index + 1}. ${state.names[code] ?? code}`;
        return item;
      }));
    }
    if (state.close) {
      const print = window.Chain.leaf(state.close);
      fingerprint("roster-print", print);
      const note = $("roster-print")?.querySelector(".stage-note");
      if (note && list.every((code) => state.names[code])) note.textContent = words.match;
    }
  }

  function drawPot() {
    text("pot-lines", state.pot.length);
    text("pot-agencies", state.pot.filter((line) => line.who.startsWith("agency:")).length);
    const thrown = new Set(state.pot.map((line) => line.who));
    for (const cell of document.querySelectorAll('[data-stage="pot-cells"] li')) {
      const inside = thrown.has(cell.dataset.who);
      if (inside && cell.classList.contains("in")) continue;
      cell.classList.toggle("in", inside);
      cell.classList.toggle("waiting", !inside);
      cell.querySelector('[data-stage="pot-mark"]')?.replaceChildren(...(inside ? [copy("t-mark")] : []));
    }
  }

  function drawSeal() {
    if (!state.freeze) return;
    fingerprint("seal-print", state.freeze.pot_root);
    text("pot-n", state.freeze.pot_n);
    const place = $("my-inside");
    if (place && mine) place.textContent = state.pot.some((line) => line.r === mine) ? place.dataset.yes : place.dataset.no;
  }

  function drawProgress() {
    const { steps = 0, iters = state.iters ?? 1, elapsed_s: elapsed = 0 } = state.progress ?? {};
    const percent = state.result ? 100 : Math.min(99, Math.floor((steps * 100) / iters));
    text("progress-percent", percent);
    const bar = $("progress-bar");
    if (bar) { bar.max = iters; bar.value = state.result ? iters : steps; }
    const left = steps ? Math.max(1, Math.round(((iters - steps) * elapsed) / steps)) : "…";
    text("progress-text", fill(words.progress, { steps: steps.toLocaleString(), iters: iters.toLocaleString(), left }));
  }

  const ticketOf = (seed, drawId, code) => window.Chain.hmac(window.Chain.unhex(seed), window.Chain.utf8(`draw/v1/ticket\n${drawId}\n${code}`));

  function drawTickets() {
    const table = $("tickets");
    if (!state.result || !table) return;
    const body = table.tBodies[0];
    const { ranking, seed, draw_id: drawId } = state.result;
    const { k, reserves } = state.post;
    if (body.rows.length !== ranking.length) {
      body.replaceChildren(...ranking.map((code, index) => {
        const rank = index + 1;
        const row = copy("t-row").querySelector("tr");
        row.dataset.rank = rank;
        row.className = rank <= k ? "winner" : rank <= k + reserves ? "waitlist" : "";
        row.classList.toggle("mine", code === me.agency);
        const ticket = ticketOf(seed, drawId, code);
        const short = `${ticket.slice(0, 4)} ${ticket.slice(4, 8)} …`;
        row.querySelector(".rank").textContent = rank;
        row.querySelector("[data-name]").textContent = state.names[code] ?? code;
        row.querySelector(".ticket").textContent = short;
        row.querySelector(".ticket-under").textContent = short;
        const outcome = row.querySelector(".outcome");
        if (rank <= k) outcome.append(copy("t-winner"));
        else if (rank <= k + reserves) {
          outcome.append(copy("t-reserve"));
          const walker = document.createTreeWalker(outcome, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) walker.currentNode.textContent = walker.currentNode.textContent.replace("{n}", rank - k);
        }
        return row;
      }));
    }
    if (state.award) {
      const place = $("publicity");
      if (place) place.textContent = fill(place.dataset.text, { until: local(state.award.publicity_until) });
    }
    const names = [...new Set(state.pot.filter((line) => line.sig).map((line) => who(line.who)))].sort();
    text("parties", names.join("、"));
  }

  /* The rows are turned over from the last to the first; the truth is in the log and one button away. */
  function reveal() {
    const rows = [...($("tickets")?.tBodies[0]?.rows ?? [])];
    if (!rows.length || reduced) return;
    const many = rows.length > 20, shown = many ? rows.slice(0, (state.post.k ?? 1) + (state.post.reserves ?? 0)) : rows;
    for (const row of shown) row.classList.add("hidden-yet");
    state.revealing = 1;
    const box = $("reveal");
    if (box) box.hidden = false;
    const steps = [...shown].reverse();
    const pause = Math.min(900, 12000 / steps.length);
    const end = () => { state.revealing = 0; for (const row of shown) row.classList.remove("hidden-yet"); if (box) box.hidden = true; showAct(); };
    const turn = () => { if (!state.revealing) return; const row = steps.shift(); if (!row) { end(); return; } row.classList.remove("hidden-yet"); setTimeout(turn, pause); };
    const skip = $("reveal-skip");
    if (skip) skip.onclick = end;
    setTimeout(turn, pause);
  }

  async function throwNumber() {
    const place = $("my-throw");
    if (!me.agency || mine || !state.opening || !(state.close?.roster ?? []).includes(me.agency)) return;
    const earlier = state.pot.find((line) => line.who === `agency:${me.agency}`);
    if (earlier) { mine = earlier.r; }
    if (!mine && new Date(state.closes).getTime() > now()) {
      const bytes = crypto.getRandomValues(new Uint8Array(32));
      mine = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      try {
        const answer = await fetch(me.pot_url, { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": me.csrf, Accept: "application/json" }, body: `r=${mine}` });
        const found = await answer.json();
        if (!answer.ok) throw new Error(found.title ?? answer.status);
        mine = found.r ?? mine;
      } catch (error) {
        if (place) place.textContent = fill(place.dataset.failed, { why: error.message });
        return;
      }
    }
    if (place && mine) place.textContent = fill(place.dataset.thrown, { r: `${mine.slice(0, 8)}…${mine.slice(-4)}` });
  }

  /* Countdowns are computed from the server's clock at every tick, never counted down. */
  function tick() {
    const at = now();
    for (const box of document.querySelectorAll('[data-stage="countdown"]')) {
      const inPot = Boolean(box.closest('[data-stage="pot-countdown"]'));
      const target = new Date(inPot ? state.closes || box.dataset.target : state.openAt || box.dataset.target).getTime();
      const left = Math.ceil((target - at) / 1000);
      const place = $("countdown-text", box);
      if (!place) continue;
      const pad = (value) => String(value).padStart(2, "0");
      const hours = Math.floor(left / 3600);
      const value = left < 0 ? box.dataset.waiting : hours >= 48 ? `${Math.floor(hours / 24)} d` : `${hours ? `${hours}:` : ""}${pad(Math.floor(left / 60) % 60)}:${pad(left % 60)}`;
      box.classList.toggle("countdown-over", left < 0);
      if (place.textContent !== value) place.textContent = value;
    }
    text("server-clock-text", new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", timeStyle: "medium" }).format(new Date(at)));
    const left = state.opening ? new Date(state.closes).getTime() - at : 0;
    document.title = `${actNames[state.act - 1] ?? ""}${state.act === 3 && left > 0 ? ` ${Math.ceil(left / 1000)}s` : ""} · ${window.Stage.title}`;
  }

  function redraw() { drawRoster(); drawPot(); drawSeal(); drawProgress(); drawTickets(); showAct(); throwNumber(); }

  window.Stage = {
    title: document.title,
    state,
    readable,
    start(options) { me = options.me ?? me; now = options.now ?? now; setInterval(tick, 250); tick(); },
    update(events, { live = false } = {}) {
      const had = Boolean(state.result);
      for (const event of events) fold(event);
      redraw();
      if (live && !had && state.result) { reveal(); showAct(); }
      if (state.attested) window.feed?.end(); // also for a viewer who was away at the end
    },
    reset() {
      Object.assign(state, beginning());
      for (const hook of ["roster", "pot-cells"]) $(hook)?.replaceChildren();
      $("tickets")?.tBodies[0].replaceChildren();
      redraw();
    },
  };
})();
