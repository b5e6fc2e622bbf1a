/**
 * One phone: a person, and their chat with the bot.
 *
 * The page hears of every change while somebody is typing on it. A phone is therefore built once and then only
 * changed where its chat changed: the text box, the scroll position and the focus belong to the person.
 */

import { get, oneAtATime, post } from "./api.js";
import { now, timeOfDay } from "./clock.js";
import { h, icon, iconButton, openDialog, openMenu, set } from "./dom.js";
import { refreshRelativeTimes } from "./entities.js";
import { arrange, bytes, markWaiting, rowElement } from "./messages.js";
import { askPlace } from "./place.js";
import { remember, remembered, t } from "./words.js";

/** A tap that nobody answers stops turning, as on a real phone. */
const TAP_PATIENCE = 20_000;
const TOAST_TIME = 4_500;
/** "typing…" ends by itself, and nobody tells. */
const TYPING_LIFETIME = 5_200;

export class Phone {
  /** `shell` is the page around it: `username()`, `openStartLink(code)`, `complain(problem)`, `changed(phone)`. */
  constructor(person, shell) {
    this.person = person;
    this.shell = shell;
    this.chat = { messages: [], commands: [], reply_keyboard: null, typing: false, toast: null };
    this.rows = new Map();
    this.waiting = new Map();
    this.attached = [];
    this.editing = null;
    this.newest = null;
    this.unseen = 0;
    this.atBottom = true;
    this.lastTop = 0;
    this.keyboardOpen = true;
    this.shownToast = undefined;
    this.acts = {
      username: () => shell.username(),
      command: (text) => this.say(text),
      start: (code) => shell.openStartLink(code),
    };
    this.refresh = oneAtATime(() => this.read());
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
    this.avatar = h("span", { class: `avatar tone${Math.abs(this.person.id) % 7}`, "aria-hidden": "true" });
    this.flag = h("span", { class: "tongue" });
    this.more = iconButton("more", "", () => this.phoneMenu(), { "aria-haspopup": "menu" });
    this.botName = h("b", {});
    this.botState = h("small", { class: "bot-state", "aria-live": "polite" });
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-relevant": "additions", tabindex: "0" });
    this.bottom = iconButton("down", "", () => this.scrollToBottom(true), { class: "icon-button to-bottom", hidden: true });
    this.count = h("span", { class: "badge", "aria-hidden": "true", hidden: true });
    this.bottom.append(this.count);
    this.toasts = h("div", { class: "toasts", role: "status" });
    this.buildComposer();
    this.drop = h("p", { class: "drop", hidden: true });
    this.screen = h("div", { class: "screen" },
      h("div", { class: "status", "aria-hidden": "true" }, this.statusTime, h("span", { class: "notch" }), h("span", { class: "battery" })),
      h("div", { class: "chat-head" },
        h("span", { class: "avatar bot-mark", "aria-hidden": "true" }, h("img", { src: "/page/icon.svg", alt: "" })),
        h("span", { class: "chat-name" }, this.botName, this.botState), this.commandsButton),
      h("div", { class: "view" }, this.log, this.bottom, this.toasts, this.drop),
      this.feet);
    this.element = h("section", { class: "phone", id: `phone-${this.person.id}`, tabindex: "-1" },
      h("header", { class: "owner" }, this.avatar, h("div", { class: "who" }, this.name, this.role), this.flag, this.more),
      this.screen);
    this.log.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.log.addEventListener("load", () => this.atBottom && this.scrollToBottom(), true);
    new ResizeObserver(() => this.atBottom && this.scrollToBottom()).observe(this.log);
    this.acceptDrops();
  }

