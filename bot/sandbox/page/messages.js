/**
 * One message as a bubble.
 *
 * What is drawn is the Bot API's own Message object, as the bot's library would read it: if a field is wrong
 * there, it is wrong here too, and somebody sees it.
 */

import { fileAddress } from "./api.js";
import { dayName, isoDay, locale, timeOfDay } from "./clock.js";
import { coloured, h, icon, iconButton, openDialog, set, svg } from "./dom.js";
import { link, ringed, textNodes } from "./entities.js";
import { map } from "./place.js";
import { language, t } from "./words.js";

/**
 * What stands in the list, top to bottom: days, and groups of messages (an album is one).
 *
 * Each has a `key` that stays the same while it exists and a `signature` that changes when it must be redrawn.
 */
export function arrange(messages) {
  const rows = [];
  let day = null;
  let album = null;
  for (const message of messages) {
    const today = isoDay(message.date);
    if (today !== day) {
      day = today;
      album = null;
      const date = dayName(message.date, language(), true);
      rows.push({ key: `day ${today}`, kind: "day", date, signature: date });
    }
    if (message.media_group_id && album?.id === message.media_group_id) {
      album.messages.push(message);
    } else {
      const row = { key: `message ${message.message_id}`, kind: "messages", id: message.media_group_id, messages: [message] };
      album = message.media_group_id ? row : null;
      rows.push(row);
    }
  }
  rows.forEach((row, i) => {
    if (row.kind !== "messages") return;
    const same = (other) => other?.kind === "messages" && other.messages[0].from_bot === row.messages[0].from_bot;
    row.first = !same(rows[i - 1]);
    row.last = !same(rows[i + 1]);
    row.signature = JSON.stringify([row.messages, language()]);
  });
  return rows;
}

/** What a row says, without what people think of it: when this changes, the bot has edited it. */
export function contentOf(row) {
  return row.kind === "day" ? row.date : JSON.stringify(row.messages.map(({ reactions, ...content }) => content));
}

/** The element of a row of `arrange`. */
export function rowElement(row, phone) {
  if (row.kind === "day") return h("div", { class: "day", role: "separator" }, h("span", {}, row.date));
  const [message] = row.messages;
  if (message.pinned_message) {
    return h("div", { class: "day" }, h("span", {}, `${t("message.pinned")}: ${summary(message.pinned_message)}`));
  }
  const told = row.messages.find((each) => each.caption ?? each.text) ?? message;
  const text = told.text ?? told.caption;
  const media = row.messages.some((each) => each.photo || each.video) ? "media" : message.location || message.venue ? "media" : "";
  const bubble = h("div", { class: `bubble ${media}` },
    message.forward_origin ? h("p", { class: "forwarded" }, t("message.forwarded")) : null,
    message.reply_to_message ? h("blockquote", { class: "reply" }, summary(message.reply_to_message)) : null,
    attachments(row.messages, phone),
    text ? h("div", { class: "text" }, textNodes(text, told.text ? told.entities : told.caption_entities, phone.languageCode, phone.acts)) : null,
    !text && !isKnown(message) ? h("p", { class: "forwarded" }, t("message.other")) : null,
    reactions(row.messages, phone),
    foot(row.messages));
  const editable = !told.from_bot && Boolean(text);
  const keyboard = message.reply_markup?.inline_keyboard;
  const sender = message.from_bot ? t("message.from.bot") : t("message.from.person", { name: phone.person.first_name });
  return h("article", {
    class: `row ${message.from_bot ? "bot" : "own"}`,
    "data-message": message.message_id,
    "aria-label": sender,
  },
  h("div", { class: "line" }, bubble,
    iconButton("more", t("message.options"), (event) => phone.messageMenu(event.currentTarget, told, text, editable),
      { class: "icon-button options", "aria-haspopup": "menu" })),
  keyboard?.length ? inlineKeyboard(keyboard, message, phone) : null);
}

/** A message in a few words, for a quote of it. */
export function summary(message) {
  const text = message.text ?? message.caption;
  if (text) return text.length > 90 ? `${text.slice(0, 88)}…` : text;
  if (message.photo) return t("message.photo");
  if (message.document) return message.document.file_name ?? t("message.document");
  return t("message.other");
}

