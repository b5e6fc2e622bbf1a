/**
 * The box a person writes in, and all that hangs on it: corrections, replies, commands, files, places.
 *
 * It is built once per phone and never rebuilt: what is half written belongs to the person, whatever arrives.
 */

import { h, icon, iconButton, openDialog, openMenu, set } from "./dom.js";
import { bytes, summary } from "./messages.js";
import { askPlace } from "./place.js";
import { remember, remembered, t } from "./words.js";

/** So many commands are offered at once while a `/` is being typed. */
const OFFERED = 7;

export class Composer {
  constructor(phone) {
    this.phone = phone;
    this.attached = [];
    this.editing = null;
    this.replying = null;
    this.asked = null;
    this.offers = [];
    this.chosen = -1;
    this.build();
  }

  get draftKey() {
    return `enlace.draft.${this.phone.person.id}`;
  }

  build() {
    const { id } = this.phone.person;
    this.input = h("textarea", {
      rows: "1", maxlength: "4096", enterkeyhint: "send", autocomplete: "off",
      "aria-autocomplete": "list", "aria-controls": `commands-${id}`,
    });
    this.attachButton = iconButton("attach", "", () => this.attachMenu(), { "aria-haspopup": "menu" });
    this.keyboardButton = iconButton("keyboard", "", () => this.phone.keyboard.toggle(), { hidden: true });
    this.sendButton = h("button", { type: "submit", class: "icon-button send" }, icon("send"));
    this.picker = h("input", { type: "file", multiple: true, hidden: true, tabindex: "-1", onchange: () => this.picked() });
    this.suggestions = h("div", { class: "suggestions", role: "listbox", id: `commands-${id}`, hidden: true });
    this.tray = h("div", { class: "tray", hidden: true });
    this.strip = h("div", { class: "edit-strip", hidden: true });
    this.form = h("form", { class: "composer", onsubmit: (event) => this.submit(event) },
      this.attachButton, this.input, this.keyboardButton, this.sendButton, this.picker);
    this.drop = h("p", { class: "drop", hidden: true });
    this.parts = [this.suggestions, this.strip, this.tray, this.form];
    this.input.value = remembered(this.draftKey, "sessionStorage") ?? "";
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.offer([]));
    this.input.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length) {
        event.preventDefault();
        this.attach([...event.clipboardData.files], "photo");
      }
    });
  }

  translate() {
    const name = this.phone.person.first_name;
    set(this.input, { "aria-label": t("composer.label", { name }) });
    set(this.attachButton, { "aria-label": t("composer.attach"), title: t("composer.attach") });
    set(this.suggestions, { "aria-label": t("composer.commands") });
    this.drop.textContent = t("composer.drop");
    this.showTray();
    this.showStrip();
    this.typed();
  }

  focus() {
    this.input.focus({ preventScroll: true });
  }

  /** Shut while the bot is blocked or not started: there is nothing to write to. */
  shut(isShut) {
    this.form.hidden = isShut;
    this.showTray();
  }

  /** The bot has asked for a reply to one message (ForceReply): it is opened once, and can be put away. */
  ask(forced, messages) {
    if (forced?.message_id === this.asked?.message_id) return;
    if (this.asked && this.replying?.message_id === this.asked.message_id) this.reply(null, false);
    this.asked = forced ?? null;
    const message = forced && messages.find((each) => each.message_id === forced.message_id);
    if (message && !this.editing) this.reply(message, false);
    this.typed();
  }

  // ---- writing

  typed() {
    this.input.style.height = "auto";
    if (this.input.value) this.input.style.height = `${Math.min(this.input.scrollHeight, 132)}px`;
    if (!this.editing) remember(this.draftKey, this.input.value, "sessionStorage");
    const captioned = this.attached.length > 0;
    const hint = this.asked?.input_field_placeholder || this.phone.chat.reply_keyboard?.input_field_placeholder;
    set(this.input, { placeholder: captioned ? t("composer.caption") : hint || t("composer.placeholder") });
    const label = t(this.editing ? "composer.save" : "composer.send");
    set(this.sendButton, { "aria-label": label, title: label });
    this.sendButton.classList.toggle("ready", Boolean(this.input.value.trim()) || captioned);
    const begun = /^\/(\w*)$/.exec(this.input.value);
    this.offer(begun && document.activeElement === this.input
      ? (this.phone.chat.commands ?? []).filter(({ command }) => command.startsWith(begun[1].toLowerCase())) : []);
  }

  key(event) {
    if (this.offers.length && this.offerKey(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === "Escape") {
      if (this.editing) this.edit(null);
      else if (this.replying) this.reply(null);
      else if (this.attached.length) this.attach(null);
      else this.input.blur();
    } else if (event.key === "ArrowUp" && !this.input.value && !this.editing) {
      const last = this.phone.chat.messages.findLast((message) => !message.from_bot && editableText(message) !== null);
      if (last) {
        event.preventDefault();
        this.edit(last);
      }
    }
  }

  write(text) {
    this.input.value = text;
    this.input.focus();
    this.typed();
  }

  async submit(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (this.editing) {
      const message = this.editing;
      if (text && text !== editableText(message)) {
        if (await this.phone.act("edit", { message_id: message.message_id, text })) this.edit(null);
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
    const reply = this.replying ? { reply_to: this.replying.message_id } : {};
    this.input.value = "";
    this.reply(null, false);
    this.typed();
    if (!(await this.phone.act("text", { text, ...reply })) && !this.input.value) this.write(text);
  }

  // ---- commands, while a `/` is being typed

  /** Shows these commands above the box; none of them is chosen until an arrow key chooses it. */
  offer(commands) {
    this.offers = commands.slice(0, OFFERED);
    this.chosen = -1;
    this.suggestions.hidden = !this.offers.length;
    set(this.input, { "aria-activedescendant": null });
    this.suggestions.replaceChildren(...this.offers.map(({ command, description }, at) => h("div", {
      role: "option", id: `${this.suggestions.id}-${at}`, class: "suggestion", "aria-selected": "false",
      onmousedown: (event) => event.preventDefault(),
      onclick: () => this.sendCommand(command),
    }, h("b", {}, `/${command}`), h("small", {}, description))));
  }

  /** Whether the key was for the list. */
  offerKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const from = this.chosen < 0 && step < 0 ? 0 : this.chosen;
      this.chosen = (from + step + this.offers.length) % this.offers.length;
      for (const [at, option] of [...this.suggestions.children].entries()) {
        set(option, { "aria-selected": String(at === this.chosen) });
        if (at === this.chosen) option.scrollIntoView({ block: "nearest" });
      }
      set(this.input, { "aria-activedescendant": `${this.suggestions.id}-${this.chosen}` });
    } else if (event.key === "Enter" && this.chosen >= 0) {
      this.sendCommand(this.offers[this.chosen].command);
    } else if (event.key === "Escape") {
      this.offer([]);
    } else {
      return false;
    }
    return true;
  }

  sendCommand(command) {
    this.input.value = "";
    this.typed();
    this.phone.say(`/${command}`);
  }

  // ---- corrections and replies

  edit(message) {
    this.editing = message;
    if (message) this.replying = null;
    this.input.value = message ? editableText(message) : (remembered(this.draftKey, "sessionStorage") ?? "");
    this.showStrip();
    this.input.focus();
    this.typed();
  }

  reply(message, takesFocus = true) {
    this.replying = message;
    if (message) this.editing = null;
    this.showStrip();
    if (takesFocus) this.input.focus();
  }

  showStrip() {
    const message = this.editing ?? this.replying;
    this.strip.hidden = !message;
    if (!message) return;
    const [key, close] = this.editing ? ["editing", () => this.edit(null)] : ["replying", () => this.reply(null)];
    const words = this.editing ? editableText(message) : summary(message);
    this.strip.replaceChildren(icon(this.editing ? "edit" : "reply"), h("span", {}, h("b", {}, t(`composer.${key}`)), h("small", {}, words)),
      iconButton("close", t(`composer.${key}.cancel`), close));
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
      if (!(await this.phone.act("files", form))) return;
      caption = "";
      this.attached = this.attached.filter((each) => !group.includes(each));
      for (const each of group) if (each.preview) URL.revokeObjectURL(each.preview);
      this.input.value = "";
      this.showTray();
      this.typed();
    }
  }

  acceptDrops(screen) {
    let depth = 0;
    const over = (by) => {
      depth = Math.max(0, depth + by);
      this.drop.hidden = depth === 0 || this.form.hidden;
    };
    screen.addEventListener("dragenter", () => over(1));
    screen.addEventListener("dragleave", () => over(-1));
    screen.addEventListener("dragover", (event) => event.preventDefault());
    screen.addEventListener("drop", (event) => {
      event.preventDefault();
      over(-depth);
      if (event.dataTransfer.files.length && !this.form.hidden) this.attach([...event.dataTransfer.files], "photo");
    });
  }

  askPlace(note) {
    askPlace(note, (latitude, longitude) => this.phone.act("location", { latitude, longitude }));
  }

  shareContact() {
    const dialog = openDialog(t("contact.title"), t("close"), h("p", {}, t("contact.text", { name: this.phone.person.first_name })),
      h("footer", {}, h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("cancel")),
        h("button", {
          type: "button", class: "main", autofocus: true,
          onclick: () => {
            dialog.close();
            this.phone.act("contact");
          },
        }, t("contact.send"))));
  }
}

/** The words of one's own message that can be changed: its text, or the caption of its file. */
export function editableText(message) {
  return message.from_bot ? null : (message.text ?? message.caption ?? null);
}