  buildComposer() {
    this.input = h("textarea", { rows: "1", maxlength: "4096", enterkeyhint: "send", autocomplete: "off" });
    this.attachButton = iconButton("attach", "", () => this.attachMenu(), { "aria-haspopup": "menu" });
    this.commandsButton = h("button", { type: "button", class: "icon-button slash", "aria-haspopup": "menu", onclick: () => this.commandMenu() }, "/");
    this.keyboardButton = iconButton("keyboard", "", () => this.toggleKeyboard(), { hidden: true });
    this.sendButton = h("button", { type: "submit", class: "icon-button send" }, icon("send"));
    this.picker = h("input", { type: "file", multiple: true, hidden: true, tabindex: "-1", onchange: () => this.picked() });
    this.tray = h("div", { class: "tray", hidden: true });
    this.editStrip = h("div", { class: "edit-strip", hidden: true });
    this.keyboard = h("div", { class: "reply-keyboard", role: "group", hidden: true });
    this.form = h("form", { class: "composer", onsubmit: (event) => this.submit(event) },
      this.attachButton, this.input, this.keyboardButton, this.sendButton, this.picker);
    this.startButton = h("button", { type: "button", class: "start-button", onclick: () => this.start("") });
    this.unblockButton = h("button", { type: "button", class: "start-button quiet", onclick: () => this.act("unblock") });
    this.blockedNote = h("p", { class: "blocked-note" });
    this.startFoot = h("div", { class: "start-foot", hidden: true }, this.blockedNote, this.unblockButton, this.startButton);
    this.feet = h("div", { class: "feet" }, this.editStrip, this.tray, this.form, this.keyboard, this.startFoot);
    this.input.value = remembered(this.draftKey, "sessionStorage") ?? "";
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.composerKey(event));
    this.input.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length) {
        event.preventDefault();
        this.attach([...event.clipboardData.files], "photo");
      }
    });
  }

  get draftKey() {
    return `enlace.draft.${this.person.id}`;
  }

  /** Labels again, after the page's language changed. */
  translate() {
    const name = this.person.first_name;
    set(this.element, { "aria-label": t("phone.label", { name }) });
    set(this.more, { "aria-label": t("phone.more", { name }), title: t("phone.more", { name }) });
    set(this.log, { "aria-label": t("phone.messages", { name }), lang: this.languageCode });
    set(this.input, { "aria-label": t("composer.label", { name }) });
    for (const [button, key] of [[this.attachButton, "attach"], [this.commandsButton, "commands"]]) {
      set(button, { "aria-label": t(`composer.${key}`), title: t(`composer.${key}`) });
    }
    set(this.keyboard, { "aria-label": t("composer.keyboard") });
    this.startButton.textContent = t("phone.start");
    this.unblockButton.textContent = t("phone.unblock");
    this.drop.textContent = t("composer.drop");
    this.update(this.person);
    this.showTray();
    this.showEditing();
    this.typed();
    this.show(this.chat);
  }

  // ---- what the sandbox says

  update(person) {
    this.person = person;
    const name = person.first_name;
    this.name.textContent = name;
    this.role.textContent = person.title || t("phone.bot");
    this.role.hidden = !person.title;
    this.avatar.textContent = initials(name);
    this.flag.textContent = this.languageCode;
    set(this.flag, { title: t("phone.language", { code: this.languageCode }), "aria-label": t("phone.language", { code: this.languageCode }) });
    this.blockedNote.textContent = t("phone.blocked", { name });
    this.blockedNote.hidden = !person.blocked;
    this.unblockButton.hidden = !person.blocked;
    this.startButton.hidden = person.blocked;
    const shut = person.blocked || !person.started;
    const pressed = this.startFoot.contains(document.activeElement);
    this.startFoot.hidden = !shut;
    this.form.hidden = shut;
    if (pressed && !shut) this.input.focus();
    this.tray.hidden = shut || !this.attached.length;
    this.element.classList.toggle("blocked", person.blocked);
    this.commandsButton.hidden = shut || !this.chat.commands?.length;
    this.showKeyboard();
    this.tick();
  }

  async read() {
    try {
      const chat = await get(this.path);
      if (chat) this.show({ ...chat, loaded: true });
      await this.settleTaps();
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
    this.showRows(chat.messages);
    if (firstTime || this.atBottom || arrived.some((message) => !message.from_bot)) this.scrollToBottom();
    if (!this.isSeen) this.unseen += arrived.filter((message) => message.from_bot).length;
    else this.unseen = 0;
    this.showCount();
    this.botName.textContent = this.shell.username() ? `@${this.shell.username()}` : "Enlace";
    this.botState.textContent = t(chat.typing ? "phone.typing" : "phone.bot");
    this.botState.classList.toggle("typing", Boolean(chat.typing));
    clearTimeout(this.typingEnds);
    if (chat.typing) this.typingEnds = setTimeout(this.refresh, TYPING_LIFETIME);
    this.commandsButton.hidden = !chat.commands?.length || this.person.blocked || !this.person.started;
    const keyboard = JSON.stringify(chat.reply_keyboard ?? null);
    if (keyboard !== this.keyboardShown) {
      this.keyboardShown = keyboard;
      this.keyboardOpen = true;
      this.buildKeyboard();
    }
    this.showKeyboard();
    if (chat.loaded) this.showToast(chat.toast);
    this.shell.changed(this);
  }

  showRows(messages) {
    const wanted = arrange(messages);
    const keys = new Set(wanted.map((row) => row.key));
    for (const [key, row] of this.rows) {
      if (!keys.has(key)) {
        if (row.element.contains(document.activeElement)) this.input.focus({ preventScroll: true });
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
        if (old) replaceKeepingFocus(old.element, element);
        this.rows.set(row.key, { element, signature: row.signature });
      }
      const place = before ? before.nextSibling : this.log.firstChild;
      if (element !== place) this.log.insertBefore(element, place);
      before = element;
    }
    this.empty?.remove();
    this.empty = messages.length ? null : this.emptiness();
    if (this.empty) this.log.append(this.empty);
  }

  emptiness() {
    if (this.person.started) return h("div", { class: "empty" }, h("p", {}, t("phone.empty")));
    return h("div", { class: "empty" }, h("span", { class: "wave", "aria-hidden": "true" }, "👋"),
      h("h3", {}, t("phone.start.title")), h("p", {}, this.chat.description || t("phone.start.text")));
  }

  /** Time has passed: the phone's own clock, and dates such as "in two days". */
  tick() {
    this.statusTime.textContent = timeOfDay(now());
    refreshRelativeTimes(this.log);
  }

  // ---- scrolling and what was seen

  get isSeen() {
    return this.atBottom && this.element.offsetParent !== null && !document.hidden;
  }

  /** Only a person scrolls upwards: a list that grew, or lost room to a keyboard, is still at its end. */
  scrolled() {
    if (!this.log.clientHeight) return;
    const near = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 48;
    this.atBottom = near || (this.atBottom && this.log.scrollTop >= this.lastTop);
    this.lastTop = this.log.scrollTop;
    if (this.isSeen && this.unseen) {
      this.unseen = 0;
      this.shell.changed(this);
    }
    this.showCount();
  }

  scrollToBottom(smooth = false) {
    this.atBottom = true;
    this.log.scrollTo({ top: this.log.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    this.showCount();
  }

  /** The phone has come into view. */
  reveal() {
    if (this.atBottom) {
      this.scrollToBottom();
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

  // ---- taps and their answers

  async tap(messageId, data) {
    const key = `${messageId} ${data}`;
    const wait = { since: this.chat.seq ?? 0, query: null, timer: 0 };
    clearTimeout(this.waiting.get(key)?.timer);
    wait.timer = setTimeout(() => {
      this.toast(t("tap.slow"));
      this.settleTap(key);
    }, TAP_PATIENCE);
    this.waiting.set(key, wait);
    this.markTaps();
    try {
      wait.query = (await post(`${this.path}/tap`, { message_id: messageId, data })).query_id;
      await this.settleTaps();
    } catch (problem) {
      this.settleTap(key);
      this.shell.complain(problem);
    }
  }

  isWaiting(messageId, data) {
    return this.waiting.has(`${messageId} ${data}`);
  }

  /** An answer may have no text, and then leaves no trace but its line in the sandbox's ledger. */
  async settleTaps() {
    if (!this.waiting.size) return;
    const since = Math.min(...[...this.waiting.values()].map((wait) => wait.since));
    const seen = await get(`/sandbox/ledger?chat=${this.person.id}&since=${since}`) ?? [];
    const answered = new Set(seen.filter((each) => each.what === "answer").map((each) => each.query_id));
    for (const [key, wait] of [...this.waiting]) if (answered.has(wait.query)) this.settleTap(key);
  }

  settleTap(key) {
    clearTimeout(this.waiting.get(key)?.timer);
    this.waiting.delete(key);
    this.markTaps();
  }

  markTaps() {
    for (const button of this.log.querySelectorAll(".key[data-data]")) {
      const message = button.closest("[data-message]").dataset.message;
      markWaiting(button, this.isWaiting(message, button.dataset.data));
    }
  }

  /** What was answered before the page was opened is no news. */
  showToast(toast) {
    const word = toast ? JSON.stringify(toast) : null;
    const isNews = this.shownToast !== undefined && word !== null && word !== this.shownToast;
    this.shownToast = word ?? this.shownToast ?? null;
    if (!isNews || !toast.text) return;
    if (toast.show_alert) this.alert(toast.text);
    else this.toast(toast.text);
  }

  toast(text) {
    const note = h("p", { class: "toast" }, text);
    this.toasts.replaceChildren(note);
    setTimeout(() => note.remove(), TOAST_TIME);
  }

  /** An alert covers this phone only, and takes the focus only from this phone. */
  alert(text) {
    const before = document.activeElement;
    const ok = h("button", { type: "button", class: "main" }, t("alert.ok"));
    const cover = h("div", { class: "alert", role: "alertdialog", "aria-modal": "true", "aria-label": text }, h("div", {}, h("p", {}, text), ok));
    const close = () => {
      const focused = cover.contains(document.activeElement);
      cover.remove();
      if (focused) (before?.isConnected ? before : this.input).focus({ preventScroll: true });
    };
    ok.addEventListener("click", close);
    cover.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      if (event.key === "Tab") event.preventDefault();
    });
    this.screen.append(cover);
    if (this.element.contains(before) || before === document.body) ok.focus();
  }

  // ---- composing

  typed() {
    this.input.style.height = "auto";
    if (this.input.value) this.input.style.height = `${Math.min(this.input.scrollHeight, 132)}px`;
    if (!this.editing) remember(this.draftKey, this.input.value, "sessionStorage");
    const captioned = this.attached.length > 0;
    set(this.input, { placeholder: t(captioned ? "composer.caption" : "composer.placeholder") });
    const label = t(this.editing ? "composer.save" : "composer.send");
    set(this.sendButton, { "aria-label": label, title: label });
    this.sendButton.classList.toggle("ready", Boolean(this.input.value.trim()) || captioned);
    const hint = this.chat.reply_keyboard?.input_field_placeholder;
    if (hint && !captioned) set(this.input, { placeholder: hint });
  }

  composerKey(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === "Escape") {
      if (this.editing) this.edit(null);
      else if (this.attached.length) this.attach(null);
      else this.input.blur();
    } else if (event.key === "ArrowUp" && !this.input.value && !this.editing) {
      const last = this.chat.messages.findLast((message) => !message.from_bot && editableText(message) !== null);
      if (last) {
        event.preventDefault();
        this.edit(last);
      }
    }
  }

  write(text) {
    this.input.value = text;
    this.typed();
    this.input.focus();
  }

  async submit(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (this.editing) {
      const message = this.editing;
      if (text && text !== editableText(message)) {
        if (await this.act("edit", { message_id: message.message_id, text })) this.edit(null);
      } else {
        this.edit(null);
      }
      return;
    }
    if (this.attached.length) {
      await this.sendFiles(text);
      return;
    }
    if (!text) return;
    this.input.value = "";
    this.typed();
    if (!(await this.act("text", { text })) && !this.input.value) this.write(text);
  }

  say(text) {
    return this.act("text", { text });
  }

  start(payload) {
    return this.act("start", { payload });
  }

  /** Does something as this person; false when the sandbox refused, after saying why. */
  async act(what, payload = {}) {
    try {
      await post(`${this.path}/${what}`, payload);
      this.refresh();
      return true;
    } catch (problem) {
      this.shell.complain(problem);
      return false;
    }
  }

  edit(message) {
    this.editing = message;
    this.input.value = message ? editableText(message) : (remembered(this.draftKey, "sessionStorage") ?? "");
    this.showEditing();
    this.typed();
    this.input.focus();
  }

  showEditing() {
    this.editStrip.hidden = !this.editing;
    if (!this.editing) return;
    this.editStrip.replaceChildren(icon("edit"), h("span", {}, h("b", {}, t("composer.editing")), h("small", {}, editableText(this.editing))),
      iconButton("close", t("composer.editing.cancel"), () => this.edit(null)));
  }

  messageMenu(anchor, message, text, editable) {
    openMenu(anchor, t("message.options"), [
      ...(editable ? [{ name: t("message.edit"), icon: "edit", choose: () => this.edit(message) }] : []),
      { name: t("message.copy"), icon: "file", choose: () => this.copy(text) },
    ]);
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.toast(t("message.copied"));
    } catch {
      this.write(text);
    }
  }

  phoneMenu() {
    openMenu(this.more, t("phone.more", { name: this.person.first_name }), [
      {
        name: t("phone.block"), checked: Boolean(this.person.blocked),
        choose: () => this.act(this.person.blocked ? "unblock" : "block"),
      },
      { name: t("phone.clear"), icon: "close", danger: true, choose: () => this.act("clear") },
    ]);
  }

  commandMenu() {
    openMenu(this.commandsButton, t("composer.commands"), this.chat.commands.map(({ command, description }) => ({
      name: `/${command.replace(/^\//, "")}`, detail: description, choose: () => this.say(`/${command.replace(/^\//, "")}`),
    })));
  }

  // ---- the bot's own keyboard

  buildKeyboard() {
    const rows = this.chat.reply_keyboard?.keyboard ?? [];
    this.keyboard.replaceChildren(...rows.map((row) => h("div", { class: "keys" }, row.map((button) => this.replyButton(button)))));
  }

  replyButton(button) {
    const text = typeof button === "string" ? button : button.text;
    const mark = button.request_location ? icon("pin") : button.request_contact ? icon("contact") : null;
    const style = ["danger", "success", "primary"].includes(button.style) ? button.style : "";
    return h("button", { type: "button", class: `key ${style}`, onclick: () => this.press(button, text) }, mark, h("span", { class: "label" }, text));
  }

  press(button, text) {
    if (this.chat.reply_keyboard?.one_time_keyboard) this.toggleKeyboard(false);
    const name = this.person.first_name;
    if (button.request_location) this.askPlace(t("place.request", { name }));
    else if (button.request_contact) this.shareContact();
    else this.say(text);
  }

  toggleKeyboard(open = !this.keyboardOpen) {
    this.keyboardOpen = open;
    this.showKeyboard();
    if (this.atBottom) this.scrollToBottom();
  }

  showKeyboard() {
    const exists = Boolean(this.chat.reply_keyboard?.keyboard?.length) && this.person.started && !this.person.blocked;
    this.keyboardButton.hidden = !exists;
    this.keyboard.hidden = !exists || !this.keyboardOpen;
    const label = t(this.keyboardOpen ? "composer.keyboard.hide" : "composer.keyboard.show");
    set(this.keyboardButton, { "aria-label": label, title: label, "aria-expanded": String(this.keyboardOpen) });
  }

  // ---- files, places, contacts

  attachMenu() {
    const choose = (as, accept) => () => {
      this.pickAs = as;
      this.picker.accept = accept;
      this.picker.value = "";
      this.picker.click();
    };
    openMenu(this.attachButton, t("composer.attach"), [
      { name: t("attach.photo"), detail: t("attach.photo.detail"), icon: "camera", choose: choose("photo", "image/*,video/*") },
      { name: t("attach.document"), detail: t("attach.document.detail"), icon: "file", choose: choose("document", "") },
      { name: t("attach.audio"), icon: "music", choose: choose("audio", "audio/*") },
      { name: t("attach.voice"), icon: "music", choose: choose("voice", "audio/*") },
      { name: t("attach.place"), icon: "pin", choose: () => this.askPlace("") },
      { name: t("attach.contact"), icon: "contact", choose: () => this.shareContact() },
    ]);
  }

  picked() {
    if (this.picker.files.length) this.attach([...this.picker.files], this.pickAs ?? "document");
  }

  /** Puts files in the tray, beside those that are there; null empties it. */
  attach(files, as) {
    if (!files) {
      for (const each of this.attached) if (each.preview) URL.revokeObjectURL(each.preview);
      this.attached = [];
    } else {
      for (const file of files) {
        const isPicture = /^image\/(png|jpe?g|gif|webp)$/.test(file.type);
        const kind = as !== "photo" ? as : isPicture ? "photo" : file.type.startsWith("video/") ? "video" : "document";
        this.attached.push({ file, kind, preview: isPicture ? URL.createObjectURL(file) : null });
      }
    }
    this.showTray();
    this.typed();
    this.input.focus();
  }

  showTray() {
    this.tray.hidden = !this.attached.length || this.form.hidden;
    const pictures = this.attached.filter((each) => each.preview);
    const compressed = h("input", {
      type: "checkbox", checked: pictures.length > 0 && pictures.every((each) => each.kind === "photo"),
      onchange: (event) => {
        for (const each of pictures) each.kind = event.currentTarget.checked ? "photo" : "document";
      },
    });
    this.tray.replaceChildren(
      h("ul", {}, this.attached.map((each) => h("li", {},
        each.preview ? h("img", { src: each.preview, alt: "" }) : h("span", { class: "file-mark", "aria-hidden": "true" }, icon("file")),
        h("span", { class: "file-name" }, h("b", {}, each.file.name), h("small", {}, bytes(each.file.size))),
        iconButton("close", t("attach.remove", { name: each.file.name }), () => {
          if (each.preview) URL.revokeObjectURL(each.preview);
          this.attached = this.attached.filter((other) => other !== each);
          this.showTray();
          this.typed();
          this.input.focus();
        })))),
      pictures.length ? h("label", { class: "check" }, compressed, t("attach.compress")) : "");
  }

  /** Files of one kind go together (several make an album); the caption goes with the first. */
  async sendFiles(caption) {
    const kinds = new Map();
    for (const each of this.attached) kinds.set(each.kind, [...(kinds.get(each.kind) ?? []), each]);
    for (const [kind, group] of kinds) {
      const form = new FormData();
      form.append("as", kind);
      if (caption) form.append("caption", caption);
      for (const each of group) form.append("file", each.file, each.file.name);
      if (!(await this.act("files", form))) return;
      caption = "";
      this.attached = this.attached.filter((each) => !group.includes(each));
      for (const each of group) if (each.preview) URL.revokeObjectURL(each.preview);
      this.input.value = "";
      this.showTray();
      this.typed();
    }
  }

  acceptDrops() {
    let depth = 0;
    const over = (by) => {
      depth = Math.max(0, depth + by);
      this.drop.hidden = depth === 0 || this.form.hidden;
    };
    this.screen.addEventListener("dragenter", () => over(1));
    this.screen.addEventListener("dragleave", () => over(-1));
    this.screen.addEventListener("dragover", (event) => event.preventDefault());
    this.screen.addEventListener("drop", (event) => {
      event.preventDefault();
      over(-depth);
      if (event.dataTransfer.files.length && !this.form.hidden) this.attach([...event.dataTransfer.files], "photo");
    });
  }

  askPlace(note) {
    askPlace(note, (latitude, longitude) => this.act("location", { latitude, longitude }));
  }

  shareContact() {
    const dialog = openDialog(t("contact.title"), t("close"), h("p", {}, t("contact.text", { name: this.person.first_name })),
      h("footer", {}, h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("cancel")),
        h("button", {
          type: "button", class: "main", autofocus: true,
          onclick: () => {
            dialog.close();
            this.act("contact");
          },
        }, t("contact.send"))));
  }
}

/** The words of one's own message that can be changed: its text, or the caption of its file. */
export function editableText(message) {
  return message.from_bot ? null : (message.text ?? message.caption ?? null);
}

export function initials(name) {
  const words = name.split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0]).join("").toUpperCase() || "?";
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
