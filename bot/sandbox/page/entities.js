/**
 * A message's text with its entities as elements.
 *
 * Telegram counts entity offsets in UTF-16 code units, which is how JavaScript counts: an emoji before a bold
 * word needs no correction here. Entities nest; one that crosses its neighbour's end is cut in two.
 */

import { dayName, formatted, timeOfDay } from "./clock.js";
import { h } from "./dom.js";
import { t } from "./words.js";

/** The nodes of a text. `acts`: command(text), start(code); `language`: the phone's, for dates. */
export function textNodes(text, entities, language, acts) {
  const usable = (entities ?? [])
    .filter((entity) => entity.length > 0 && entity.offset >= 0 && entity.offset < text.length)
    .map((entity) => ({ ...entity, end: Math.min(text.length, entity.offset + entity.length) }));
  const covered = usable.filter((entity) => CLICKABLE.has(entity.type) || entity.type === "code" || entity.type === "pre");
  const found = detected(text).filter((link) => !covered.some((entity) => link.offset < entity.end && entity.offset < link.end));
  const all = [...usable, ...found].sort((a, b) => a.offset - b.offset || b.end - a.end);
  return trimmed(nest(text, 0, text.length, all, { language, acts })).flatMap((node) => (typeof node === "string" ? ringed(node) : [node]));
}

const EDGED = { "⚪": "ring", "⬜": "ring frame" };

/** The white circle and square are drawn with an edge, as in Telegram and in the pictures: a browser's own are hardly seen. */
export function ringed(text) {
  return text.split(/([⚪⬜])/u).filter(Boolean).map((part) => (part in EDGED ? h("span", { class: EDGED[part] }, part) : part));
}

/** A block makes its own line: the line feeds that surround it in the text would show as empty lines. */
function trimmed(nodes) {
  const isBlock = (node) => node instanceof Element && node.matches("pre, blockquote");
  return nodes.map((node, i) => {
    if (typeof node !== "string") return node;
    const after = isBlock(nodes[i - 1]) ? node.replace(/^\n/, "") : node;
    return isBlock(nodes[i + 1]) ? after.replace(/\n$/, "") : after;
  });
}

const CLICKABLE = new Set(["url", "text_link", "email", "phone_number", "mention", "text_mention", "bot_command", "hashtag"]);

/** Links and commands that carry no entity: a client finds them itself. */
function detected(text) {
  const found = [];
  for (const match of text.matchAll(/https?:\/\/[^\s<>"]+[^\s<>".,;:!?)]/g)) {
    found.push({ type: "url", offset: match.index, end: match.index + match[0].length });
  }
  for (const match of text.matchAll(/(?<=^|\s)\/[a-z][a-z0-9_]{0,31}(?![\w/])/gi)) {
    found.push({ type: "bot_command", offset: match.index, end: match.index + match[0].length });
  }
  return found;
}

function nest(text, from, to, entities, context) {
  const nodes = [];
  const queue = [...entities];
  let at = from;
  while (queue.length) {
    const entity = queue.shift();
    const start = Math.max(entity.offset, at);
    const end = Math.min(entity.end, to);
    if (start >= end) continue;
    if (start > at) nodes.push(text.slice(at, start));
    const inside = [];
    while (queue.length && queue[0].offset < end) {
      const child = queue.shift();
      inside.push({ ...child, end: Math.min(child.end, end) });
      if (child.end > end) {
        const rest = { ...child, offset: end };
        const place = queue.findIndex((other) => other.offset > end);
        queue.splice(place < 0 ? queue.length : place, 0, rest);
      }
    }
    nodes.push(element(entity, text.slice(start, end), nest(text, start, end, inside, context).flatMap((node) => (typeof node === "string" ? ringed(node) : [node])), context));
    at = end;
  }
  if (at < to) nodes.push(text.slice(at, to));
  return nodes;
}

