/**
 * The page of phones: the bar on top, the phones below, and the events that keep both true.
 */

import { get, listen, oneAtATime, post, remove } from "./api.js";
import * as clock from "./clock.js";
import { h, icon, iconButton, openDialog, set } from "./dom.js";
import { initials, Phone } from "./phone.js";
import { language, remember, remembered, setLanguage, t } from "./words.js";

const LATENCIES = [0, 0.3, 1, 3, 10];
const THEMES = ["auto", "light", "dark"];

const page = {
  state: null,
  supervisor: null,
  phones: new Map(),
  shown: Number(remembered("enlace.shown", "sessionStorage")) || null,
};
const bar = document.getElementById("bar");
const strip = document.getElementById("strip");
const phones = document.getElementById("phones");
const offline = document.getElementById("offline");

const shell = {
  username: () => page.state?.bot?.username ?? "",
  openStartLink,
  complain: (problem) => notify(t("error.request", { reason: problem.message })),
  changed: () => showStrip(),
};

// ---- the bar

let bars = {};

function buildBar() {
  const settingsOpen = bar.querySelector(".settings")?.classList.contains("open") ?? false;
  bars = {
    date: h("span", { class: "date" }),
    time: h("span", { class: "time" }),
    moment: h("input", { type: "datetime-local", "aria-label": t("bar.moment"), required: true, value: bars.moment?.value }),
    down: h("input", { type: "checkbox", role: "switch", id: "down", onchange: (event) => change({ down: event.currentTarget.checked }) }),
    limits: h("input", { type: "checkbox", role: "switch", id: "limits", onchange: (event) => change({ limits: event.currentTarget.checked }) }),
    latency: h("select", { id: "latency", onchange: (event) => change({ latency: Number(event.currentTarget.value) }) }),
    faults: h("button", { type: "button", class: "quiet faults", title: t("bar.faults.clear"), hidden: true, onclick: clearFaults }),
    bot: h("span", { class: "bot-status" }),
    supervisor: h("span", { class: "supervisor" }),
    theme: h("button", { type: "button", class: "quiet theme", onclick: nextTheme }),
  };
  const settings = h("div", { class: "settings", id: "settings" },
    h("label", { class: "switch" }, bars.down, h("span", { class: "track", "aria-hidden": "true" }), t("bar.down")),
    h("label", { class: "switch" }, bars.limits, h("span", { class: "track", "aria-hidden": "true" }), t("bar.limits")),
    h("label", { class: "choice" }, t("bar.latency"), bars.latency),
    bars.faults,
    h("button", { type: "button", class: "quiet", onclick: addPerson }, icon("plus"), t("bar.people.add")),
    bars.theme,
    h("button", { type: "button", class: "quiet", lang: language() === "es" ? "en" : "es", title: t("bar.language.long"), onclick: otherLanguage }, t("bar.language")));
  settings.classList.toggle("open", settingsOpen);
  const gear = iconButton("gear", t("bar.settings"), () => {
    const open = settings.classList.toggle("open");
    set(gear, { "aria-expanded": String(open) });
  }, { class: "icon-button gear", "aria-controls": "settings", "aria-expanded": String(settingsOpen) });
  const quick = (key, move) => h("button", { type: "button", title: t(`bar.${key}.long`), onclick: move }, t(`bar.${key}`));
  bar.replaceChildren(
    h("div", { class: "brand" }, h("img", { src: "/page/icon.svg", alt: "" }), h("h1", {}, t("bar.brand"))),
    h("div", { class: "clock", role: "group", "aria-label": t("bar.clock") },
      h("p", { class: "now", "aria-live": "off" }, bars.date, bars.time),
      h("div", { class: "quick" },
        quick("hour", () => moveClock({ by: 3600 })),
        quick("day", () => moveClock({ by: 86400 })),
        quick("monday", () => moveClock({ to: clock.nextMonday() })),
        h("form", { class: "moment", onsubmit: goToMoment }, bars.moment,
          h("button", { type: "submit", title: t("bar.moment") }, t("bar.go"))))),
    h("div", { class: "bot-box" }, bars.bot, bars.supervisor),
    gear,
    settings);
  showTheme();
}

