/**
 * "What the bot did": each thing that reached Telegram for the bot, and the calls that the bot made of it.
 *
 * The sandbox keeps the two apart, as Telegram does. They are put together here: a call that names a chat
 * belongs to the last update of that chat before it. What was written is not shown: that is on the phones.
 *
 * It is told in words that an officer understands. Telegram's own words are below "for engineers", and in titles.
 */

import { get, oneAtATime } from "./api.js";
import { isoDay, locale, shortDay, timeOfDay } from "./clock.js";
import { h, icon, iconButton, set } from "./dom.js";
import { language, t } from "./words.js";

/** So many of the latest calls are read when the panel is opened. */
const CALLS_READ = 300;
const ROWS_SHOWN = 60;
/** A call so many seconds after its chat's last update, when that one was answered, is the bot's own idea. */
const OWN_IDEA = 20;
/** Polling is how the bot asks for updates; it says nothing about what it did with them. */
const SILENT = new Set(["getUpdates"]);
const OUTBOX = ["queued", "sending", "sent", "retried", "ambiguous", "undeliverable"];
const KINDS = ["message", "edited_message", "callback_query", "my_chat_member", "message_reaction"];
const METHODS = ["sendMessage", "editMessageText", "editMessageReplyMarkup", "answerCallbackQuery", "sendDocument", "sendPhoto",
  "sendMediaGroup", "sendLocation", "sendChatAction", "deleteMessage", "setMessageReaction", "setMyCommands", "pinChatMessage", "getFile", "getMe", "getWebhookInfo", "setWebhook", "deleteWebhook"];
/** What the demonstration's receiver is told of; the bot calls it, and not Telegram. */
const TOLD = /^webhook (.+)$/;

export class Panel {
  /** `people()` gives those of the page, `state()` the sandbox's; `closed()` is called when it is put away. */
  constructor(element, { people, state, closed }) {
    this.element = element;
    this.people = people;
    this.state = state;
    this.calls = [];
    this.updates = [];
    this.figures = null;
    this.reader = null;
    this.read = oneAtATime(() => this.fetch());
    this.heading = h("h2", { tabindex: "-1" });
    this.close = iconButton("close", "", closed);
    this.lead = h("p", { class: "lead" });
    this.numbers = h("div", { class: "numbers", hidden: true });
    this.technical = h("div", { class: "numbers", hidden: true });
    this.engineersTitle = h("summary", {});
    this.engineers = h("details", { class: "engineers", ontoggle: () => element.classList.toggle("technical", this.engineers.open) },
      this.engineersTitle, this.technical);
    this.list = h("ol", { class: "timeline", tabindex: "0" });
    this.rows = new Map();
    element.append(h("header", {}, this.heading, this.close), this.lead, this.numbers, this.engineers, this.list);
    this.translate();
  }

  get isOpen() {
    return !this.element.hidden;
  }

  open(isOpen) {
    this.element.hidden = !isOpen;
    if (isOpen) this.read();
  }

  translate() {
    this.heading.textContent = t("panel.title");
    set(this.element, { "aria-label": t("panel.title") });
    set(this.close, { "aria-label": t("close"), title: t("close") });
    set(this.list, { "aria-label": t("panel.list") });
    this.lead.textContent = t("panel.lead");
    this.engineersTitle.textContent = t("panel.engineers");
    this.list.replaceChildren();
    this.rows.clear();
    this.showFigures(this.figures, this.reader);
    this.show();
  }

  async fetch() {
    if (!this.isOpen) return;
    const known = this.calls.at(-1)?.seq ?? Math.max(0, (this.state()?.last.calls ?? 0) - CALLS_READ);
    try {
      const [updates, calls] = await Promise.all([get("/sandbox/updates"), get(`/sandbox/calls?since=${known}`)]);
      this.updates = updates ?? [];
      if (calls?.length) this.calls = [...this.calls, ...calls].slice(-CALLS_READ);
    } catch {
      return; // the page says by itself that there is no connection
    }
    this.show();
  }

  /** The supervisor's counters, none where nobody counts; and what a reader at the data door has. */
  showFigures(figures, reader) {
    this.figures = figures ?? null;
    this.reader = reader ?? null;
    this.numbers.hidden = this.technical.hidden = !figures;
    if (!figures) return;
    const number = (value) => (value ?? 0).toLocaleString(locale(language()));
    const figure = (key, value) => h("div", { class: "figure", "data-figure": key, title: t(`figure.${key}.long`) }, h("dt", {}, t(`figure.${key}`)), h("dd", {}, value));
    const perCommit = figures.commits ? (figures.units / figures.commits).toLocaleString(locale(language()), { maximumFractionDigits: 1 }) : "–";
    this.numbers.replaceChildren(
      h("dl", { class: "figures" }, figure("updates", number(figures.updates)), figure("fires", number(figures.fires))),
      h("h3", {}, t("panel.outbox")),
      h("dl", { class: "figures outbox" }, OUTBOX.map((key) => figure(key, number(figures[key])))),
      ...(reader ? [
        h("h3", {}, t("panel.reader")),
        h("dl", { class: "figures" }, figure("rows", number(reader.rows)), figure("arrived", number(reader.arrived)))] : []));
    this.technical.replaceChildren(h("dl", { class: "figures" }, figure("commits", number(figures.commits)), figure("units", perCommit)));
  }

