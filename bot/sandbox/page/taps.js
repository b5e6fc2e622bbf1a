/**
 * Taps that wait, and what the bot says to them.
 *
 * A tapped button turns until the bot answers. An answer may have no text, and then leaves no trace but its line
 * in the sandbox's ledger.
 */

import { get, post } from "./api.js";
import { h } from "./dom.js";
import { markWaiting } from "./messages.js";
import { t } from "./words.js";

/** A tap that nobody answers stops turning, as on a real phone. */
const PATIENCE = 20_000;
const TOAST_TIME = 4_500;

export class Taps {
  constructor(phone) {
    this.phone = phone;
    this.waiting = new Map();
    this.shownToast = undefined;
    this.toasts = h("div", { class: "toasts", role: "status" });
  }

  async tap(messageId, data) {
    const { phone } = this;
    const key = `${messageId} ${data}`;
    phone.news = null;
    const wait = { since: phone.chat.seq ?? 0, query: null, timer: 0 };
    clearTimeout(this.waiting.get(key)?.timer);
    wait.timer = setTimeout(() => {
      this.toast(t("tap.slow"));
      this.end(key);
    }, PATIENCE);
    this.waiting.set(key, wait);
    this.mark();
    try {
      wait.query = (await post(`${phone.path}/tap`, { message_id: messageId, data })).query_id;
      await this.settle();
      phone.refresh();
    } catch (problem) {
      this.end(key);
      phone.shell.complain(problem);
    }
  }

  isWaiting(messageId, data) {
    return this.waiting.has(`${messageId} ${data}`);
  }

  async settle() {
    if (!this.waiting.size) return;
    const since = Math.min(...[...this.waiting.values()].map((wait) => wait.since));
    const seen = await get(`/sandbox/ledger?chat=${this.phone.person.id}&since=${since}`) ?? [];
    const answered = new Set(seen.filter((each) => each.what === "answer").map((each) => each.query_id));
    for (const [key, wait] of [...this.waiting]) if (answered.has(wait.query)) this.end(key);
  }

  end(key) {
    clearTimeout(this.waiting.get(key)?.timer);
    this.waiting.delete(key);
    this.mark();
  }

  mark() {
    for (const button of this.phone.log.querySelectorAll(".key[data-data]")) {
      const message = button.closest("[data-message]").dataset.message;
      markWaiting(button, this.isWaiting(message, button.dataset.data));
    }
  }

  /** What was answered before the page was opened is no news. */
  showAnswer(toast) {
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
    const { phone } = this;
    const before = document.activeElement;
    const ok = h("button", { type: "button", class: "main" }, t("alert.ok"));
    const cover = h("div", { class: "alert", role: "alertdialog", "aria-modal": "true", "aria-label": text }, h("div", {}, h("p", {}, text), ok));
    const close = () => {
      const focused = cover.contains(document.activeElement);
      cover.remove();
      if (focused && before?.isConnected) before.focus({ preventScroll: true });
      else if (focused) phone.composer.focus();
    };
    ok.addEventListener("click", close);
    cover.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      if (event.key === "Tab") event.preventDefault();
    });
    phone.screen.append(cover);
    if (phone.element.contains(before) || before === document.body) ok.focus();
  }
}
