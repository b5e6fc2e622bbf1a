/**
 * The bar on top: what time it is and where it can be moved to, whether the bot is there, and what can go wrong.
 *
 * Each switch that is on says in a line below the bar what there is to look for: a fault that nobody can see
 * teaches nothing.
 */

import * as clock from "./clock.js";
import { h, icon, iconButton, set } from "./dom.js";
import { LANGUAGES, language, remember, remembered, t } from "./words.js";

const LATENCIES = [0, 0.3, 1, 3, 10];
const THEMES = ["auto", "light", "dark"];
const MOMENTS = ["opening", "due", "locks"];

export class Bar {
  /**
   * `acts`: moveClock({to} or {by}), change(switches), clearFaults(), supervise(orders), addPerson(),
   * otherLanguage(), showPanel(), showTour(), notify(text).
   */
  constructor(element, hints, acts) {
    this.element = element;
    this.hints = hints;
    this.acts = acts;
    this.changing = 0;
    this.build();
  }

  build() {
    const { acts } = this;
    const wasOpen = this.settings?.classList.contains("open") ?? false;
    this.date = h("span", { class: "date" });
    this.time = h("span", { class: "time" });
    this.zone = h("span", { class: "zone" });
    this.moment = h("input", { type: "datetime-local", "aria-label": t("bar.moment"), required: true, value: this.moment?.value });
    this.moments = h("span", { class: "moments" });
    this.down = h("input", { type: "checkbox", role: "switch", id: "down", onchange: (event) => this.change({ down: event.currentTarget.checked }) });
    this.limits = h("input", { type: "checkbox", role: "switch", id: "limits", onchange: (event) => this.change({ limits: event.currentTarget.checked }) });
    this.latency = h("select", { id: "latency", onchange: (event) => this.change({ latency: Number(event.currentTarget.value) }) });
    this.faults = h("button", { type: "button", class: "quiet faults", title: t("bar.faults.clear"), hidden: true, onclick: acts.clearFaults });
    this.bot = h("span", { class: "bot-status", role: "status" });
    this.supervisor = h("span", { class: "supervisor", id: "supervisor" });
    this.theme = h("button", { type: "button", class: "quiet theme", onclick: () => this.nextTheme() });
    this.panel = h("button", { type: "button", class: "quiet", id: "panel-button", "aria-expanded": "false", onclick: acts.showPanel }, icon("list"), h("span", { class: "word" }, t("bar.panel")));
    this.tour = h("button", { type: "button", class: "quiet", id: "tour-button", hidden: true, onclick: acts.showTour }, icon("map"), h("span", { class: "word" }));
    const toggle = (input, key, more = {}) => h("label", { class: "switch", ...more }, input, h("span", { class: "track", "aria-hidden": "true" }), t(key));
    this.settings = h("div", { class: "settings", id: "settings" },
      h("div", { class: "trouble", role: "group", "aria-label": t("bar.trouble") },
        h("span", { class: "group-name", "aria-hidden": "true" }, t("bar.trouble")),
        this.supervisor, toggle(this.down, "bar.down"),
        h("label", { class: "choice" }, t("bar.latency"), this.latency),
        toggle(this.limits, "bar.limits", { title: t("bar.limits.long") }), this.faults),
      h("div", { class: "looks" },
        h("button", { type: "button", class: "quiet", onclick: acts.addPerson }, icon("plus"), t("bar.people.add")),
        this.theme,
        h("select", { id: "language", "aria-label": t("bar.language"), title: t("bar.language"), onchange: (event) => acts.speak(event.currentTarget.value) },
          Object.entries(LANGUAGES).map(([code, name]) => h("option", { value: code, lang: code, selected: code === language() }, name))),
        h("button", { type: "button", class: "quiet", title: t("bar.phones.long"), onclick: acts.speakOnPhones }, icon("globe"), t("bar.phones"))));
    this.settings.classList.toggle("open", wasOpen);
    const gear = iconButton("gear", t("bar.settings"), () => {
      const open = this.settings.classList.toggle("open");
      set(gear, { "aria-expanded": String(open) });
    }, { class: "icon-button gear", "aria-controls": "settings", "aria-expanded": String(wasOpen) });
    const quick = (key, move) => h("button", { type: "button", title: t(`bar.${key}.long`), onclick: move }, t(`bar.${key}`));
    this.element.replaceChildren(
      h("div", { class: "brand" }, h("img", { src: "/page/icon.svg", alt: "" }), h("h1", {}, t("bar.brand"))),
      h("div", { class: "clock", id: "clock", role: "group", "aria-label": t("bar.clock") },
        h("p", { class: "now", "aria-live": "off" }, this.date, this.time, this.zone),
        h("div", { class: "quick" },
          quick("hour", () => acts.moveClock({ by: 3600 })),
          quick("day", () => acts.moveClock({ by: 86400 })),
          quick("monday", () => acts.moveClock({ to: clock.nextMonday() })),
          this.moments,
          h("form", { class: "moment", onsubmit: (event) => this.goToMoment(event) }, this.moment,
            h("button", { type: "submit", title: t("bar.moment") }, t("bar.go"))))),
      h("div", { class: "tools" }, this.tour, this.panel, gear),
      this.bot,
      this.settings);
    this.showTheme();
  }

