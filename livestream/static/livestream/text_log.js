/* The text log and the announcer: every event as a sentence, for the eye and for a screen reader. */
"use strict";

(() => {
  const FIELD = /\{\{|\}\}|\{([A-Za-z_]\w*)((?:\[\w+\])*)(?::\.(\d{1,3}))?\}/g;
  const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
  const BETWEEN_MS = 4000; // a screen reader needs this long for a sentence
  const WAITING = 5; // sentences kept for it; older ones can be read in the log

  const part = (name) => document.querySelector(`[data-stage="${name}"]`);

  /** "{n} of {m}" with its values. */
  const fill = (text, values) => String(text || "").replace(/\{(\w+)\}/g, (all, key) => (key in values ? values[key] : all));

  /** A clock text in the zone of the site: "10:00:07", with the date when asked. */
  function clockText(instant, zone, withDate) {
    const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    if (withDate) Object.assign(options, { year: "numeric", month: "2-digit", day: "2-digit" });
    try {
      return new Intl.DateTimeFormat("sv-SE", { ...options, timeZone: zone }).format(new Date(instant));
    } catch {
      return new Intl.DateTimeFormat("sv-SE", options).format(new Date(instant));
    }
  }

  function shown(value, zone) {
    if (value === null || value === undefined) return "–";
    if (Array.isArray(value)) return String(value.length);
    if (typeof value === "object") return String(value.name ?? "–");
    if (typeof value === "boolean") return value ? "True" : "False";
    if (typeof value === "string" && INSTANT.test(value)) return clockText(value, zone, true);
    if (typeof value === "string" && /^[0-9a-f]{40,}$/.test(value)) return `${value.slice(0, 8)}…`;
    return String(value);
  }

  /** As livestream/words.py: {key}, {key[inner]}, {key:.8}, {{ and }}. */
  function sentence(words, data, zone) {
    return words.replace(FIELD, (all, key, inner, size) => {
      if (key === undefined) return all[0];
      let value = Object.hasOwn(data, key) ? data[key] : null;
      for (const step of inner.match(/\w+/g) || []) {
        value = value !== null && typeof value === "object" && Object.hasOwn(value, step) ? value[step] : null;
      }
      if (size && typeof value === "string") return [...value].slice(0, Number(size)).join("");
      return shown(value, zone);
    });
  }

  /** The list of sentences; it scrolls by itself only while the reader is at its end. */
  class TextLog {
    constructor(words, zone) {
      this.words = words;
      this.zone = zone;
      this.box = part("log");
      this.list = part("log-list");
      this.more = part("log-more");
      this.readable = (event) => event.data;
      this.unseen = 0;
      this.hall = document.documentElement.classList.contains("hall");
      this.shown = Number(this.list?.lastElementChild?.dataset.seq || 0);
      this.more?.addEventListener("click", () => this.toEnd());
      this.box?.addEventListener("scroll", () => this.atEnd() && this.clearUnseen(), { passive: true });
      this.toEnd();
    }

    sentence(event) {
      return sentence(this.words[event.type] || event.type, this.readable(event), this.zone);
    }

    atEnd() {
      return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 24;
    }

    toEnd() {
      if (this.hall) this.trim();
      if (this.box) this.box.scrollTop = this.box.scrollHeight;
      this.clearUnseen();
    }

    /** Nobody scrolls the hall screen: it shows the last whole sentences, never the tail of one. */
    trim() {
      while (this.box && this.box.scrollHeight > this.box.clientHeight && this.list?.children.length > 1) {
        this.list.firstElementChild.remove();
      }
    }

    clearUnseen() {
      this.unseen = 0;
      if (this.more) this.more.hidden = true;
    }

    /** Add events that the page does not show yet; `caughtUp` marks those that came after an interruption. */
    add(events, caughtUp) {
      const fresh = events.filter((event) => event.seq > this.shown);
      if (!this.list || !fresh.length) return;
      const follow = this.atEnd();
      const items = document.createDocumentFragment();
      for (const event of fresh) {
        const time = document.createElement("time");
        time.dateTime = event.at;
        time.textContent = clockText(event.at, this.zone);
        const item = document.createElement("li");
        item.dataset.seq = event.seq;
        item.classList.toggle("caught-up", Boolean(caughtUp));
        item.append(time, this.sentence(event));
        items.append(item);
      }
      this.list.append(items);
      this.shown = fresh[fresh.length - 1].seq;
      this.settle(follow, fresh.length);
    }

    /** A line that is not an event: what the page itself has to say. */
    note(text) {
      if (!this.list) return;
      const follow = this.atEnd();
      const item = document.createElement("li");
      item.className = "caught-up";
      item.textContent = text;
      this.list.append(item);
      this.settle(follow, 0);
    }

    settle(follow, count) {
      if (follow) {
        this.toEnd();
        return;
      }
      this.unseen += count;
      if (!this.more || !this.unseen) return;
      this.more.hidden = false;
      this.more.querySelector("span").textContent = fill(this.more.dataset.text, { n: this.unseen });
    }

    clear() {
      this.list?.replaceChildren();
      this.shown = 0;
      this.clearUnseen();
    }
  }

  /** One sentence at a time into role=status, the urgent ones into role=alert. */
  class Announcer {
    constructor() {
      this.polite = part("announcer");
      this.urgent = part("announcer-urgent");
      this.choice = part("announcer-level");
      this.queue = [];
      this.free = 0;
      this.timer = 0;
      try {
        const kept = localStorage.getItem("announcer");
        if (this.choice && [...this.choice.options].some((option) => option.value === kept)) this.choice.value = kept;
        this.choice?.addEventListener("change", () => localStorage.setItem("announcer", this.choice.value));
      } catch {
        // storage may be forbidden; the choice then lasts as long as the page
      }
    }

    /** `level`: all (said only when everything is read aloud), main, urgent or never. */
    say(text, level = "main") {
      const chosen = this.choice ? this.choice.value : "main";
      if (!text || !this.polite || level === "never" || chosen === "off") return;
      if (level === "urgent") {
        this.put(this.urgent, text);
        return;
      }
      if (level === "all" && chosen !== "all") return;
      this.queue.push(text);
      if (this.queue.length > WAITING) this.queue.shift();
      this.next();
    }

    next() {
      if (this.timer || !this.queue.length) return;
      const wait = Math.max(0, this.free - performance.now());
      this.timer = setTimeout(() => {
        this.timer = 0;
        this.free = performance.now() + BETWEEN_MS;
        this.put(this.polite, this.queue.shift());
        this.next();
      }, wait);
    }

    put(element, text) {
      // Emptied first: a repeated sentence would otherwise not be read.
      element.textContent = "";
      setTimeout(() => { element.textContent = text; }, 100);
    }
  }

  Object.assign(window, { TextLog, Announcer, feedText: { fill, clockText, sentence, part } });
})();
