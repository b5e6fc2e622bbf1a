/**
 * A map that asks nobody: the outline of the island, drawn here, with a pin.
 *
 * A picture from a map server would be a request that leaves the machine.
 */

import { h, openDialog, svg } from "./dom.js";
import { t } from "./words.js";

export const PLACES = [
  { name: "Santo Domingo", latitude: 18.4861, longitude: -69.9312 },
  { name: "Santiago", latitude: 19.4517, longitude: -70.697 },
  { name: "Dajabón", latitude: 19.5486, longitude: -71.7083 },
  { name: "Barahona", latitude: 18.2085, longitude: -71.1008 },
  { name: "Punta Cana", latitude: 18.5601, longitude: -68.3725 },
];

/** Longitude and latitude around Hispaniola, clockwise from Monte Cristi; about 5 km true. */
const COAST = [
  -71.65, 19.89, -71.3, 19.85, -70.95, 19.91, -70.69, 19.8, -70.4, 19.69, -70.15, 19.64, -69.95, 19.67, -69.87, 19.43,
  -69.74, 19.29, -69.35, 19.35, -69.16, 19.3, -69.2, 19.2, -69.5, 19.21, -69.62, 19.1, -69.4, 19.03, -69.1, 19.02,
  -68.75, 18.96, -68.45, 18.72, -68.32, 18.6, -68.44, 18.36, -68.62, 18.22, -68.78, 18.17, -68.85, 18.35, -69.1, 18.4,
  -69.55, 18.43, -69.9, 18.46, -70.05, 18.41, -70.18, 18.24, -70.38, 18.23, -70.55, 18.3, -70.7, 18.43, -70.95, 18.36,
  -71.08, 18.3, -71.1, 18.12, -71.12, 17.95, -71.3, 17.85, -71.4, 17.6, -71.55, 17.73, -71.68, 17.82, -71.77, 18.04,
  -72.05, 18.19, -72.5, 18.2, -73.0, 18.2, -73.45, 18.22, -73.85, 18.06, -74.1, 18.23, -74.45, 18.36, -74.3, 18.63,
  -73.9, 18.6, -73.5, 18.52, -73.0, 18.45, -72.7, 18.42, -72.38, 18.53, -72.42, 18.72, -72.7, 19.0, -72.72, 19.32,
  -72.9, 19.5, -73.25, 19.65, -73.43, 19.84, -73.1, 19.92, -72.75, 19.93, -72.3, 19.76, -72.0, 19.72, -71.77, 19.7,
];
const BORDER = [-71.75, 19.7, -71.68, 19.4, -71.85, 19.15, -71.63, 18.98, -72.0, 18.6, -71.72, 18.35, -71.78, 18.04];

const WEST = -74.6;
const NORTH = 20.62;
const SCALE = 46;

function point(longitude, latitude) {
  return `${((longitude - WEST) * SCALE * 0.95).toFixed(1)} ${((NORTH - latitude) * SCALE).toFixed(1)}`;
}

function path(numbers) {
  const points = [];
  for (let i = 0; i < numbers.length; i += 2) points.push(point(numbers[i], numbers[i + 1]));
  return `M${points.join("L")}`;
}

/** The island with a pin; a point elsewhere in the world shows the pin on open sea. */
export function map(latitude, longitude, label) {
  const near = longitude > -74.6 && longitude < -68.2 && latitude > 17.5 && latitude < 20.1;
  const [x, y] = near ? point(longitude, latitude).split(" ") : ["140", "80"];
  return svg("svg", { class: "map", viewBox: "0 0 282 146", role: "img", "aria-label": label },
    svg("rect", { class: "sea", width: "282", height: "146" }),
    ...(near ? [svg("path", { class: "land", d: `${path(COAST)}Z` }), svg("path", { class: "border", d: path(BORDER) })] : []),
    svg("g", { class: "pin", transform: `translate(${x} ${y})` },
      svg("ellipse", { class: "shadow", rx: "5", ry: "2" }),
      svg("path", { d: "M0 0C7-9 10-14 10-20A10 10 0 0 0-10-20C-10-14-7-9 0 0z" }),
      svg("circle", { cx: "0", cy: "-20", r: "3.8" })));
}

/** Asks for a place; `send(latitude, longitude)` is called once it is confirmed. */
export function askPlace(note, send) {
  const latitude = h("input", { type: "number", step: "any", min: "-90", max: "90", required: true, name: "latitude" });
  const longitude = h("input", { type: "number", step: "any", min: "-180", max: "180", required: true, name: "longitude" });
  const picture = h("div", { class: "map-frame" });
  const draw = () => picture.replaceChildren(map(Number(latitude.value), Number(longitude.value), t("place.map")));
  const choose = (place) => {
    latitude.value = place.latitude;
    longitude.value = place.longitude;
    draw();
  };
  const form = h("form", {
    method: "dialog",
    onsubmit: (event) => {
      event.preventDefault();
      dialog.close();
      send(Number(latitude.value), Number(longitude.value));
    },
  },
  note ? h("p", {}, note) : null,
  picture,
  h("fieldset", { class: "chips" }, h("legend", {}, t("place.presets")),
    PLACES.map((place, i) => h("label", { class: "chip" },
      h("input", { type: "radio", name: "place", checked: i === 0, onchange: () => choose(place) }), place.name))),
  h("div", { class: "pair" },
    h("label", {}, t("place.latitude"), latitude), h("label", {}, t("place.longitude"), longitude)),
  h("footer", {}, h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("cancel")),
    h("button", { type: "submit", class: "main" }, t("place.send"))));
  for (const input of [latitude, longitude]) input.addEventListener("input", draw);
  choose(PLACES[0]);
  const dialog = openDialog(t("place.title"), t("close"), form);
  form.querySelector(".main").focus();
}
