/**
 * The guided tour: a strip below the phones that covers nothing, and a ring around what it speaks of.
 *
 * It goes on when the chat shows that the thing has happened, whoever did it. "Do it for me" presses the very
 * buttons a person would press: there is no other way into the bot from here. It can be left and resumed.
 */

import { h, icon, iconButton, set } from "./dom.js";
import { PHONES, SHORT, STEPS } from "./steps.js";
import { language, remember, remembered, t } from "./words.js";

const KEY = "enlace.tour";
/** The short one is offered first; the long one goes on from there. */
const TOURS = { short: SHORT, long: STEPS };
/** Milliseconds: between two acts, so that the eye can follow; and until one is given up, longer where a file is made. */
const PACE = 700;
const PATIENCE = 12_000;
const FILE_PATIENCE = 60_000;
const LOOKS_EVERY = 150;

export class Tour {
  /** `page`: phone(id), running() (null where nobody supervises), show(id), openPanel(), changed(), speak(). */
  constructor(element, page) {
    this.element = element;
    this.page = page;
    this.tour = "short";
    this.at = null;
    this.isOpen = false;
    this.isDone = false;
    this.isOffered = false;
    this.run = 0;
    const saved = remembered(KEY);
    this.isKnown = saved !== null;
    const [tour, at, open] = (saved ?? "").split(" ");
    if (tour in TOURS && /^\d+$/.test(at) && Number(at) <= TOURS[tour].length) {
      this.tour = tour;
      this.at = Number(at);
      this.resumes = open === "open";
    }
  }

  /** Only where the demo's people are, and a bot that can be killed and started. */
  get isPossible() {
    return this.page.running() !== null && Object.values(PHONES).every((id) => this.page.phone(id));
  }

  /** What the button of the bar says. */
  get invitation() {
    return this.isOpen || this.at === null || this.isOver ? t("tour.button") : t("tour.resume", { n: this.at + 1, of: this.steps.length });
  }

  get steps() {
    return TOURS[this.tour];
  }

  get step() {
    return this.steps[this.at];
  }

  get isOver() {
    return this.at === this.steps.length;
  }

  save() {
    remember(KEY, this.at === null ? "no" : `${this.tour} ${this.at} ${this.isOpen ? "open" : "left"}`);
    this.page.changed();
  }

  // ---- coming and going

  toggle() {
    if (this.isOpen) this.leave();
    else if (this.at === null || this.isOver) this.offer();
    else this.go(this.at);
  }

  begin(tour, speaks = false) {
    this.tour = tour;
    if (speaks) this.page.speak();
    this.go(0);
  }

  go(at, takesFocus = true) {
    this.run += 1;
    this.at = at;
    this.isOpen = true;
    this.isDone = false;
    this.isOffered = false;
    this.failure = "";
    this.isActing = false;
    document.body.classList.add("touring");
    this.draw();
    if (this.step?.phone) this.page.show(PHONES[this.step.phone]);
    if (this.step?.panel && innerWidth > 1000) this.page.openPanel();
    this.save();
    this.look();
    if (takesFocus) this.title.focus({ preventScroll: true });
  }

  leave() {
    this.run += 1;
    this.isOpen = false;
    this.isOffered = false;
    this.element.hidden = true;
    document.body.classList.remove("touring");
    this.ring();
    this.save();
    document.getElementById("tour-button").focus();
  }

  translate() {
    if (this.isOpen) this.draw();
    else if (this.isOffered) this.offer();
    this.look();
  }

  offer() {
    this.isOffered = true;
    this.element.hidden = false;
    set(this.element, { "aria-label": t("tour.label"), class: "tour offer" });
    const speaks = h("input", { type: "checkbox", checked: true });
    this.element.replaceChildren(
      h("div", { class: "tour-words" }, h("h2", {}, t("tour.offer.title")),
        h("p", { class: "plan" }, t("tour.offer.plan")), h("p", {}, t("tour.offer.text")),
        h("label", { class: "check" }, speaks, t("tour.offer.language"))),
      h("div", { class: "tour-acts" },
        h("button", { type: "button", class: "main", onclick: () => this.begin("short", speaks.checked) }, t("tour.begin")),
        h("button", { type: "button", class: "do-it", onclick: () => this.begin("long", speaks.checked) }, t("tour.begin.long")),
        h("button", { type: "button", class: "quiet", onclick: () => this.leave() }, t("tour.later"))));
  }

  // ---- what is shown