async function moveClock(to) {
  try {
    await post("/sandbox/clock", to);
    bars.moment.value = "";
    await readState();
  } catch (problem) {
    shell.complain(problem);
  }
}

function goToMoment(event) {
  event.preventDefault();
  const to = clock.fromLocalInput(bars.moment.value);
  if (to < clock.now()) notify(t("bar.forward"));
  else moveClock({ to });
}

async function change(switches) {
  try {
    await post("/sandbox/switches", switches);
  } catch (problem) {
    shell.complain(problem);
  }
  readState();
}

async function clearFaults() {
  try {
    await remove("/sandbox/faults");
  } catch (problem) {
    shell.complain(problem);
  }
  readState();
}

function otherLanguage() {
  setLanguage(language() === "es" ? "en" : "es");
  buildBar();
  document.documentElement.lang = language();
  showState();
  for (const phone of page.phones.values()) phone.translate();
  bar.querySelector("[lang]").focus();
}

function nextTheme() {
  const theme = remembered("enlace.theme") ?? "auto";
  remember("enlace.theme", THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
  showTheme();
}

function showTheme() {
  const theme = remembered("enlace.theme") ?? "auto";
  document.documentElement.dataset.theme = theme;
  bars.theme.replaceChildren(h("span", { class: `shade ${theme}`, "aria-hidden": "true" }), h("span", { class: "only-narrow" }, t(`bar.theme.${theme}`)));
  set(bars.theme, { "aria-label": t(`bar.theme.${theme}`), title: t(`bar.theme.${theme}`) });
}

function showLatency(seconds) {
  const all = LATENCIES.includes(seconds) ? LATENCIES : [...LATENCIES, seconds].sort((a, b) => a - b);
  bars.latency.replaceChildren(...all.map((each) => h("option", { value: each },
    each ? t("bar.latency.n", { seconds: each.toLocaleString(language()) }) : t("bar.latency.0"))));
  bars.latency.value = String(seconds);
}

function showBot() {
  const { bot, now } = page.state;
  let [word, tone] = [t(bot.mode === "webhook" ? "bot.webhook" : "bot.polling"), "good"];
  if (page.supervisor && !page.supervisor.running) {
    [word, tone] = [t("bot.stopped"), "bad"];
  } else if (!bot.last_seen && bot.mode !== "webhook") {
    [word, tone] = [t("bot.none"), "idle"];
  } else if (bot.mode === "silent") {
    const sameDay = clock.isoDay(bot.last_seen) === clock.isoDay(now);
    const time = sameDay ? clock.timeOfDay(bot.last_seen) : `${clock.dayName(bot.last_seen, language(), true)}, ${clock.timeOfDay(bot.last_seen)}`;
    [word, tone] = [t("bot.silent", { time }), "bad"];
  }
  const waiting = tone === "bad" && bot.pending ? ` · ${t("bot.waiting", { n: bot.pending })}` : "";
  bars.bot.className = `bot-status ${tone}`;
  bars.bot.textContent = word + waiting;
  showSupervisor();
}

function showSupervisor() {
  const state = page.supervisor ? String(page.supervisor.running) : "absent";
  if (bars.supervisor.dataset.state === state) return;
  const held = bars.supervisor.contains(document.activeElement);
  bars.supervisor.dataset.state = state;
  const button = (key, ...orders) => h("button", { type: "button", onclick: () => supervise(orders) }, t(`bot.${key}`));
  bars.supervisor.replaceChildren(...(!page.supervisor ? []
    : page.supervisor.running ? [button("restart", "kill", "start"), button("kill", "kill")] : [button("start", "start")]));
  if (held) bars.supervisor.firstElementChild?.focus();
}

async function supervise(orders) {
  try {
    for (const order of orders) await post("/sandbox/supervisor", { do: order });
  } catch (problem) {
    shell.complain(problem);
  }
  await readSupervisor();
  readState();
}

async function readSupervisor() {
  try {
    page.supervisor = await get("/sandbox/supervisor");
  } catch {
    page.supervisor = null;
  }
  if (page.state) showBot();
}

// ---- the state and the phones

const readState = oneAtATime(async () => {
  try {
    page.state = await get("/sandbox/state");
    clock.learn(page.state.now, page.state.timezone);
    showState();
  } catch (problem) {
    shell.complain(problem);
  }
});

function showState() {
  if (!page.state) return;
  const { down, latency, limits, faults, people } = page.state;
  bars.down.checked = Boolean(down);
  bars.limits.checked = Boolean(limits);
  bars.limits.closest("label").hidden = limits === undefined;
  if (document.activeElement !== bars.latency) showLatency(latency ?? 0);
  bars.faults.hidden = !faults?.length;
  bars.faults.textContent = `${t("bar.faults.some", { n: faults?.length ?? 0 })} · ${t("bar.faults.clear")}`;
  showBot();
  showPeople(people);
  tick();
}

function showPeople(people) {
  for (const [id, phone] of page.phones) {
    if (!people.some((person) => person.id === id)) {
      phone.element.remove();
      page.phones.delete(id);
    }
  }
  phones.querySelector(".nobody")?.remove();
  let before = null;
  for (const person of people) {
    let phone = page.phones.get(person.id);
    if (phone) {
      phone.update(person);
      if (phone.element !== (before ? before.nextSibling : phones.firstChild)) phones.insertBefore(phone.element, before ? before.nextSibling : phones.firstChild);
    } else {
      phone = new Phone(person, shell);
      page.phones.set(person.id, phone);
      phones.insertBefore(phone.element, before ? before.nextSibling : phones.firstChild);
      phone.refresh();
    }
    before = phone.element;
  }
  if (!people.length) phones.append(nobody());
  if (!page.phones.has(page.shown)) page.shown = people[0]?.id ?? null;
  showStrip();
}

function nobody() {
  return h("div", { class: "nobody" }, h("div", { class: "ghost", "aria-hidden": "true" }, h("span", {}, "🇩🇴")),
    h("h2", {}, t("nobody.title")), h("p", {}, t("nobody.text")),
    h("button", { type: "button", class: "main", onclick: addPerson }, t("bar.people.add")));
}

/** The row of names: on a narrow screen it chooses the one phone that is shown, on a wide one it leads to it. */
function showStrip() {
  const people = page.state?.people ?? [];
  set(strip, { "aria-label": t("strip.label") });
  const known = new Map([...strip.children].map((each) => [Number(each.dataset.id), each]));
  for (const [id, button] of known) if (!people.some((person) => person.id === id)) button.remove();
  for (const person of people) {
    const phone = page.phones.get(person.id);
    let button = known.get(person.id);
    if (!button) {
      button = h("button", { type: "button", "data-id": person.id, onclick: () => showPhone(person.id, true) });
      strip.append(button);
    }
    const unseen = phone?.unseen ?? 0;
    const face = JSON.stringify([person.first_name, unseen, language()]);
    if (button.dataset.face !== face) {
      button.dataset.face = face;
      button.replaceChildren(
        h("span", { class: `avatar small tone${Math.abs(person.id) % 7}`, "aria-hidden": "true" }, initials(person.first_name)),
        h("span", {}, person.first_name),
        unseen ? h("span", { class: "badge", "aria-label": t("strip.unread", { n: unseen }) }, String(unseen)) : "");
    }
    set(button, { "aria-current": person.id === page.shown ? "true" : null });
    phone?.element.classList.toggle("current", person.id === page.shown);
  }
  fit();
}

function showPhone(id, scroll = false) {
  page.shown = id;
  remember("enlace.shown", String(id), "sessionStorage");
  showStrip();
  const phone = page.phones.get(id);
  if (scroll) phone.element.scrollIntoView({ inline: "center", block: "nearest", behavior: "smooth" });
  phone.reveal();
}

/** Where all phones fit side by side, the row of names is not needed. */
function fit() {
  strip.classList.toggle("needed", phones.scrollWidth > phones.clientWidth + 4);
}
new ResizeObserver(fit).observe(phones);

function tick() {
  if (!clock.isKnown()) return;
  const now = clock.now();
  const date = clock.dayName(now, language());
  if (bars.date.textContent !== date) bars.date.textContent = date;
  bars.time.textContent = clock.timeOfDay(now, true);
  if (!bars.moment.value && document.activeElement !== bars.moment) bars.moment.value = clock.localInput(now + 86400);
  for (const phone of page.phones.values()) phone.tick();
}

// ---- people and invitations

function addPerson() {
  personDialog(t("people.title"), t("people.text"), () => {});
}

function personDialog(title, text, then) {
  const name = h("input", { required: true, maxlength: "64", autocomplete: "off" });
  const role = h("input", { maxlength: "80", autocomplete: "off", placeholder: t("people.role.example") });
  const tongue = h("select", {}, [["es", "Español"], ["en", "English"], ["ht", "Kreyòl"]].map(([code, word]) => h("option", { value: code }, word)));
  const dialog = openDialog(title, t("close"), h("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      const id = Math.max(100, ...(page.state?.people ?? []).map((person) => person.id)) + 1;
      try {
        await post("/sandbox/people", { id, first_name: name.value.trim(), language_code: tongue.value, title: role.value.trim() });
      } catch (problem) {
        shell.complain(problem);
        return;
      }
      dialog.close();
      await readState();
      showPhone(id, true);
      then(id);
    },
  },
  h("p", {}, text),
  h("label", {}, t("people.name"), name), h("label", {}, t("people.role"), role), h("label", {}, t("people.language"), tongue),
  h("footer", {}, h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("cancel")),
    h("button", { type: "submit", class: "main" }, t("people.add")))));
  name.focus();
}

