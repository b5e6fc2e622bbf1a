/** The keyboard that a bot puts in the place of the phone's own: its keys are answers. */

import { h, icon, set } from "./dom.js";
import { t } from "./words.js";

export class BotKeyboard {
  constructor(phone) {
    this.phone = phone;
    this.isOpen = true;
    this.element = h("div", { class: "reply-keyboard", role: "group", hidden: true });
  }

  translate() {
    set(this.element, { "aria-label": t("composer.keyboard") });
    this.show();
  }

  /** Takes the chat's keyboard; one that is new to the phone opens by itself. */
  update() {
    const keyboard = JSON.stringify(this.phone.chat.reply_keyboard ?? null);
    if (keyboard !== this.shown) {
      this.shown = keyboard;
      this.isOpen = true;
      const rows = this.phone.chat.reply_keyboard?.keyboard ?? [];
      this.element.replaceChildren(...rows.map((row) => h("div", { class: "keys" }, row.map((button) => this.key(button)))));
    }
    this.show();
  }

  key(button) {
    const text = typeof button === "string" ? button : button.text;
    const mark = button.request_location ? icon("pin") : button.request_contact ? icon("contact") : null;
    const style = ["danger", "success", "primary"].includes(button.style) ? button.style : "";
    return h("button", { type: "button", class: `key ${style}`, onclick: () => this.press(button, text) }, mark, h("span", { class: "label" }, text));
  }

  press(button, text) {
    const { phone } = this;
    if (phone.chat.reply_keyboard?.one_time_keyboard) this.toggle(false);
    if (button.request_location) phone.composer.askPlace(t("place.request", { name: phone.person.first_name }));
    else if (button.request_contact) phone.composer.shareContact();
    else phone.say(text);
  }

  toggle(open = !this.isOpen) {
    this.isOpen = open;
    this.show();
    if (this.phone.atBottom) this.phone.scrollToBottom();
  }

  show() {
    const { person, chat, composer } = this.phone;
    const exists = Boolean(chat.reply_keyboard?.keyboard?.length) && person.started && !person.blocked;
    composer.keyboardButton.hidden = !exists;
    this.element.hidden = !exists || !this.isOpen;
    const label = t(this.isOpen ? "composer.keyboard.hide" : "composer.keyboard.show");
    set(composer.keyboardButton, { "aria-label": label, title: label, "aria-expanded": String(this.isOpen) });
  }
}