  draw() {
    this.element.hidden = false;
    set(this.element, { "aria-label": t("tour.label"), class: "tour" });
    const close = iconButton("close", t("tour.leave"), () => this.leave());
    this.status = h("p", { class: "tour-status", role: "status" });
    if (this.isOver) {
      const isShort = this.tour === "short";
      this.title = h("h2", { tabindex: "-1" }, t(isShort ? "tour.end.short.title" : "tour.end.title"));
      this.element.replaceChildren(
        h("div", { class: "tour-words" }, this.title, h("p", {}, t(isShort ? "tour.end.short.text" : "tour.end.text")),
          isShort ? null : h("ul", {}, ["clock", "faults", "commands"].map((key) => h("li", {}, t(`tour.end.${key}`))))),
        h("div", { class: "tour-acts" },
          isShort ? h("button", { type: "button", class: "main", onclick: () => this.begin("long") }, t("tour.begin.long")) : null,
          h("button", { type: "button", class: isShort ? "quiet" : "main", onclick: () => this.leave() }, t("tour.end.close")),
          h("button", { type: "button", class: "quiet back", onclick: () => this.go(this.at - 1) }, t("tour.back"))),
        close);
      return;
    }
    const [title, what, task] = this.step[language()];
    this.title = h("h2", { tabindex: "-1" }, title);
    this.doIt = h("button", { type: "button", class: "do-it", hidden: !this.step.acts, onclick: () => this.act() }, t("tour.do"));
    this.next = h("button", { type: "button", class: "quiet", onclick: () => this.go(this.at + 1) });
    this.element.replaceChildren(
      h("div", { class: "tour-count" },
        h("span", { class: "number" }, t("tour.step", { n: this.at + 1, of: this.steps.length })),
        h("span", { class: "dots", "aria-hidden": "true" }, this.steps.map((_, i) => h("i", { class: i < this.at ? "past" : i === this.at ? "now" : "" })))),
      h("div", { class: "tour-words" }, this.title, h("p", { class: "what" }, what),
        h("p", { class: "task" }, icon("hand"), h("span", {}, task)), this.status),
      h("div", { class: "tour-acts" }, this.doIt, this.next,
        this.at ? h("button", { type: "button", class: "quiet back", onclick: () => this.go(this.at - 1) }, t("tour.back")) : null),
      close);
    this.showProgress();
  }

  showProgress() {
    if (!this.isOpen || this.isOver) return;
    const reads = !this.step.until;
    const isLast = this.at === this.steps.length - 1;
    this.next.textContent = t(this.isDone || reads ? (isLast ? "tour.finish" : "tour.next") : "tour.skip");
    this.next.className = this.isDone || reads ? "main" : "quiet";
    this.doIt.disabled = this.isActing || this.isDone;
    this.doIt.textContent = t(this.isActing ? "tour.doing" : "tour.do");
    const text = reads ? "" : this.isDone ? t("tour.done") : this.failure || t("tour.waiting");
    if (this.status.textContent !== text) this.status.textContent = text;
    this.status.className = `tour-status ${this.isDone ? "done" : this.failure ? "failed" : ""}`;
  }

  /** Something has changed on the page: is the step done, and where is what it speaks of now? */
  look() {
    if (!this.isPossible) {
      this.element.hidden = true;
      return;
    }
    if (!this.isOpen && this.resumes) {
      this.resumes = false;
      this.go(this.at, false);
    } else if (!this.isOpen && !this.isKnown) {
      this.isKnown = true;
      this.offer();
    }
    if (!this.isOpen) return;
    this.element.hidden = false;
    const hasHappened = !this.isDone && this.step?.until && this.holds(this.step.until);
    if (hasHappened) {
      this.isDone = true;
      this.failure = "";
    }
    this.showProgress();
    this.ring();
    if (hasHappened && this.phone !== this.step.phone) this.page.show(PHONES[this.phone]);
  }

  /** The phone that the step speaks of; once it has happened, the one on which it can be seen. */
  get phone() {
    return (this.isDone && this.step?.until?.phone) || this.step?.phone;
  }

  holds({ bot, phone, says, has, hasNot, file, waits }) {
    if (bot && this.page.running() !== (bot === "running")) return false;
    if (!phone) return true;
    const { chat } = this.page.phone(PHONES[phone]);
    const card = chat.messages.findLast((message) => message.from_bot);
    const shown = (card?.reply_markup?.inline_keyboard ?? []).flat().map((key) => `${key.callback_data ?? ""}\n${key.text}`);
    if (says && !says.test(card?.text ?? card?.caption ?? "")) return false;
    if (has && !shown.some((key) => has.test(key))) return false;
    if (hasNot && (!shown.length || shown.some((key) => hasNot.test(key)))) return false;
    if (file && !file.test(card?.document?.file_name ?? "")) return false;
    const { messages = [], taps = [] } = chat.undelivered ?? {};
    return waits === undefined || waits === messages.length + taps.length > 0;
  }