/** An invitation link is meant for somebody else: the page asks on whose phone it is opened. */
function openStartLink(code) {
  const open = (id) => {
    showPhone(id, true);
    page.phones.get(id).start(code);
  };
  const choice = (content, onclick) => h("button", {
    type: "button", class: "pick",
    onclick: () => {
      dialog.close();
      onclick();
    },
  }, content);
  const dialog = openDialog(t("invite.title"), t("close"), h("p", {}, t("invite.text")),
    h("div", { class: "picks" },
      page.state.people.map((person) => choice([
        h("span", { class: `avatar small tone${Math.abs(person.id) % 7}`, "aria-hidden": "true" }, initials(person.first_name)),
        h("span", {}, h("b", {}, person.first_name), person.title ? h("small", {}, person.title) : null)], () => open(person.id))),
      choice([h("span", { class: "avatar small", "aria-hidden": "true" }, icon("plus")), h("span", {}, h("b", {}, t("invite.new")))],
        () => personDialog(t("people.title"), t("people.text"), open))));
}

function notify(text) {
  document.querySelector(".notice")?.remove();
  const notice = h("p", { class: "notice", role: "alert" }, text);
  document.body.append(notice);
  setTimeout(() => notice.remove(), 6000);
}

// ---- start

document.documentElement.lang = language();
buildBar();
phones.append(h("p", { class: "nobody" }, t("loading")));
setInterval(tick, 1000);
setInterval(() => page.state && readState(), 15_000);
setInterval(readSupervisor, 5000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) page.phones.get(page.shown)?.reveal();
});

let lost;
listen({
  onopen() {
    clearTimeout(lost);
    offline.hidden = true;
    readState().then(() => page.phones.forEach((phone) => phone.refresh()));
    readSupervisor();
  },
  onlost() {
    clearTimeout(lost);
    lost = setTimeout(() => {
      offline.textContent = t("offline");
      offline.hidden = false;
    }, 800);
  },
  onevent(event) {
    if (event.type === "chat") {
      const phone = page.phones.get(event.id);
      if (phone) phone.refresh();
      else readState();
    } else {
      readState();
    }
  },
});