  show() {
    const rows = together(this.updates, this.calls).slice(-ROWS_SHOWN).reverse();
    const keys = new Set(rows.map((row) => row.key));
    for (const [key, { element }] of this.rows) {
      if (keys.has(key)) continue;
      element.remove();
      this.rows.delete(key);
    }
    let before = null;
    for (const row of rows) {
      const signature = JSON.stringify([row, this.whose(row)]);
      const old = this.rows.get(row.key);
      let element = old?.element;
      if (old?.signature !== signature) {
        element = this.row(row);
        old?.element.replaceWith(element);
        this.rows.set(row.key, { element, signature });
      }
      const place = before ? before.nextSibling : this.list.firstChild;
      if (element !== place) this.list.insertBefore(element, place);
      before = element;
    }
    this.empty?.remove();
    this.empty = rows.length ? null : h("li", { class: "none" }, t("panel.none"));
    if (this.empty) this.list.append(this.empty);
  }

  /** Whose chat it is: a name as soon as the phone is known, a number before. */
  whose({ update, calls }) {
    const id = update?.chat ?? calls[0]?.chat;
    return this.people().find((person) => person.id === id)?.first_name ?? (id ? String(id) : "");
  }

  row(row) {
    const { update, calls, at } = row;
    const day = isoDay(at) === isoDay(this.state()?.now ?? at) ? "" : `${shortDay(at, language())} `;
    const time = h("time", {}, day + timeOfDay(at, true));
    const whose = this.whose(row);
    const name = whose ? h("b", {}, whose) : null;
    const told = update ? t(KINDS.includes(update.kind) ? `update.${update.kind}` : "update.other", { kind: update.kind }) : t("panel.own");
    const state = !update ? null
      : h("span", { class: update.waiting ? "fate waiting" : "fate" }, update.waiting ? icon("clock") : null, t(update.waiting ? "panel.waiting" : "panel.taken"));
    return h("li", { class: update?.waiting ? "event waiting" : "event", "data-kind": update?.kind ?? "own" },
      h("p", {}, time, " ", update ? name : null, " ", h("span", {}, told), " ", update || !name ? state : ["→ ", name]),
      calls.length ? h("ul", {}, folded(calls).map(([call, n]) => this.call(call, n))) : null);
  }

  call({ method, status, ok, description, fault }, n) {
    const [, told] = TOLD.exec(method) ?? [];
    const word = told ? t("told", { event: t(`told.${told}`) }) : t(`method.${METHODS.includes(method) ? method : "other"}`);
    const outcome = ok ? t("call.ok") : t(status ? "call.refused" : "call.cut");
    const technical = [told ?? method, !ok && status ? `${status}: ${description}` : "", fault].filter(Boolean).join(" · ");
    return h("li", { class: ok ? "call good" : "call bad", title: technical },
      h("span", { class: "mark", "aria-hidden": "true" }, ok ? "✓" : "✗"), " ", word, n > 1 ? ` ×${n}` : "", " ",
      h("span", { class: ok ? "outcome quiet" : "outcome" }, ` ${outcome} `), h("code", {}, technical));
  }
}

/** Calls of one method with one outcome in a row are one line, and how often. */
function folded(calls) {
  const lines = [];
  for (const call of calls) {
    const last = lines.at(-1);
    if (last && last[0].method === call.method && last[0].status === call.status) last[1] += 1;
    else lines.push([call, 1]);
  }
  return lines;
}

/**
 * Rows in order of time, each an update with the calls that were made of it, or calls that nobody asked for.
 *
 * Only what is needed of a call is taken: its parameters, where the texts are, are left out.
 */
export function together(updates, calls) {
  const rows = updates.map((update) => ({ key: `update ${update.update_id}`, at: update.at, update, calls: [] }));
  const byQuery = new Map(rows.map((row) => [row.update.query, row]));
  const alone = [];
  for (const { seq, at, method, chat, ok, status, description, fault, params } of calls) {
    if (SILENT.has(method) && ok) continue;
    const call = { seq, at, method, chat, ok, status, description, fault };
    const asked = params?.callback_query_id && byQuery.get(String(params.callback_query_id));
    const row = asked || rows.findLast((each) => each.update.chat === Number(chat) && chat !== null && each.at <= at
      && (!each.calls.length || at - each.at < OWN_IDEA));
    if (row) {
      row.calls.push(call);
      continue;
    }
    const last = alone.at(-1);
    if (last && last.calls[0].chat === chat && at - last.at < OWN_IDEA) last.calls.push(call);
    else alone.push({ key: `call ${seq}`, at, update: null, calls: [call] });
  }
  return [...rows, ...alone].sort((a, b) => a.at - b.at);
}
