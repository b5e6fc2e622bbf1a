/**
 * One phone: a person, and their chat with the bot.
 *
 * The page hears of every change while somebody is typing on it. A phone is therefore built once and then only
 * changed where its chat changed: the text box, the scroll position and the focus belong to the person.
 */

import { get, oneAtATime, post } from "./api.js";
import { now, timeOfDay } from "./clock.js";
import { Composer } from "./composer.js";
import { avatar, coloured, h, icon, iconButton, initials, openMenu, set } from "./dom.js";
import { refreshRelativeTimes } from "./entities.js";
import { BotKeyboard } from "./keyboard.js";
import { arrange, contentOf, markDelivery, rowElement } from "./messages.js";
import { Taps } from "./taps.js";
import { LANGUAGES, t, worded } from "./words.js";

/** "typing…" ends by itself, and nobody tells. */
const TYPING_LIFETIME = 5_200;
/** A picture and what the bot writes within so many seconds of the chat's time are read as one. */
const A_MOMENT = 60;
/** A bot that works fetches a message at once; one that waits longer is worth a word. */
const DELIVERY_PATIENCE = 4_000;
/** What a phone offers first; the bot may set any that Telegram knows. */
const REACTIONS = ["👍", "❤", "🎉", "🙏", "👏", "🤔"];

export class Phone {
  /**
   * `shell` is the page around it: `username()`, `botName()`, `trouble()` ("stopped", "down", "silent" or null),
   * `openStartLink(code)`, `complain(problem)`, `changed(phone)`.
   */
  constructor(person, shell) {
    this.person = person;
    this.shell = shell;
    this.chat = { messages: [], commands: [], reply_keyboard: null, typing: false, toast: null };
    this.rows = new Map();
    this.newest = null;
    this.unseen = 0;
    this.atBottom = true;
    this.isOnScreen = true;
    this.lastTop = 0;
    this.waitingSince = null;
    this.acts = {
      username: () => shell.username(),
      command: (text) => this.say(text),
      start: (code) => shell.openStartLink(code),
    };
    this.refresh = oneAtATime(() => this.read());
    this.composer = new Composer(this);
    this.keyboard = new BotKeyboard(this);
    this.taps = new Taps(this);
    this.build();
    this.translate();
  }

  get languageCode() {
    return this.person.language_code || "es";
  }

  get path() {
    return `/sandbox/chats/${this.person.id}`;
  }

  // ---- building

  build() {
    this.statusTime = h("span", { class: "status-time" });
    this.name = h("h2", {});
    this.role = h("p", { class: "role" });
    this.flag = iconButton("globe", "", () => this.languageMenu(), { class: "icon-button tongue", "aria-haspopup": "menu" });
    this.more = iconButton("more", "", () => this.menu(), { "aria-haspopup": "menu" });
    this.face = avatar(this.person);
    this.botName = h("b", {});
    this.botState = h("small", { class: "bot-state", "aria-live": "polite" });
    this.commandsButton = h("button", { type: "button", class: "icon-button slash", "aria-haspopup": "menu", onclick: () => this.commandMenu() }, "/");
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-relevant": "additions", tabindex: "0" });
    this.bottom = iconButton("down", "", () => this.scrollToBottom(true), { class: "icon-button to-bottom", hidden: true });
    this.count = h("span", { class: "badge", "aria-hidden": "true", hidden: true });
    this.bottom.append(this.count);
    this.waitNote = h("p", { class: "wait-note", role: "status", hidden: true });
    this.startButton = h("button", { type: "button", class: "start-button", onclick: () => this.start("") });
    this.unblockButton = h("button", { type: "button", class: "start-button quiet", onclick: () => this.act("unblock") });
    this.blockedNote = h("p", { class: "blocked-note" });
    this.startFoot = h("div", { class: "start-foot", hidden: true }, this.blockedNote, this.unblockButton, this.startButton);
    this.screen = h("div", { class: "screen" },
      h("div", { class: "status", "aria-hidden": "true" }, this.statusTime, h("span", { class: "notch" }), h("span", { class: "battery" })),
      h("div", { class: "chat-head" },
        h("span", { class: "avatar bot-mark", "aria-hidden": "true" }, h("img", { src: "/page/icon.svg", alt: "" })),
        h("span", { class: "chat-name" }, this.botName, this.botState), this.commandsButton),
      h("div", { class: "view" }, this.log, this.bottom, this.taps.toasts, this.composer.drop),
      h("div", { class: "feet" }, this.waitNote, ...this.composer.parts, this.keyboard.element, this.startFoot));
    this.element = h("section", { class: "phone", id: `phone-${this.person.id}`, tabindex: "-1" },
      h("header", { class: "owner" }, this.face, h("div", { class: "who" }, h("div", { class: "name" }, this.name, this.flag), this.role), this.more),
      this.screen);
    this.log.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.log.addEventListener("load", () => this.atBottom && this.scrollToNews(), true);
    new ResizeObserver(() => this.atBottom && this.scrollToNews()).observe(this.log);
    new IntersectionObserver(([entry]) => {
      this.isOnScreen = entry.isIntersecting;
      if (this.isOnScreen) this.seen();
    }, { threshold: 0.35 }).observe(this.element);
    this.composer.acceptDrops(this.screen);
  }

