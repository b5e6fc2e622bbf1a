/**
 * The page of phones: the bar on top, the phones below, beside them what the bot did, and the events that keep
 * all of it true.
 */

import { get, listen, oneAtATime, post, remove } from "./api.js";
import { Bar } from "./bar.js";
import * as clock from "./clock.js";
import { avatar, h, icon, openDialog, set } from "./dom.js";
import { Panel } from "./panel.js";
import { Phone } from "./phone.js";
import { Tour } from "./tour.js";
import { language, remember, remembered, setLanguage, t, worded } from "./words.js";

const page = {
  state: null,
  supervisor: null,
  phones: new Map(),
  shown: Number(remembered("enlace.shown", "sessionStorage")) || null,
  fitting: 0,
};
const strip = document.getElementById("strip");
const phones = document.getElementById("phones");
const offline = document.getElementById("offline");
const skip = document.getElementById("skip");

const shell = {
  username: () => page.state?.bot?.username ?? "",
  botName: () => page.state?.bot?.name ?? "",
  trouble,
  openStartLink,
  complain: (problem) => notify(t("error.request", { reason: problem.message })),
  changed: () => {
    showStrip();
    tour.look();
  },
};

/** Why nothing reaches the bot, if that is so. */
function trouble() {
  if (page.supervisor && !page.supervisor.running) return "stopped";
  if (page.state?.down) return "down";
  return page.state?.bot.mode === "silent" && page.state.bot.last_seen ? "silent" : null;
}

const bar = new Bar(document.getElementById("bar"), document.getElementById("hints"), {
  moveClock: (to) => attempt(() => post("/sandbox/clock", to)).then(() => {
    bar.moment.value = "";
  }),
  change: (switches) => attempt(() => post("/sandbox/switches", switches)),
  clearFaults: () => attempt(() => remove("/sandbox/faults")),
  supervise,
  speakOnPhones,
  addPerson: () => personDialog(t("people.title"), t("people.text"), () => {}),
  speak,
  showPanel: () => openPanel(!panel.isOpen),
  showTour: () => tour.toggle(),
  notify,
});

const panel = new Panel(document.getElementById("panel"), {
  people: () => page.state?.people ?? [],
  state: () => page.state,
  closed: () => {
    openPanel(false);
    bar.panel.focus();
  },
});

const tour = new Tour(document.getElementById("tour"), {
  phone: (id) => page.phones.get(id),
  running: () => page.supervisor?.running ?? null,
  show: (id) => showPhone(id, true),
  openPanel: () => openPanel(true),
  changed: showTourButton,
  speak: speakOnPhones,
});

/** Does one thing, says why if it was refused, and reads what became of it. */
async function attempt(act) {
  try {
    await act();
  } catch (problem) {
    shell.complain(problem);
  }
  await readState();
}

async function supervise(orders) {
  await attempt(async () => {
    for (const order of orders) await post("/sandbox/supervisor", { do: order });
  });
  await readSupervisor();
}

function openPanel(isOpen) {
  remember("enlace.panel", isOpen ? "open" : "");
  panel.open(isOpen);
  set(bar.panel, { "aria-expanded": String(isOpen) });
  document.body.classList.toggle("with-panel", isOpen);
  if (isOpen) panel.heading.focus({ preventScroll: true });
}

function showTourButton() {
  bar.tour.hidden = !tour.isPossible;
  set(bar.tour, { "aria-expanded": String(tour.isOpen) });
  bar.tour.querySelector(".word").textContent = tour.invitation;
}

function speak(code) {
  setLanguage(code);
  document.documentElement.lang = language();
  bar.build();
  set(bar.panel, { "aria-expanded": String(panel.isOpen) });
  translate();
  showState();
  for (const phone of page.phones.values()) phone.translate();
  panel.translate();
  tour.translate();
  document.getElementById("language").focus();
}

/** Each phone whose person speaks another language than the page writes the command that changes it. */
function speakOnPhones() {
  const others = [...page.phones.values()].filter((phone) => phone.languageCode !== language());
  return attempt(() => Promise.all(others.map((phone) => phone.speak(language()))));
}