  /** Rings the phone, and on it what is to be pressed next; without an open step, nothing. */
  ring() {
    const { element, look } = (this.isOpen && this.step) || {};
    const own = this.isOpen && this.phone && this.page.phone(PHONES[this.phone]);
    const wanted = new Map();
    if (own) wanted.set(own.element, "tour-target");
    if (element) wanted.set(document.querySelector(element), "tour-target");
    if (own && look && !this.isDone) {
      if (look !== "composer") for (const key of keys(own).filter((each) => look.test(sent(each)))) wanted.set(key, "tour-look");
      else if (this.page.running() === false) wanted.set(own.composer.form, "tour-look");
    }
    for (const ringed of document.querySelectorAll(".tour-target, .tour-look")) {
      if (!wanted.has(ringed)) ringed.classList.remove("tour-target", "tour-look");
    }
    for (const [target, name] of wanted) {
      if (!target || target.classList.contains(name)) continue;
      target.classList.add(name);
      if (name === "tour-look") target.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  // ---- "do it for me"

  async act() {
    const run = this.run;
    const isOver = () => run !== this.run || this.isDone;
    this.isActing = true;
    this.failure = "";
    this.showProgress();
    try {
      for (const act of this.step.acts) {
        if (isOver() && !(act.open && run === this.run)) break;
        await this.perform(act, isOver);
        await pause(PACE);
      }
    } catch {
      if (run === this.run) this.failure = t("tour.failed");
    }
    if (run !== this.run) return;
    this.isActing = false;
    this.look();
  }

  async perform({ phone: name, tap, or, say, press, follow, on, open, after }, isOver) {
    if (press) {
      // Already so: somebody was faster.
      if (this.page.running() === (press === "start")) return;
      (await this.found(() => document.querySelector(`#supervisor [data-order="${press}"]`), isOver))?.click();
      await this.found(() => this.page.running() === (press === "start"), isOver);
      return;
    }
    const phone = this.page.phone(PHONES[name]);
    this.page.show(phone.person.id);
    if (after) await this.found(() => this.holds({ phone: name, ...after }), isOver);
    if (tap) {
      const button = () => keys(phone).find((key) => tap.test(sent(key)));
      if (!button() && or) send(phone, or);
      await finger(await this.found(button, isOver));
    } else if (say) {
      send(phone, say[language()] ?? say);
    } else if (open) {
      const arrived = () => this.holds({ phone: name, file: /./ }) && [...phone.log.querySelectorAll("article.bot .file")].at(-1);
      await finger(await this.found(arrived, () => isOver() && !this.isDone, FILE_PATIENCE));
    } else if (follow) {
      await finger(await this.found(() => [...phone.log.querySelectorAll("article.bot:last-of-type a")].find((link) => follow.test(link.href)), isOver));
      const guest = this.page.phone(PHONES[on]).person.first_name;
      await finger(await this.found(() => [...document.querySelectorAll("dialog .pick")].find((pick) => pick.innerText.includes(guest)), isOver));
    }
  }

  /** What a look gives once it gives something; null when the step is over, an error when patience is. */
  async found(look, isOver, patience = PATIENCE) {
    for (let waited = 0; waited < patience; waited += LOOKS_EVERY) {
      if (isOver()) return null;
      const seen = look();
      if (seen) return seen;
      await pause(LOOKS_EVERY);
    }
    throw new Error("nothing of the kind is on the phone");
  }
}

/** The buttons of the bot's last message: older cards stay in the chat, and are stale. */
function keys(phone) {
  return [...([...phone.log.querySelectorAll("article.bot")].at(-1)?.querySelectorAll(".key") ?? [])];
}

/** What a button sends, and below it what it says: a step knows it by either. */
function sent(key) {
  return `${key.dataset.data ?? ""}\n${key.textContent}`;
}

/** Shows where the finger goes, and presses. */
async function finger(button) {
  if (!button) return;
  button.classList.add("pressed");
  await pause(PACE / 2);
  button.classList.remove("pressed");
  button.click();
}

function send(phone, text) {
  phone.composer.input.value = text;
  phone.composer.form.requestSubmit();
}

function pause(milliseconds) {
  return new Promise((then) => setTimeout(then, milliseconds));
}