function isKnown(message) {
  return ["photo", "video", "document", "audio", "voice", "location", "venue", "contact", "animation", "sticker", "video_note"]
    .some((kind) => message[kind]);
}

function foot(messages) {
  const message = messages.at(-1);
  const edited = messages.some((each) => each.edit_date);
  const ticks = message.from_bot ? null
    : h("span", { class: "ticks", role: "img", "data-messages": messages.map((each) => each.message_id).join(" ") },
      svg("svg", { viewBox: "0 0 22 14", "aria-hidden": "true" },
        svg("path", { d: "M2 7.5l4 4L14.5 2.5" }), svg("path", { class: "second", d: "M9 10.5l1.2 1L18.5 2.5" })));
  return h("div", { class: "foot" },
    edited ? h("span", { class: "edited" }, t("message.edited")) : null,
    h("time", { datetime: new Date(message.date * 1000).toISOString() }, timeOfDay(message.date)), ticks);
}

/** One tick: Telegram has it. Two: the bot has fetched it. Changed in place, so that nothing is read out again. */
export function markDelivery(log, undelivered) {
  const waiting = new Set(undelivered.map(String));
  for (const ticks of log.querySelectorAll(".ticks")) {
    const isWaiting = ticks.dataset.messages.split(" ").some((id) => waiting.has(id));
    if (ticks.dataset.waiting === String(isWaiting)) continue;
    ticks.dataset.waiting = String(isWaiting);
    const label = t(isWaiting ? "message.sent" : "message.taken");
    set(ticks, { "aria-label": label, title: label });
  }
}

/** What the bot and the person think of it; one's own can be taken back. */
function reactions(messages, phone) {
  const chips = messages.flatMap((message) => ["bot", "person"].flatMap((who) => (message.reactions?.[who] ?? []).map(({ emoji }) => {
    const whose = who === "bot" ? t("message.from.bot") : phone.person.first_name;
    const label = t("message.reaction", { emoji, name: whose });
    return who === "bot" ? h("span", { class: "reaction", role: "img", "aria-label": label, title: label }, coloured(emoji))
      : h("button", {
        type: "button", class: "reaction own", "aria-label": `${label}. ${t("message.reaction.remove")}`, title: t("message.reaction.remove"),
        onclick: () => phone.act("react", { message_id: message.message_id, emoji: null }),
      }, coloured(emoji));
  })));
  return chips.length ? h("div", { class: "reactions" }, chips) : null;
}

function attachments(messages, phone) {
  const visual = messages.filter((message) => message.photo || message.video || message.animation);
  const parts = [];
  if (visual.length) {
    parts.push(h("div", { class: `album n${Math.min(visual.length, 4)}` }, visual.map((message) => picture(message, visual.length === 1))));
  }
  for (const message of messages) {
    const { document, audio, voice, venue, location, contact } = message;
    if (document && !message.animation) parts.push(file(document));
    if (audio) parts.push(sound(audio, audio.title ?? audio.file_name ?? t("message.audio")));
    if (voice) parts.push(sound(voice, t("message.voice")));
    if (venue) parts.push(place(venue.location, venue.title, venue.address));
    else if (location) parts.push(place(location));
    if (contact) {
      parts.push(h("div", { class: "contact" }, h("span", { class: "avatar small", "aria-hidden": "true" }, icon("contact")),
        h("span", {}, h("b", {}, `${contact.first_name} ${contact.last_name ?? ""}`.trim()), h("small", {}, contact.phone_number))));
    }
  }
  return parts;
}

/** The photo's room is kept before it has loaded, so that the list does not jump. */
function picture(message, alone) {
  const largest = message.photo?.at(-1);
  const moving = message.video ?? message.animation;
  const size = largest ?? moving;
  const address = fileAddress(size.file_id);
  if (moving) {
    return h("video", { src: address, controls: true, preload: "metadata", "aria-label": t("message.video") });
  }
  const name = message.caption || t("message.photo");
  const button = h("button", {
    type: "button",
    class: message.has_media_spoiler ? "picture veiled" : "picture",
    "aria-label": t(message.has_media_spoiler ? "message.media.spoiler" : "message.photo.open"),
    onclick: () => {
      if (button.classList.contains("veiled")) {
        button.classList.remove("veiled");
        button.setAttribute("aria-label", t("message.photo.open"));
      } else {
        openDialog(t("message.photo"), t("close"), h("img", { class: "whole", src: address, alt: name })).classList.add("viewer");
      }
    },
  }, h("img", { src: address, alt: name, width: size.width, height: size.height, loading: "eager" }));
  if (alone && size.width && size.height) {
    button.style.aspectRatio = String(size.width / size.height);
  }
  return button;
}