function translate() {
  skip.textContent = t("skip");
  set(phones, { "aria-label": t("phones.label") });
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

const readSupervisor = oneAtATime(async () => {
  try {
    page.supervisor = await get("/sandbox/supervisor");
  } catch {
    page.supervisor = null;
  }
  panel.showFigures(page.supervisor?.figures, page.supervisor?.reader);
  showState();
});

function showState() {
  if (!page.state) return;
  bar.show(page.state, page.supervisor);
  showPeople(page.state.people);
  tick();
  tour.look();
  showTourButton();
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
      phone.know(person, page.state.last.ledger);
    } else {
      phone = new Phone(person, shell);
      page.phones.set(person.id, phone);
      phone.refresh();
    }
    const place = before ? before.nextSibling : phones.firstChild;
    if (phone.element !== place) phones.insertBefore(phone.element, place);
    before = phone.element;
  }
  if (!people.length) phones.append(nobody());
  phones.classList.toggle("few", people.length < 4);
  if (!page.phones.has(page.shown)) page.shown = people[0]?.id ?? null;
  showStrip();
}

function nobody() {
  return h("div", { class: "nobody" }, h("div", { class: "ghost", "aria-hidden": "true" }, h("span", {}, "🇩🇴")),
    h("h2", {}, t("nobody.title")), h("p", {}, t("nobody.text")),
    h("button", { type: "button", class: "main", onclick: () => personDialog(t("people.title"), t("people.text"), () => {}) }, t("bar.people.add")));
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
      button = h("button", { type: "button", "data-id": person.id, onclick: () => enterPhone(person.id) });
      strip.append(button);
    }
    const unseen = phone?.unseen ?? 0;
    const face = JSON.stringify([person.first_name, unseen, language()]);
    if (button.dataset.face !== face) {
      button.dataset.face = face;
      button.replaceChildren(
        avatar(person, "small"),
        h("span", {}, person.first_name),
        unseen ? h("span", { class: "badge", role: "img", "aria-label": t("strip.unread", { n: unseen }) }, String(unseen)) : "");
    }
    set(button, { "aria-current": person.id === page.shown ? "true" : null });
    phone?.element.classList.toggle("current", person.id === page.shown);
  }
  fit();
}

function showPhone(id, scroll = false) {
  const phone = page.phones.get(id);
  if (!phone) return;
  page.shown = id;
  remember("enlace.shown", String(id), "sessionStorage");
  showStrip();
  strip.querySelector("[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  if (scroll) phone.element.scrollIntoView({ inline: "center", block: "nearest", behavior: motion() });
  phone.reveal();
}

/** Chosen by its name: the keyboard goes on in that phone. */
function enterPhone(id) {
  showPhone(id, true);
  page.phones.get(id)?.element.focus({ preventScroll: true });
}

function motion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
}

/** Where all phones fit side by side, the row of names is not needed. Measured once a frame: each measure is a layout. */
function fit() {
  cancelAnimationFrame(page.fitting);
  page.fitting = requestAnimationFrame(() => strip.classList.toggle("needed", phones.scrollWidth > phones.clientWidth + 4));
}
new ResizeObserver(fit).observe(phones);

function tick() {
  if (!clock.isKnown()) return;
  bar.tick();
  for (const phone of page.phones.values()) phone.tick();
}

// ---- people and invitations

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
        avatar(person, "small"),
        h("span", {}, h("b", {}, person.first_name), person.title ? h("small", {}, worded(person.title)) : null)], () => open(person.id))),
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
translate();
phones.append(h("p", { class: "nobody" }, t("loading")));
if (remembered("enlace.panel") === "open" && innerWidth > 1000) openPanel(true);
setInterval(tick, 1000);
setInterval(() => page.state && readState(), 15_000);
setInterval(look, 2500);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  page.phones.get(page.shown)?.reveal();
  look();
});

/** What no event tells of. The bot counts all that it did for each look: a page that nobody sees does not ask. */
function look() {
  if (document.hidden) return;
  readSupervisor();
  panel.read();
}

let lost;
let soon;
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
    const phone = page.phones.get(event.id);
    if (event.type === "chat" && phone) phone.refresh();
    else if (event.type === "taken") page.phones.forEach((each) => each.waitingSince !== null && each.refresh());
    else readState();
    clearTimeout(soon);
    soon = setTimeout(() => panel.read(), 250);
  },
});