  goToMoment(event) {
    event.preventDefault();
    const to = clock.fromLocalInput(this.moment.value);
    if (to < clock.now()) this.acts.notify(t("bar.forward"));
    else this.acts.moveClock({ to });
  }

  // ---- appearance

  nextTheme() {
    const theme = remembered("enlace.theme") ?? "auto";
    remember("enlace.theme", THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
    this.showTheme();
  }

  showTheme() {
    const theme = remembered("enlace.theme") ?? "auto";
    document.documentElement.dataset.theme = theme;
    this.theme.replaceChildren(h("span", { class: `shade ${theme}`, "aria-hidden": "true" }), h("span", { class: "only-narrow" }, t(`bar.theme.${theme}`)));
    set(this.theme, { "aria-label": t(`bar.theme.${theme}`), title: t(`bar.theme.${theme}`) });
  }

  /** What was read before the sandbox has heard of it does not put a switch back under the finger. */
  async change(switches) {
    this.changing += 1;
    try {
      await this.acts.change(switches);
    } finally {
      this.changing -= 1;
      this.show(...this.seen);
    }
  }

  // ---- what the sandbox and the supervisor say

  show(state, supervisor) {
    const { down, latency, limits, faults } = state;
    this.seen = [state, supervisor];
    if (!this.changing) {
      this.down.checked = Boolean(down);
      this.limits.checked = Boolean(limits);
      if (document.activeElement !== this.latency) this.showLatency(latency ?? 0);
    }
    this.limits.closest("label").hidden = limits === undefined;
    this.faults.hidden = !faults?.length;
    this.faults.textContent = `${t("bar.faults.some", { n: faults?.length ?? 0 })} · ${t("bar.faults.clear")}`;
    this.showBot(state, supervisor);
    this.showSupervisor(supervisor);
    this.showMoments(supervisor?.moments ?? []);
    this.showHints(state, supervisor);
    this.tick();
  }

  showLatency(seconds) {
    const all = LATENCIES.includes(seconds) ? LATENCIES : [...LATENCIES, seconds].sort((a, b) => a - b);
    this.latency.replaceChildren(...all.map((each) => h("option", { value: each },
      each ? t("bar.latency.n", { seconds: each.toLocaleString(clock.locale(language())) }) : t("bar.latency.0"))));
    this.latency.value = String(seconds);
  }

  showBot({ bot, now, down }, supervisor) {
    let [word, tone] = [t(bot.mode === "webhook" ? "bot.webhook" : "bot.polling"), "good"];
    if (supervisor && !supervisor.running) {
      [word, tone] = [t("bot.stopped"), "bad"];
    } else if (down) {
      [word, tone] = [t("bot.down"), "bad"];
    } else if (!bot.last_seen && bot.mode !== "webhook") {
      [word, tone] = [t("bot.none"), "idle"];
    } else if (bot.mode === "silent") {
      const sameDay = clock.isoDay(bot.last_seen) === clock.isoDay(now);
      const time = sameDay ? clock.timeOfDay(bot.last_seen) : `${clock.dayName(bot.last_seen, language(), true)}, ${clock.timeOfDay(bot.last_seen)}`;
      [word, tone] = [t("bot.silent", { time }), "bad"];
    }
    const waiting = tone === "bad" && bot.pending ? ` · ${t("bot.waiting", { n: bot.pending })}` : "";
    this.bot.className = `bot-status ${tone}`;
    if (this.bot.textContent !== word + waiting) this.bot.textContent = word + waiting;
    set(this.bot, { title: tone === "good" ? t(`bot.${bot.mode === "webhook" ? "webhook" : "polling"}.long`) : null });
  }

  showSupervisor(supervisor) {
    const face = supervisor ? `${supervisor.running} ${language()}` : "absent";
    if (this.supervisor.dataset.face === face) return;
    const held = this.supervisor.contains(document.activeElement);
    this.supervisor.dataset.face = face;
    const button = (key, orders, mark) => h("button", { type: "button", "data-order": key, title: t(`bot.${key}.long`), onclick: () => this.acts.supervise(orders) }, mark, t(`bot.${key}`));
    this.supervisor.replaceChildren(...(!supervisor ? []
      : supervisor.running ? [button("kill", ["kill"], icon("power")), button("restart", ["kill", "start"], null)]
        : [button("start", ["start"], icon("power"))]));
    if (held) this.supervisor.firstElementChild?.focus();
  }

  /** The plan's own moments that are still to come, each with its day. */
  showMoments(moments) {
    const coming = moments.filter(({ name, at }) => MOMENTS.includes(name) && at > clock.now());
    const face = JSON.stringify([coming, language()]);
    if (this.moments.dataset.face === face) return;
    this.moments.dataset.face = face;
    this.moments.replaceChildren(...coming.map(({ name, at }) => h("button", {
      type: "button", "data-moment": name, title: `${t(`bar.moment.${name}.long`)}: ${clock.dayName(at, language())}, ${clock.timeOfDay(at)}`,
      onclick: () => this.acts.moveClock({ to: at }),
    }, h("span", {}, t(`bar.moment.${name}`)), h("small", {}, clock.shortDay(at, language())))));
  }

  showHints({ down, latency, limits, people }, supervisor) {
    const blocked = people.filter((person) => person.blocked).map((person) => person.first_name).join(", ");
    const hints = [
      supervisor && !supervisor.running && t("hint.stopped"),
      down && t("hint.down"),
      latency > 0 && t("hint.slow", { seconds: latency.toLocaleString(clock.locale(language())) }),
      limits && t("hint.limits"),
      blocked && t("hint.blocked", { names: blocked }),
    ].filter(Boolean);
    const face = JSON.stringify(hints);
    if (this.hints.dataset.face === face) return;
    this.hints.dataset.face = face;
    this.hints.hidden = !hints.length;
    this.hints.replaceChildren(...hints.map((hint) => h("p", {}, h("b", {}, t("hint.look")), " ", hint)));
  }

  tick() {
    if (!clock.isKnown()) return;
    const now = clock.now();
    const date = clock.dayName(now, language());
    if (this.date.textContent !== date) this.date.textContent = date;
    this.time.textContent = clock.timeOfDay(now, true);
    const zone = clock.zoneName(now);
    if (this.zone.textContent !== zone) this.zone.textContent = zone;
    if (!this.moment.value && document.activeElement !== this.moment) this.moment.value = clock.localInput(now + 86400);
  }
}
