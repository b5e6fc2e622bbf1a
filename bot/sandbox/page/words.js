/**
 * What the page itself says: a file for each language, in the same words as the bot's own.
 *
 * This is the wording of the sandbox's own controls. What the bot says comes from the bot, in the language of
 * each phone, and is not translated here.
 */

import en from "./words.en.js";
import es from "./words.es.js";
import fr from "./words.fr.js";
import ht from "./words.ht.js";

const WORDS = { es, en, fr, ht };

/** The languages of the page, each by its own name. */
export const LANGUAGES = { es: "Español", en: "English", fr: "Français", ht: "Kreyòl ayisyen" };

/** What was chosen here; else the first of the browser's languages that the page speaks. */
let current = [remembered("enlace.language"), ...(navigator.languages ?? []).map((tag) => tag.split("-")[0])]
  .find((code) => code in WORDS) ?? "es";

export function language() {
  return current;
}

export function setLanguage(code) {
  current = code in WORDS ? code : "es";
  remember("enlace.language", current);
}

/** The sentence of a key in the page's language, `{names}` filled. */
export function t(key, values = {}) {
  const sentence = WORDS[current][key] ?? WORDS.es[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** A text that the sandbox was given: as it is, or in the page's language if it came in several. */
export function worded(text) {
  return typeof text === "object" && text ? (text[current] ?? text.en ?? Object.values(text)[0]) : text;
}

/** Storage may be forbidden (private windows): the page then forgets, and works. */
export function remembered(key, store = "localStorage") {
  try {
    return globalThis[store].getItem(key);
  } catch {
    return null;
  }
}

export function remember(key, value, store = "localStorage") {
  try {
    if (value === null || value === "") globalThis[store].removeItem(key);
    else globalThis[store].setItem(key, value);
  } catch {
    // nothing is lost but the memory of a preference
  }
}