  /** Labels again, after the page's language changed. */
  translate() {
    const name = this.person.first_name;
    set(this.element, { "aria-label": t("phone.label", { name }) });
    set(this.more, { "aria-label": t("phone.more", { name }), title: t("phone.more", { name }) });
    set(this.log, { "aria-label": t("phone.messages", { name }), lang: this.languageCode });
    set(this.commandsButton, { "aria-label": t("composer.commands"), title: t("composer.commands") });
    this.startButton.textContent = t("phone.start");
    this.unblockButton.textContent = t("phone.unblock");
    this.keyboard.translate();
    this.update(this.person);
    this.composer.translate();
    this.show(this.chat);
  }

  // ---- what the sandbox says

  /** The state and the chat are read side by side: what was read of the chat later is not taken back. */
  know(person, seq) {
    const { started, blocked } = this.person;
    this.update(seq < (this.chat.seq ?? 0) ? { ...person, started, blocked } : person);
  }

  update(person) {
    this.person = person;
    const name = person.first_name;
    this.name.textContent = name;
    this.role.textContent = worded(person.title) || t("phone.bot");
    this.role.hidden = !person.title;
    this.face.textContent = initials(name);
    set(this.flag, { title: t("phone.language", { name }), "aria-label": t("phone.language", { name }) });
    set(this.log, { lang: this.languageCode });
    this.blockedNote.textContent = t("phone.blocked", { name });
    this.blockedNote.hidden = !person.blocked;
    this.unblockButton.hidden = !person.blocked;
    this.startButton.hidden = person.blocked;
    const shut = person.blocked || !person.started;
    const pressed = this.startFoot.contains(document.activeElement);
    this.startFoot.hidden = !shut;
    this.composer.shut(shut);
    if (pressed && !shut) this.composer.focus();
    this.element.classList.toggle("blocked", person.blocked);
    this.commandsButton.hidden = shut || !this.chat.commands?.length;
    this.keyboard.show();
    this.tick();
  }

  async read() {
    try {
      const chat = await get(this.path);
      if (chat) this.show({ ...chat, loaded: true });
      await this.taps.settle();
    } catch (problem) {
      this.shell.complain(problem);
    }
  }

  show(chat) {
    this.chat = chat;
    const { started = this.person.started, blocked = this.person.blocked } = chat;
    if (started !== this.person.started || blocked !== this.person.blocked) this.update({ ...this.person, started, blocked });
    const newest = chat.messages.at(-1);
    const firstTime = this.newest === null;
    const arrived = firstTime ? [] : chat.messages.filter((message) => message.message_id > this.newest);
    if (newest) this.newest = Math.max(this.newest ?? 0, newest.message_id);
    else if (chat.loaded) this.newest ??= 0;
    const fresh = this.showRows(chat.messages, firstTime);
    this.setNews(fresh, arrived);
    if (firstTime || this.atBottom || arrived.some((message) => !message.from_bot)) this.scrollToNews();
    if (!this.isSeen) this.unseen += arrived.filter((message) => message.from_bot).length;
    else this.unseen = 0;
    this.showCount();
    this.showHead();
    this.commandsButton.hidden = !chat.commands?.length || this.person.blocked || !this.person.started;
    this.keyboard.update();
    this.composer.ask(chat.force_reply, chat.messages);
    markDelivery(this.log, chat.undelivered?.messages ?? []);
    this.showWaiting();
    if (chat.loaded) this.taps.showAnswer(chat.toast);
    this.shell.changed(this);
  }

  /** A digest is a picture and a text, a moment apart: until the person acts, the news begins with its picture. */
  setNews(fresh, arrived) {
    if (!fresh.length) return;
    const at = arrived.at(-1)?.date ?? 0;
    const isLed = this.news?.isConnected && (this.news.matches(".media") || this.news.querySelector(".media")) && at - this.newsAt < A_MOMENT;
    if (isLed && arrived.every((message) => message.from_bot)) return;
    this.news = fresh.find((element) => element.matches("article.bot") || element.querySelector("article.bot")) ?? null;
    this.newsAt = at;
  }

