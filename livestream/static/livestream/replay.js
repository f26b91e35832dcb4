/* The replay: the recorded events given to the same stage script at the times they happened, at 1, 4 or 20 times the speed.
 * It stands in for the feed: window.feed.listen(), now(), sentence(), announce() and end() mean the same. */
"use strict";

(() => {
  const LONGEST_MS = 20000; // a longer silence in the record is cut to this
  const { fill, clockText, part } = window.feedText;
  const own = (name) => document.querySelector(`[data-feed="${name}"]`);

  class Replay extends window.Feed {
    constructor(given, texts) {
      super(given, texts);
      this.chapters = given.chapters || {};
      this.record = [];
      this.next = 0; // index of the event to come
      this.at = 0; // moment of the record, milliseconds since 1970
      this.playing = false;
      this.speed = 4;
    }

    now() { return this.at || Date.now(); }

    async start() {
      this.stopped = false;
      try {
        this.record = this.given.length === this.head ? this.given : await this.fetchAll();
      } catch {
        this.set("unstable");
        return;
      }
      let [seq, hash] = [0, window.Chain.NO_HASH];
      for (const event of this.record) {
        if (!window.Chain.follows(event, this.stream, seq, hash)) {
          this.record.length = seq;
          this.broken(seq + 1);
          break;
        }
        [seq, hash] = [event.seq, event.hash];
      }
      this.controls();
      this.jump(1);
      const linked = Number(new URLSearchParams(location.search).get("seq"));
      if (linked > 1) this.jump(linked);
      this.last_tick = performance.now();
      setInterval(() => this.step(), 100);
    }

    async fetchAll() {
      const all = [];
      for (;;) {
        const answer = await fetch(`${this.eventsUrl}?after=${all.length}&limit=1000`);
        const body = await answer.json();
        all.push(...body.events);
        if (!body.events.length || all.length >= body.head) return all;
      }
    }

    controls() {
      own("player").hidden = false;
      if (part("late")) part("late").hidden = true;
      own("play").addEventListener("click", () => this.play(!this.playing));
      for (const choice of document.querySelectorAll('[data-feed="speed"]')) {
        choice.addEventListener("change", () => { this.speed = Number(choice.value); });
      }
      const list = own("chapters");
      for (const event of this.record.filter((one) => this.chapters[one.type])) {
        const item = document.createElement("li");
        const link = document.createElement("a");
        link.href = `?seq=${event.seq}`;
        link.textContent = `${clockText(event.at, this.zone)} ${this.chapters[event.type]}`;
        link.addEventListener("click", (click) => {
          click.preventDefault();
          history.replaceState(null, "", link.href);
          this.jump(event.seq);
        });
        item.append(link);
        list.append(item);
      }
    }

    play(on) {
      if (on && this.next >= this.record.length) this.jump(1);
      this.playing = on;
      own("play").textContent = on ? this.texts.pause : this.texts.play;
    }

    /** Show the record up to and with event `seq`. */
    jump(seq) {
      if (this.next > 0 && seq <= this.next && this.listeners.some((one) => !one.onReset)) {
        location.search = `?seq=${seq}`; // the stage cannot go back; a fresh page can
        return;
      }
      this.log.clear();
      this.events = [];
      this.next = 0;
      for (const one of this.listeners) one.onReset?.();
      const list = this.record.slice(0, Math.max(1, Math.min(seq, this.record.length)));
      if (!list.length) return;
      this.at = Date.parse(list[list.length - 1].at);
      this.give(list, { live: false, replayed: true, caughtUp: false });
    }

    step() {
      const moment = performance.now();
      const passed = moment - this.last_tick;
      this.last_tick = moment;
      if (!this.playing) return;
      const due = this.next < this.record.length ? Date.parse(this.record[this.next].at) : 0;
      this.at += passed * this.speed;
      if (due - this.at > LONGEST_MS) this.at = due - LONGEST_MS;
      const list = [];
      while (this.next + list.length < this.record.length && Date.parse(this.record[this.next + list.length].at) <= this.at) {
        list.push(this.record[this.next + list.length]);
      }
      this.give(list, { live: true, replayed: false, caughtUp: false });
      if (this.next >= this.record.length) this.play(false);
    }

    give(list, how) {
      this.next += list.length;
      if (list.length) [this.last, this.hash] = [list[list.length - 1].seq, list[list.length - 1].hash];
      this.pass(list, how);
      const clock = part("server-clock-text");
      const time = clockText(this.at, this.zone);
      if (clock) clock.textContent = time;
      own("position").textContent = fill(this.texts.position, { seq: this.last, head: this.record.length, time });
      if (list.length && this.state !== "broken") this.set("ended");
    }
  }

  // The viewer is nobody in a replay: nothing he could do then can be done now.
  window.Feed.open(Replay, {});
})();
