/**
 * Elements made of data, never of markup.
 *
 * What people and the bot write is shown here, and some of it will contain `<script>`: nothing on this page
 * turns a string into HTML. A child that is a string becomes a text node.
 */

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; `on…` attributes are listeners, null and false ones are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  set(element, attributes);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Attributes as `h` takes them, on an element that exists. */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  return element;
}

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const ICONS = {
  attach: "M16.5 6.5v9.7a4.5 4.5 0 0 1-9 0V5.8a3 3 0 0 1 6 0v9.9a1.5 1.5 0 0 1-3 0V6.5",
  back: "M15 5l-7 7 7 7",
  camera: "M4 8h3.5l1.5-2.5h6L16.5 8H20v11H4zM12 16.5a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  contact: "M12 12a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM5 19.5c.8-3.6 3.6-5 7-5s6.2 1.4 7 5",
  down: "M6 9.5l6 6 6-6",
  edit: "M4.5 19.5l1-4.2L16 4.8l3.2 3.2L8.7 18.5z",
  file: "M7 3.5h7l4 4v13H7zM14 3.5v4h4",
  gear: "M12 15.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M18.4 5.6l-2.2 2.2M7.8 16.2l-2.2 2.2",
  globe: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM3.5 12h17M12 3.5c3 2.6 3.6 5.4 3.6 8.5s-.6 5.9-3.6 8.5c-3-2.6-3.6-5.4-3.6-8.5s.6-5.9 3.6-8.5z",
  hand: "M9 11.5V5.2a1.4 1.4 0 0 1 2.8 0v5.3M11.8 10.5V9.2a1.4 1.4 0 0 1 2.8 0v1.6M14.6 10.8a1.4 1.4 0 0 1 2.8 0v3.4c0 3.4-1.9 6.3-5.2 6.3-2.4 0-3.6-1.2-4.7-3l-2.3-3.8c-.8-1.3.9-2.6 2-1.4L9 14.2",
  keyboard: "M3.5 7h17v10.5h-17zM7 10.5h.01M10.5 10.5h.01M14 10.5h.01M17.2 10.5h.01M8 14.3h8",
  more: "M12 5.5h.01M12 12h.01M12 18.5h.01",
  music: "M9 18V6l10-2v12M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0zM19 16a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z",
  open: "M8 16L17 7M9.5 7H17v7.5",
  pin: "M12 21c4-4.7 6-8 6-11a6 6 0 0 0-12 0c0 3 2 6.3 6 11zM12 12.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6z",
  plus: "M12 5v14M5 12h14",
  clock: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5V12l3 2",
  list: "M8.5 6.5h11M8.5 12h11M8.5 17.5h11M4.5 6.5h.01M4.5 12h.01M4.5 17.5h.01",
  map: "M9 5L4 7v12l5-2 6 2 5-2V5l-5 2zM9 5v12M15 7v12",
  power: "M12 4v7.5M7.3 6.8a7 7 0 1 0 9.4 0",
  reply: "M10 6L4.5 11.5 10 17M4.5 11.5H14a5.5 5.5 0 0 1 5.5 5.5v1",
  send: "M4 12l16-7.5-5 16-3.5-6.5zM11.5 14L20 4.5",
};

/** A line drawing, hidden from screen readers: the control that carries it has a label of its own. */
export function icon(name) {
  return svg("svg", { class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

/** A button that is only a drawing: its label is both its accessible name and its tooltip. */
export function iconButton(name, label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
}

export function initials(name) {
  const words = name.split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0]).join("").toUpperCase() || "?";
}

/** A person's initials on a colour that stays theirs. */
export function avatar(person, size = "") {
  return h("span", { class: `avatar ${size} tone${Math.abs(person.id) % 7}`, "aria-hidden": "true" }, initials(person.first_name));
}

/** The emoji in colour: some, such as the heart, are drawn as text unless they are asked not to be. */
export function coloured(emoji) {
  return emoji.length === 1 ? `${emoji}\uFE0F` : emoji;
}

/**
 * A menu beside its button. An item with `picks` is a row of small ones.
 *
 * Arrow keys, Home and End move; Enter chooses; Esc, Tab and a click elsewhere close it. Focus returns to the
 * button unless the chosen item took it somewhere else.
 */
export function openMenu(anchor, label, items) {
  document.querySelector(".menu")?.dispatchEvent(new Event("menu:close"));
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label });
  const outside = (event) => {
    if (!menu.contains(event.target) && !anchor.contains(event.target)) close(false);
  };
  const away = () => close(menu.contains(document.activeElement));
  function close(returnFocus = true) {
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("resize", away);
    if (returnFocus) anchor.focus();
  }
  const entry = (item, kind) => h("button", {
    type: "button",
    role: item.checked === undefined ? "menuitem" : "menuitemcheckbox",
    "aria-checked": item.checked === undefined ? null : String(item.checked),
    "aria-label": item.label,
    class: item.danger ? `${kind} danger` : kind,
    tabindex: "-1",
    onclick: () => {
      close();
      item.choose();
    },
  }, item.icon ? icon(item.icon) : null, h("span", {}, item.name), item.detail ? h("small", {}, item.detail) : null,
  item.checked && kind === "menu-item" ? icon("check") : null);
  for (const item of items) {
    menu.append(item.picks
      ? h("div", { class: "menu-picks", role: "group", "aria-label": item.label }, item.picks.map((pick) => entry(pick, "menu-pick")))
      : entry(item, "menu-item"));
  }
  menu.addEventListener("menu:close", away);
  menu.addEventListener("keydown", (event) => {
    const buttons = [...menu.querySelectorAll("button")];
    const here = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      buttons.at(to % buttons.length).focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  anchor.closest("main").append(menu); // a screen reader finds no page content outside of a landmark
  anchor.setAttribute("aria-expanded", "true");
  const from = anchor.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const roomBelow = innerHeight - from.bottom;
  menu.style.left = `${Math.max(8, Math.min(from.left, innerWidth - size.width - 8))}px`;
  menu.style.top = `${Math.max(8, roomBelow > size.height + 12 ? from.bottom + 6 : from.top - size.height - 6)}px`;
  document.addEventListener("pointerdown", outside, true);
  window.addEventListener("resize", away);
  menu.querySelector("button")?.focus();
}

/** A modal window; it removes itself when it closes, and the browser gives focus back. */
export function openDialog(title, closeLabel, ...content) {
  const dialog = h("dialog", { class: "dialog", "aria-label": title },
    h("header", {}, h("h2", {}, title), iconButton("close", closeLabel, () => dialog.close())),
    ...content);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