  showHead() {
    this.botName.textContent = this.shell.botName() || (this.shell.username() ? `@${this.shell.username()}` : "Enlace");
    this.botState.textContent = this.chat.typing ? doing(this.chat.action) : t("phone.bot");
    this.botState.classList.toggle("typing", Boolean(this.chat.typing));
    clearTimeout(this.typingEnds);
    if (this.chat.typing) this.typingEnds = setTimeout(this.refresh, TYPING_LIFETIME);
  }

  /** Returns the rows that came or changed, from above. */
  showRows(messages, firstTime) {
    const fresh = [];
    const wanted = arrange(messages);
    const keys = new Set(wanted.map((row) => row.key));
    for (const [key, row] of this.rows) {
      if (!keys.has(key)) {
        if (row.element.contains(document.activeElement)) this.composer.focus();
        row.element.remove();
        this.rows.delete(key);
      }
    }
    let before = null;
    for (const row of wanted) {
      const old = this.rows.get(row.key);
      let element = old?.element;
      if (!old || old.signature !== row.signature) {
        element = rowElement(row, this);
        const content = contentOf(row);
        if (old) {
          replaceKeepingFocus(old.element, element);
          if (old.content !== content) element.classList.add("changed");
        } else if (!firstTime) {
          element.classList.add("arrived");
        }
        if (!firstTime && old?.content !== content) fresh.push(element);
        this.rows.set(row.key, { element, signature: row.signature, content });
      }
      // Its neighbours decide these: a message is not drawn, or read out, again because another one came or went.
      element.classList.toggle("first", Boolean(row.first));
      element.classList.toggle("last", Boolean(row.last));
      const place = before ? before.nextSibling : this.log.firstChild;
      if (element !== place) this.log.insertBefore(element, place);
      before = element;
    }
    this.empty?.remove();
    this.empty = messages.length ? null : this.emptiness();
    if (this.empty) this.log.append(this.empty);
    return fresh;
  }

  emptiness() {
    if (this.person.started) return h("div", { class: "empty" }, h("p", {}, t("phone.empty")));
    return h("div", { class: "empty" }, h("span", { class: "wave", "aria-hidden": "true" }, "👋"),
      h("h3", {}, t("phone.start.title")), h("p", {}, this.chat.description || t("phone.start.text")));
  }

  /** What this phone sent and the bot has not fetched, said where the person looks while waiting for an answer. */
  showWaiting() {
    const { messages = [], taps = [] } = this.chat.undelivered ?? {};
    const n = messages.length + taps.length;
    this.waitingSince = n ? (this.waitingSince ?? performance.now()) : null;
    const trouble = this.shell.trouble();
    const isSlow = n > 0 && performance.now() - this.waitingSince > DELIVERY_PATIENCE;
    const text = !this.person.started || this.person.blocked ? ""
      : n && (trouble || isSlow) ? `${t(n === 1 ? "wait.one" : "wait.many", { n })} ${t(`wait.${trouble ?? "slow"}`)}`
        : trouble === "stopped" || trouble === "down" ? t(`wait.${trouble}`) : "";
    this.waitNote.hidden = !text;
    if (this.waitNote.dataset.text === text) return;
    this.waitNote.dataset.text = text;
    this.waitNote.replaceChildren(icon("clock"), h("span", {}, text));
  }

  /** Time has passed: the phone's own clock, and dates such as "in two days". */
  tick() {
    this.statusTime.textContent = timeOfDay(now());
    this.showWaiting();
    refreshRelativeTimes(this.log);
  }

  // ---- scrolling and what was seen

  get isSeen() {
    return this.atBottom && this.isOnScreen && this.element.offsetParent !== null && !document.hidden;
  }

  /** Only a person scrolls upwards: a list that grew, or lost room to a keyboard, is still at its end. */
  scrolled() {
    if (!this.log.clientHeight) return;
    const near = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 48;
    this.atBottom = near || (this.atBottom && this.log.scrollTop >= this.lastTop);
    this.lastTop = this.log.scrollTop;
    this.seen();
    this.showCount();
  }

  seen() {
    if (!this.isSeen || !this.unseen) return;
    this.unseen = 0;
    this.shell.changed(this);
  }