function element(entity, text, children, { language, acts }) {
  switch (entity.type) {
    case "bold": return h("strong", {}, children);
    case "italic": return h("em", {}, children);
    case "underline": return h("u", {}, children);
    case "strikethrough": return h("s", {}, children);
    case "code": return h("code", {}, children);
    case "pre": return h("pre", {}, h("code", { "data-language": entity.language ?? null }, children));
    case "blockquote": return h("blockquote", {}, children);
    case "expandable_blockquote": return expandable(children);
    case "spoiler": return spoiler(children);
    case "date_time": return moment(entity, children, language);
    case "text_link": return link(entity.url, children, acts);
    case "url": return link(/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`, children, acts);
    case "email": return link(`mailto:${text}`, children, acts);
    case "phone_number": return link(`tel:${text.replace(/[^\d+]/g, "")}`, children, acts);
    case "bot_command": return h("button", { type: "button", class: "inline-link", onclick: () => acts.command(text) }, children);
    case "mention": case "text_mention": case "hashtag": case "cashtag": return h("span", { class: "reference" }, children);
    default: return h("span", {}, children);
  }
}

function expandable(children) {
  const quote = h("blockquote", { class: "folded" }, h("div", {}, children));
  quote.append(h("button", {
    type: "button", class: "inline-link", "aria-expanded": "false",
    onclick: (event) => {
      const folded = quote.classList.toggle("folded");
      event.currentTarget.setAttribute("aria-expanded", String(!folded));
      event.currentTarget.textContent = t(folded ? "message.more" : "message.less");
    },
  }, t("message.more")));
  return quote;
}

/** Hidden until it is asked for, from screen readers too. */
function spoiler(children) {
  const hidden = h("span", { class: "spoiler-text", "aria-hidden": "true" }, children);
  const cover = h("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": t("message.spoiler") }, hidden);
  const reveal = () => {
    cover.classList.add("shown");
    for (const name of ["role", "tabindex", "aria-label"]) cover.removeAttribute(name);
    hidden.removeAttribute("aria-hidden");
  };
  cover.addEventListener("click", reveal);
  cover.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      reveal();
    }
  });
  return cover;
}

function moment(entity, children, language) {
  const unix = entity.unix_time;
  const shown = formatted(unix, entity.date_time_format, language);
  return h("time", {
    datetime: new Date(unix * 1000).toISOString(),
    title: `${dayName(unix, language)}, ${timeOfDay(unix)}`,
    "data-relative": entity.date_time_format === "r" ? unix : null,
    "data-language": language,
  }, shown ?? children);
}

/** Relative dates grow old while they are read. */
export function refreshRelativeTimes(root) {
  for (const time of root.querySelectorAll("time[data-relative]")) {
    const text = formatted(Number(time.dataset.relative), "r", time.dataset.language);
    if (time.textContent !== text) time.textContent = text;
  }
}

/** The code of an invitation link to this bot, or null for any other address. */
export function startCode(url, username) {
  const match = /^(?:https?:\/\/)?(?:t|telegram)\.me\/([A-Za-z0-9_]+)\/?\?(?:[^#]*&)?start=([\w-]{1,64})/i.exec(url)
    ?? /^tg:\/\/resolve\?domain=([A-Za-z0-9_]+)&start=([\w-]{1,64})/i.exec(url);
  if (!match || (username && match[1].toLowerCase() !== username.toLowerCase())) return null;
  return match[2];
}

/** A link, if its scheme is harmless: `javascript:` and its kind stay plain text. */
export function link(url, children, acts, attributes = {}) {
  const code = startCode(url ?? "", acts.username());
  if (code !== null) {
    return h("a", {
      href: url, rel: "noopener noreferrer", ...attributes,
      onclick: (event) => {
        event.preventDefault();
        acts.start(code);
      },
    }, children);
  }
  if (!/^(https?|mailto|tel):/i.test(url ?? "")) return h("span", { class: "reference", title: url }, children);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer", ...attributes }, children);
}