function file(document) {
  const name = document.file_name ?? t("message.document");
  const ending = /\.([a-z0-9]{1,5})$/i.exec(name)?.[1] ?? "";
  const opens = document.mime_type === "application/pdf" && navigator.pdfViewerEnabled;
  return h("a", {
    class: "file", href: fileAddress(document.file_id), download: name, "aria-label": t(opens ? "message.open" : "message.download", { name }),
    onclick: opens ? (event) => openPages(event, document, name) : null,
  },
  h("span", { class: `file-mark ${ending.toLowerCase()}`, "aria-hidden": "true" }, ending ? ending.toUpperCase() : icon("file")),
  h("span", { class: "file-name" }, h("b", {}, name), h("small", {}, bytes(document.file_size))));
}

/** A page is seen whole where the browser can show one, with the way to keep it. */
function openPages(event, document, name) {
  event.preventDefault();
  const address = fileAddress(document.file_id);
  openDialog(name, t("close"),
    h("iframe", { src: `${address}#toolbar=0&navpanes=0&view=Fit`, title: name }),
    h("footer", {}, h("a", { href: address, download: name }, t("message.download", { name })))).classList.add("pages");
}

function sound(media, name) {
  return h("figure", { class: "sound" }, h("figcaption", {}, name),
    h("audio", { controls: true, preload: "none", src: fileAddress(media.file_id), "aria-label": name }));
}

function place(location, title, address) {
  const where = `${location.latitude.toFixed(5)}, ${location.longitude.toFixed(5)}`;
  return h("figure", { class: "place" }, map(location.latitude, location.longitude, `${t("message.place")}: ${title ?? where}`),
    h("figcaption", {}, title ? h("b", {}, title) : null, address ? h("small", {}, address) : null,
      h("small", {}, location.horizontal_accuracy ? `${where} · ±${location.horizontal_accuracy} m` : where)));
}

export function bytes(size) {
  if (!size) return "";
  const units = ["B", "KB", "MB"];
  const power = Math.min(2, Math.floor(Math.log(size) / Math.log(1024)));
  const amount = new Intl.NumberFormat(locale(language()), { maximumFractionDigits: 1 }).format(size / 1024 ** power);
  return `${amount} ${units[power]}`;
}

function inlineKeyboard(rows, message, phone) {
  return h("div", { class: "inline-keyboard", role: "group", "aria-label": t("message.keyboard") },
    rows.map((row) => h("div", { class: row.length > 4 ? "keys tight" : "keys" }, row.map((button) => inlineButton(button, message, phone)))));
}

function inlineButton(button, message, phone) {
  const look = { class: `key ${["danger", "success", "primary"].includes(button.style) ? button.style : ""}`, title: button.text };
  const label = h("span", { class: "label" }, ringed(button.text));
  const address = button.url ?? button.web_app?.url ?? button.login_url?.url;
  if (address) return link(address, [label, icon("open")], phone.acts, look);
  const key = h("button", { type: "button", ...look }, label);
  if (button.callback_data !== undefined) {
    key.dataset.data = button.callback_data;
    key.append(spinner());
    key.addEventListener("click", () => phone.taps.tap(message.message_id, button.callback_data));
    if (phone.taps.isWaiting(message.message_id, button.callback_data)) markWaiting(key, true);
  } else if (button.copy_text) {
    key.addEventListener("click", () => phone.copy(button.copy_text.text));
  } else if (button.switch_inline_query_current_chat !== undefined) {
    key.addEventListener("click", () => phone.composer.write(`@${phone.acts.username()} ${button.switch_inline_query_current_chat}`));
  } else {
    key.disabled = true;
  }
  return key;
}

function spinner() {
  return svg("svg", { class: "spinner", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("circle", { cx: "12", cy: "12", r: "9" }));
}

/** A tapped button turns until the bot answers; it can still be tapped, as a real one can. */
export function markWaiting(key, waiting) {
  key.classList.toggle("waiting", waiting);
  key.setAttribute("aria-busy", String(waiting));
}
