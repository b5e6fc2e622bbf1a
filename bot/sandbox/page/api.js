/**
 * The sandbox's control API.
 *
 * Several phones change at once and the bot answers in bursts: a reading that is asked for while one is under
 * way is made once more afterwards, never twice at the same time, so an older answer cannot arrive last.
 */

import { t } from "./words.js";

export class Refused extends Error {}

/** The JSON of a path; `null` where it does not exist. */
export async function get(path) {
  const response = await reach(path, {});
  if (response.status === 404) return null;
  return body(response);
}

/** Does something, and gives what the sandbox says about it. Throws `Refused` with its reason. */
export async function post(path, payload) {
  const form = payload instanceof FormData;
  const response = await reach(path, {
    method: "POST",
    headers: form ? {} : { "Content-Type": "application/json" },
    body: form ? payload : JSON.stringify(payload ?? {}),
  });
  return body(response);
}

export async function remove(path) {
  return body(await reach(path, { method: "DELETE" }));
}

export function fileAddress(fileId) {
  return `/sandbox/files/${encodeURIComponent(fileId)}`;
}

async function reach(path, options) {
  try {
    return await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new Refused(t("error.network"));
  }
}

async function body(response) {
  const text = await response.text();
  let json = null;
  try {
    json = text ? JSON.parse(text) : null;
  } catch {
    // an error page; its status says enough
  }
  if (!response.ok) {
    throw new Refused(json?.error ?? json?.description ?? json?.detail ?? `${response.status} ${response.statusText}`);
  }
  return json;
}

/** Makes a reading that never overlaps itself: calls during one are answered by the next. */
export function oneAtATime(reading) {
  let running = null;
  let next = null;
  return function run() {
    if (running) {
      next ??= running.then(() => {
        next = null;
        return run();
      });
      return next;
    }
    running = reading().finally(() => {
      running = null;
    });
    return running;
  };
}

/**
 * Listens to the sandbox for as long as the page is open.
 *
 * `onevent` gets each event; `onopen` is called at every (re)connection, when whatever happened meanwhile must
 * be read again; `onlost` when the connection is gone.
 */
export function listen({ onevent, onopen, onlost }) {
  let pause = 500;
  const connect = () => {
    const source = new EventSource("/sandbox/events");
    source.addEventListener("open", () => {
      pause = 500;
      onopen();
    });
    source.addEventListener("message", (event) => onevent(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      onlost();
      source.close();
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, 8000);
    });
  };
  connect();
}
