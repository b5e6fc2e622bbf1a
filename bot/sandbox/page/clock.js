/**
 * The sandbox's time, as the phones show it.
 *
 * The sandbox lives in October 2018 and the browser does not, and its phones are in Santo Domingo wherever the
 * browser is: nothing here uses the browser's own time or zone.
 */

let zone = "America/Santo_Domingo";
let anchor = { sandbox: 0, browser: 0 };
let known = false;

/** The sandbox says what time it is; between two such words time is taken to pass as usual. */
export function learn(now, timezone) {
  anchor = { sandbox: now, browser: performance.now() };
  known = true;
  if (timezone) zone = timezone;
}

export function isKnown() {
  return known;
}

/** The sandbox's time in unix seconds. */
export function now() {
  return anchor.sandbox + (performance.now() - anchor.browser) / 1000;
}

export function isoDay(unix) {
  const parts = wall(unix);
  return `${parts.year}-${parts.month}-${parts.day}`;
}

export function timeOfDay(unix, seconds = false) {
  const parts = wall(unix);
  return `${parts.hour}:${parts.minute}${seconds ? `:${parts.second}` : ""}`;
}

/** `miércoles, 3 de octubre de 2018`; the year is left out when it is the sandbox's own and `short` is asked. */
export function dayName(unix, language, short = false) {
  const sameYear = wall(unix).year === wall(now()).year;
  return write(unix, language, short
    ? { day: "numeric", month: "long", ...(sameYear ? {} : { year: "numeric" }) }
    : { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

/** `5 oct`. */
export function shortDay(unix, language) {
  return write(unix, language, { day: "numeric", month: "short" });
}

/** Where the phones are, and how far from Greenwich: `Santo Domingo, UTC−4`. */
export function zoneName(unix) {
  const parts = format("en-GB", { timeZoneName: "shortOffset" }).formatToParts(unix * 1000);
  const offset = parts.find((part) => part.type === "timeZoneName").value.replace("GMT", "UTC").replace("-", "−");
  return `${zone.split("/").at(-1).replaceAll("_", " ")}, ${offset}`;
}

/** `2018-10-03T08:00`, what a datetime-local input takes. */
export function localInput(unix) {
  return `${isoDay(unix)}T${timeOfDay(unix)}`;
}

/** The unix time of `2018-10-03T08:00` on a wall clock of the zone. */
export function fromLocalInput(text) {
  const asUtc = Date.parse(`${text.length === 16 ? `${text}:00` : text}Z`) / 1000;
  const offset = (unix) => Date.parse(`${localInput(unix)}:00Z`) / 1000 - Math.floor(unix / 60) * 60;
  const guess = asUtc - offset(asUtc);
  return asUtc - offset(guess);
}

/** The next Monday 08:30 that is still to come. */
export function nextMonday() {
  for (let days = 0; days <= 8; days += 1) {
    const day = isoDay(now() + days * 86400);
    const moment = fromLocalInput(`${day}T08:30`);
    if (new Date(`${day}T12:00:00Z`).getUTCDay() === 1 && moment > now()) return moment;
  }
  return now() + 7 * 86400;
}

/**
 * A moment in the format of a date_time entity: `r`, or any of `w`, `d` or `D`, `t` or `T` in this order.
 *
 * Source: Bot API, "date-time entity formatting". An empty or unknown format gives null: the text stays as written.
 */
export function formatted(unix, shape, language) {
  if (shape === "r") return relative(unix, language);
  const match = /^(w?)([dD]?)([tT]?)$/.exec(shape ?? "");
  if (!match || !shape) return null;
  const [, w, d, t] = match;
  const options = {
    ...(w && { weekday: "long" }),
    ...(d === "d" && { day: "2-digit", month: "2-digit", year: "2-digit" }),
    ...(d === "D" && { day: "numeric", month: "long", year: "numeric" }),
  };
  const date = Object.keys(options).length ? write(unix, language, options) : "";
  const time = t ? timeOfDay(unix, t === "T") : "";
  return [date, time].filter(Boolean).join(", ");
}

function relative(unix, language) {
  const seconds = unix - now();
  const units = [["year", 31556952], ["month", 2629746], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units.at(-1);
  return new Intl.RelativeTimeFormat(locale(language), { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

/** Browsers have no dates in Creole; French is what the bot uses too. */
export function locale(language) {
  return { en: "en-GB", fr: "fr", ht: "fr" }[language] ?? "es";
}

function write(unix, language, options) {
  return format(locale(language), options).format(unix * 1000);
}

const WALL = {
  hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
};

function wall(unix) {
  return Object.fromEntries(format("en-GB", WALL).formatToParts(unix * 1000).map((part) => [part.type, part.value]));
}

const formats = new Map();

/** A format in the phones' zone. To make one takes a hundred times as long as to use it, and each message shows its time. */
function format(tag, options) {
  const key = JSON.stringify([tag, zone, options]);
  let made = formats.get(key);
  if (!made) formats.set(key, made = new Intl.DateTimeFormat(tag, { timeZone: zone, ...options }));
  return made;
}