  /** To the end, but never past the beginning of what is new: a long message is read from its top. */
  scrollToNews() {
    const { news } = this;
    this.scrollToBottom();
    if (!news?.isConnected) return;
    this.news = news;
    const top = news.offsetTop - 6;
    if (this.log.scrollTop > top) {
      this.lastTop = 0; // it is not the person who scrolls up
      this.log.scrollTo({ top, behavior: "instant" });
    }
    this.log.querySelector(".tour-look")?.scrollIntoView({ block: "nearest" }); // what the tour points at is seen
  }

  scrollToBottom(smooth = false) {
    this.atBottom = true;
    this.news = null;
    this.log.scrollTo({ top: this.log.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    this.showCount();
  }

  /** The phone has come into view. */
  reveal() {
    if (this.atBottom) {
      this.scrollToNews();
      this.unseen = 0;
      this.shell.changed(this);
    }
  }

  showCount() {
    this.bottom.hidden = this.atBottom;
    this.count.hidden = !this.unseen;
    this.count.textContent = this.unseen;
    const label = this.unseen ? t("phone.bottom.n", { n: this.unseen }) : t("phone.bottom");
    set(this.bottom, { "aria-label": label, title: label });
  }

  // ---- what the person does

  /** Does something as this person; false when the sandbox refused, after saying why. */
  async act(what, payload = {}) {
    this.news = null;
    try {
      await post(`${this.path}/${what}`, payload);
      this.refresh();
      return true;
    } catch (problem) {
      this.shell.complain(problem);
      return false;
    }
  }

  say(text) {
    return this.act("text", { text });
  }

  start(payload) {
    return this.act("start", { payload });
  }

  messageMenu(anchor, message, text, editable) {
    const mine = message.reactions?.person?.[0]?.emoji;
    openMenu(anchor, t("message.options"), [
      ...(message.from_bot ? [{
        label: t("message.react"),
        picks: REACTIONS.map((emoji) => ({
          name: coloured(emoji), label: t("message.react.with", { emoji }), checked: emoji === mine,
          choose: () => this.act("react", { message_id: message.message_id, emoji: emoji === mine ? null : emoji }),
        })),
      }] : []),
      { name: t("message.reply"), icon: "reply", choose: () => this.composer.reply(message) },
      ...(editable ? [{ name: t("message.edit"), icon: "edit", choose: () => this.composer.edit(message) }] : []),
      ...(text ? [{ name: t("message.copy"), icon: "file", choose: () => this.copy(text) }] : []),
    ]);
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.taps.toast(t("message.copied"));
    } catch {
      this.composer.write(text);
    }
  }

  menu() {
    openMenu(this.more, t("phone.more", { name: this.person.first_name }), [
      {
        name: t("phone.block"), detail: t("phone.block.detail"), checked: Boolean(this.person.blocked),
        choose: () => this.act(this.person.blocked ? "unblock" : "block"),
      },
      { name: t("phone.clear"), icon: "close", danger: true, choose: () => this.act("clear") },
    ]);
  }

  /** A phone speaks its person's language, whatever the page speaks: it is changed with the bot's own command. */
  languageMenu() {
    openMenu(this.flag, t("phone.language", { name: this.person.first_name }),
      Object.entries(LANGUAGES).map(([code, name]) => ({ name, choose: () => this.speak(code) })));
  }

  async speak(code) {
    if (this.person.blocked || !this.person.started) return;
    await this.say(`/idioma ${code}`);
    await post("/sandbox/people", { id: this.person.id, first_name: this.person.first_name, language_code: code });
  }

  commandMenu() {
    openMenu(this.commandsButton, t("composer.commands"), this.chat.commands.map(({ command, description }) => ({
      name: `/${command.replace(/^\//, "")}`, detail: description, choose: () => this.say(`/${command.replace(/^\//, "")}`),
    })));
  }
}

/** "typing…", or what else the bot said that it is doing. */
function doing(action) {
  const kind = /photo/.test(action) ? "photo" : /document/.test(action) ? "document" : /location/.test(action) ? "location"
    : /voice|video/.test(action) ? "media" : "typing";
  return t(`phone.${kind}`);
}

/** The new element takes the old one's place, and the focus stays on the same button or the one in its place. */
function replaceKeepingFocus(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const focusable = (root) => [...root.querySelectorAll("button, a[href], [tabindex]")];
  const at = focused ? focusable(old).indexOf(focused) : -1;
  old.replaceWith(fresh);
  if (!focused) return;
  const candidates = focusable(fresh);
  const same = focused.dataset.data === undefined ? null : candidates.find((each) => each.dataset.data === focused.dataset.data);
  (same ?? candidates[Math.min(at, candidates.length - 1)] ?? fresh.closest(".log"))?.focus({ preventScroll: true });
}
