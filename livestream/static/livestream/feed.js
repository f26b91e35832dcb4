/* The feed of one stream: every event once, in order, its hash chain checked here; from the socket, or by asking again and
 * again over plain HTTP when no socket opens. After a break it asks only for what it lacks.
 *
 *   window.feed.listen({
 *     onEvents(events, {live, replayed, caughtUp}),   envelopes; live: just happened, replayed: from the record
 *     onStatus({state, n, seq, head, seconds}),       connecting catching_up synced unstable broken refused ended
 *     onReset(),                                      forget all (the replay jumps back)
 *   })
 *   feed.now()        the server's clock, milliseconds since 1970        feed.sentence(event)
 *   feed.announce(text, level)   for screen readers: all, main, urgent   feed.end()   nothing more will happen
 *
 * A script that listens late is told everything from the first event. The page's stage may instead be
 *   window.Stage = { start({me, now}), update(events, how), readable(event), reset() }
 * which is started with the feed; `readable` gives the data for the event's sentence; all but update may be missing. */
"use strict";

(() => {
  const BACKOFF_MS = [500, 10000];
  const POLL_MS = 2000;
  const TRIES_BEFORE_POLLING = 3;
  const QUIET_S = 12; // two heartbeats missed
  const DEAD_S = 16;
  const ASK_MS = 2000;
  const PAGE = 500;
  const CLOSE_FORBIDDEN = 4403;
  const CLOSE_TOO_MANY = 4429;
  const { fill, clockText, part } = window.feedText;

  class Feed {
    constructor({ stream, socket, events_url, events = [], head = 0, ended = false, words = {}, announce = {}, time_zone }, texts = {}) {
      Object.assign(this, { stream, texts, ended, announced: announce, zone: time_zone });
      this.socketPath = socket;
      this.eventsUrl = events_url;
      this.given = events;
      this.head = head; // the last seq the server told of
      this.events = [];
      this.last = 0;
      this.hash = window.Chain.NO_HASH;
      this.state = "connecting";
      this.listeners = [];
      this.failures = 0;
      this.contact = 0; // when the server was last heard, performance.now()
      this.asked = 0;
      this.replayTo = head; // up to here events are from the record, not live
      this.missed = 0; // the seq at which the connection broke, 0 when nothing was missed
      this.polling = false;
      this.stopped = true;
      this.offsets = [];
      this.offset = Date.parse(document.documentElement.dataset.serverNow) - Date.now() || 0;
      this.log = new window.TextLog(words, time_zone);
      this.announcer = new window.Announcer();
      this.etag = "";
    }

    listen(callbacks) {
      this.listeners.push(callbacks);
      if (this.events.length) callbacks.onEvents?.(this.events.slice(), { live: false, replayed: true, caughtUp: false });
      callbacks.onStatus?.(this.status());
    }

    start() {
      this.stopped = false;
      this.contact = performance.now();
      this.take(this.given, true);
      if (this.stopped) return;
      this.connect();
      this.ticker = setInterval(() => this.tick(), 1000);
      addEventListener("online", () => this.reconnectNow());
      addEventListener("offline", () => this.dropSocket());
      document.addEventListener("visibilitychange", () => {
        if (document.visibilityState !== "visible" || this.stopped) return;
        if (!this.isOpen()) this.reconnectNow();
        else if (this.quietS() > 7) this.ask();
      });
    }

    stop(state) {
      this.stopped = true;
      clearInterval(this.ticker);
      clearTimeout(this.retry);
      clearTimeout(this.poller);
      this.dropSocket();
      this.set(state);
    }

    now() { return Date.now() + this.offset; }
    sentence(event) { return this.log.sentence(event); }

    /** Let the stage of the page take part. */
    stage(stage, me) {
      if (!stage) return;
      if (stage.readable) this.log.readable = (event) => stage.readable(event);
      stage.start?.({ me, now: () => this.now() });
      this.listen({
        onEvents: (events, how) => stage.update(events, how),
        onReset: stage.reset && (() => stage.reset()),
      });
    }

    announce(text, level = "main") { this.announcer.say(text, level); }
    isOpen() { return this.ws?.readyState === WebSocket.OPEN; }
    quietS() { return Math.max(0, Math.round((performance.now() - this.contact) / 1000)); }

    end() {
      this.ended = true;
      if (this.state === "synced") this.set("ended");
    }

    // ---------- socket ----------

    connect() {
      clearTimeout(this.retry);
      if (this.stopped || this.ws) return;
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      let ws;
      try {
        ws = new WebSocket(`${scheme}//${location.host}${this.socketPath}?after=${this.last}`);
      } catch {
        this.failed();
        return;
      }
      this.ws = ws;
      ws.onmessage = (message) => this.ws === ws && this.receive(message.data);
      ws.onclose = (event) => this.ws === ws && this.closed(event.code);
      this.opening = setTimeout(() => this.ws === ws && !this.isOpen() && this.dropSocket(), 10000);
    }

    receive(text) {
      let frame;
      try {
        frame = JSON.parse(text);
      } catch {
        return;
      }
      this.contact = performance.now();
      if (frame.kind === "hello") {
        this.failures = 0;
        this.polling = false;
        clearTimeout(this.poller);
        this.clock(frame.server_time);
        this.replayTo = this.head = Math.max(this.head, frame.head);
        this.viewers(frame.viewers_here);
        this.settle();
      } else if (frame.kind === "head") {
        this.clock(frame.server_time);
        this.head = Math.max(this.head, frame.seq);
        this.viewers(frame.viewers_here);
        if (frame.seq > this.last) this.ask();
        this.settle();
      } else if (frame.kind === "events" && Array.isArray(frame.events)) {
        this.take(frame.events, false);
      }
    }

    /** Ask once more for all after the last event: something was missed on the way. */
    ask() {
      if (!this.isOpen() || performance.now() - this.asked < ASK_MS) return;
      this.asked = performance.now();
      this.ws.send(JSON.stringify({ kind: "after", seq: this.last }));
    }

    closed(code) {
      this.ws = null;
      clearTimeout(this.opening);
      if (this.stopped) return;
      if (code === CLOSE_FORBIDDEN) {
        this.stop("refused");
        return;
      }
      if (code === CLOSE_TOO_MANY) this.failures = Math.max(this.failures, 4);
      this.failed();
    }

    failed() {
      this.missed = this.missed || this.last;
      this.failures += 1;
      const [least, most] = BACKOFF_MS;
      const wait = Math.min(most, least * 2 ** (this.failures - 1)) * (0.5 + Math.random() / 2);
      clearTimeout(this.retry);
      this.retry = setTimeout(() => this.connect(), wait);
      if (!this.polling) this.set(this.failures > 1 ? "unstable" : "connecting");
      if (this.failures >= TRIES_BEFORE_POLLING && !this.polling) this.poll();
    }

    dropSocket() {
      const ws = this.ws;
      if (!ws) return;
      this.ws = null;
      clearTimeout(this.opening);
      ws.close();
      if (!this.stopped) this.failed();
    }

    reconnectNow() {
      if (this.stopped || this.isOpen()) return;
      if (this.ws) this.dropSocket();
      this.failures = 0;
      this.connect();
    }

    // ---------- plain HTTP ----------

    async poll() {
      clearTimeout(this.poller);
      if (this.stopped || this.isOpen()) return;
      this.polling = true;
      let again = POLL_MS;
      try {
        const headers = this.etag && this.etagAfter === this.last ? { "If-None-Match": this.etag } : {};
        const answer = await fetch(`${this.eventsUrl}?after=${this.last}&limit=${PAGE}`, { headers, cache: "no-store" });
        if (answer.status === 404) {
          this.stop("refused");
          return;
        }
        if (answer.status === 200) {
          const asked = this.last;
          const body = await answer.json();
          if (this.stopped || this.isOpen()) return;
          this.etag = answer.headers.get("ETag") || "";
          this.etagAfter = asked;
          this.contact = performance.now();
          this.clock(body.server_time);
          this.replayTo = this.head = Math.max(this.head, body.head);
          this.take(body.events, false);
          if (this.last < this.head && body.events.length) again = 0;
        } else if (answer.status === 304) {
          this.contact = performance.now();
        }
        this.settle();
      } catch {
        this.set("unstable");
      }
      if (!this.stopped) this.poller = setTimeout(() => this.poll(), again);
    }

    // ---------- events ----------

    /** Take what follows the last event; leave repetitions, ask again for a gap, stop at an event that is not genuine. */
    take(list, initial) {
      const good = [];
      let gap = false;
      for (const event of list) {
        if (event.seq <= this.last) continue;
        if (event.seq !== this.last + 1) {
          gap = true;
          break;
        }
        if (!window.Chain.follows(event, this.stream, this.last, this.hash)) {
          this.deliver(good, initial);
          this.broken(event.seq);
          return;
        }
        this.last = event.seq;
        this.hash = event.hash;
        good.push(event);
      }
      this.head = Math.max(this.head, this.last);
      this.deliver(good, initial);
      if (gap) {
        this.head = Math.max(this.head, list[list.length - 1].seq);
        this.ask();
      }
      this.settle();
    }

    deliver(list, initial) {
      const from = list.findIndex((event) => event.seq > this.replayTo);
      const split = initial || from < 0 ? list.length : from;
      this.pass(list.slice(0, split), { live: false, replayed: true, caughtUp: !initial && this.missed > 0 });
      this.pass(list.slice(split), { live: true, replayed: false, caughtUp: false });
    }

    pass(list, how) {
      if (!list.length) return;
      this.events.push(...list);
      this.log.add(list, how.caughtUp);
      if (how.live) for (const event of list) this.announce(this.sentence(event), this.announced[event.type] || "all");
      for (const one of this.listeners) {
        try {
          one.onEvents?.(list, how);
        } catch (error) {
          console.error(error); // a fault of a listener must not stop the log
        }
      }
    }

    broken(seq) {
      const text = fill(this.texts.broken, { seq });
      this.brokenAt = seq;
      this.log.note(text);
      this.announce(text, "urgent");
      this.stop("broken");
    }

    // ---------- what the page says ----------

    clock(serverTime) {
      const offset = Date.parse(serverTime) - Date.now();
      if (Number.isNaN(offset)) return;
      // A delayed message makes the server look late: the largest of the latest offsets is the nearest one.
      if (this.offsets.length && Math.abs(offset - this.offset) > 5000) this.offsets = [];
      this.offsets = [...this.offsets.slice(-9), offset];
      this.offset = Math.max(...this.offsets);
    }

    viewers(count) {
      const element = part("viewers");
      if (element && Number.isInteger(count)) element.textContent = String(count);
    }

    /** After anything was heard: in step, or how much is still to come. */
    settle() {
      if (this.stopped) return;
      if (!this.isOpen() && !this.polling) return;
      if (this.last < this.head) {
        this.set("catching_up");
        return;
      }
      if (this.missed) {
        const n = this.last - this.missed;
        this.missed = 0;
        if (n > 0) this.log.note(fill(this.texts.caught_up, { n }));
      }
      this.set(this.ended ? "ended" : "synced");
    }

    tick() {
      const element = part("server-clock-text");
      if (element) element.textContent = clockText(this.now(), this.zone);
      const quiet = this.quietS();
      if (this.isOpen() && quiet > DEAD_S) this.dropSocket();
      else if (quiet > QUIET_S && ["synced", "catching_up", "connecting"].includes(this.state)) this.set("unstable");
      else if (this.state === "unstable") this.set("unstable");
      else if (this.state === "catching_up" && this.last < this.head) this.ask();
    }

    status() {
      const { state, last, head } = this;
      return { state, n: Math.max(0, head - last), seq: state === "broken" ? this.brokenAt : last, head, seconds: this.quietS() };
    }

    set(state) {
      this.state = state;
      const status = this.status();
      this.show(status);
      for (const one of this.listeners) one.onStatus?.(status);
    }

    show({ state, n, seq, seconds }) {
      const chip = part("sync");
      const records = part("records");
      const head = part("head");
      if (records) records.textContent = fill(this.texts.range, { last: this.last, head: Math.max(this.head, this.last) });
      if (head) {
        head.textContent = `${this.hash.slice(0, 16).replace(/(.{4})(?=.)/g, "$1 ")} …`;
        head.title = this.hash;
      }
      if (!chip) return;
      const icon = state === "refused" ? "broken" : state;
      chip.className = `sync-chip sync-${icon}`;
      for (const one of chip.querySelectorAll("[data-sync-icon]")) one.hidden = one.dataset.syncIcon !== icon;
      const words = { connecting: chip.dataset.connecting, catching_up: chip.dataset.catchingUp, synced: chip.dataset.synced,
        unstable: chip.dataset.unstable, broken: chip.dataset.broken, ended: chip.dataset.ended, refused: this.texts.refused };
      const text = state === "synced" && this.polling ? this.texts.polling : words[state];
      part("sync-text").textContent = fill(text, { n, seq, s: seconds });
    }
  }

  const read = (id) => JSON.parse(document.getElementById(id)?.textContent || "null");

  /** Start the page's feed once the other deferred scripts have run, so that the stage listens from the first event. */
  Feed.open = (kind, me) => {
    const given = read("feed");
    if (!given) return;
    window.feed = new kind(given, read("feed-words") || {});
    document.addEventListener("DOMContentLoaded", () => {
      try {
        window.feed.stage(window.Stage, me ?? read("me") ?? {});
      } finally {
        window.feed.start();
      }
    });
  };

  window.Feed = Feed;
  Feed.leaf = window.Chain.leaf;
  if (!document.querySelector(".stage-replay")) Feed.open(Feed);
})();
