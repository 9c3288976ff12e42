// What makes reading quicker. Every page works without it, and nothing here knows what an address is.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const kept = (name) => document.cookie.split("; ").find((each) => each.startsWith(`${name}=`))?.split("=")[1];
const keep = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=strict`; };
const say = (text) => { $("#said").textContent = text; };

/** A part of the page that comes after the rest: its place holds a link for readers without scripts. */
class LaterPart extends HTMLElement {
  async connectedCallback() {
    if (this.hasAttribute("every")) await new Promise((done) => setTimeout(done, Number(this.getAttribute("every"))));
    if (this.classList.contains("names")) return; // asked only on demand: $("a").onclick below
    await this.load();
  }

  async load() {
    try {
      const answer = await fetch(this.getAttribute("src"), { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const parts = [...page.body.childNodes];
      this.replaceWith(...parts);
      parts.forEach(localTimes);
      $$("figure.bars").forEach(brush);
    } catch {
      this.append(" (it did not come: follow the link)");
    }
  }
}
customElements.define("later-part", LaterPart);

document.addEventListener("click", (event) => {
  const part = event.target.closest?.("later-part.names");
  if (part) { event.preventDefault(); part.load(); }
  const copied = event.target.closest?.("[data-copy]");
  if (copied) copy($(`#${copied.dataset.copy}`).textContent, "Summary copied");
  const name = event.target.closest?.("[data-do]")?.dataset.do;
  if (name in DO) DO[name](event.target);
});

async function copy(text, told) {
  try { await navigator.clipboard.writeText(text); say(told); } catch { say("The browser refused to copy"); }
}

/* Times: UTC as they come, in the reader's own zone if wanted; always with date, seconds and zone. */
function localTimes(root) {
  if (kept("unmasq_zone") !== "local" || !root.querySelectorAll) return;
  for (const time of $$("time[datetime]", root)) {
    const at = new Date(time.dateTime);
    time.title = time.textContent;
    time.textContent = `${new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19).replace("T", " ")}${offset(at)}`;
  }
}

function offset(at) {
  const minutes = -at.getTimezoneOffset();
  const two = (number) => String(Math.abs(number)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`;
}

/* Live: new flows on top; it waits while the reader is further down or has a row open. */
let stream = null;
const waiting = [];

function live(button) {
  if (stream) { stream.close(); stream = null; } else {
    const here = new URL(location.href);
    here.searchParams.delete("after");
    stream = new EventSource(`/flows/live${here.search}`);
    stream.addEventListener("flow", (event) => { waiting.push(event.data); if (waiting.length > 500) waiting.shift(); arrive(); });
    stream.addEventListener("missed", (event) => say(`Live: ${event.data} flows came too fast to be shown here; a filter shows fewer, a reload all`));
    stream.addEventListener("error", () => say("Live: the connection is lost, trying again"));
  }
  button.setAttribute("aria-pressed", String(Boolean(stream)));
  say(stream ? "Live" : "Not live any more");
}

function arrive() {
  const rows = $("table.flows tbody");
  const isReading = scrollY > rows.getBoundingClientRect().top + scrollY || $("details[open]", rows);
  if (isReading) { say(`${waiting.length} new flows wait: close the row or scroll up`); return; }
  while (waiting.length) {
    const holder = document.createElement("template");
    holder.innerHTML = waiting.shift();
    const row = holder.content.firstElementChild;
    document.getElementById(row.id)?.remove();
    row.classList.add("fresh");
    rows.prepend(row);
    localTimes(row);
  }
  $$("tr", rows).slice(500).forEach((row) => row.remove());
}
addEventListener("scroll", () => { if (waiting.length) arrive(); }, { passive: true });
document.addEventListener("toggle", () => { if (waiting.length) arrive(); }, true);

/* The window. */
function window_() {
  const bars = $("figure.bars");
  const ends = bars && [bars.dataset.since, bars.dataset.until];
  const said = ["since", "until"].map((name) => $(`.window [name=${name}]`)?.value);
  const [since, until] = [0, 1].map((end) => Date.parse(said[end] || ends?.[end] || ""));
  return [since, Number.isNaN(until) ? Date.now() : until];
}

function during(since, until) {
  if (Number.isNaN(since) || !(since < until)) return;
  const here = new URL(location.href);
  for (const name of ["last", "after", "since", "until"]) here.searchParams.delete(name);
  here.searchParams.set("since", new Date(since).toISOString());
  here.searchParams.set("until", new Date(until).toISOString());
  return here;
}
const look = (since, until) => { const there = during(since, until); if (there) location.assign(there); };

function brush(figure) {
  const svg = $("svg", figure);
  if (!svg || figure.brushed) return;
  figure.brushed = true;
  let from = null;
  const part = (event) => {
    const plot = ($(".bars", svg) ?? svg).getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - plot.left) / plot.width));
  };
  svg.addEventListener("pointerdown", (event) => { from = event.button === 0 ? part(event) : null; });
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  addEventListener("pointerup", (event) => {
    if (from === null) return;
    const [start, end] = [from, part(event)].sort((a, b) => a - b);
    from = null;
    if (end - start < 0.01) return; // a click: the bar is a link of its own
    svg.addEventListener("click", (click) => click.preventDefault(), { capture: true, once: true });
    const [since, until] = [figure.dataset.since, figure.dataset.until].map(Date.parse);
    look(since + start * (until - since), since + end * (until - since));
  });
}

/* Keys. None is needed, and all can be switched off. */
function rows() { return $$("main tbody tr").filter((row) => row.offsetParent && !row.closest(".facet, .chain, .known")); }

function move(step) {
  const all = rows();
  const at = all.findIndex((row) => row.classList.contains("at"));
  const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
  all[at]?.classList.remove("at");
  next?.classList.add("at");
  ($("summary", next) ?? $("a", next))?.focus();
}

function pick(sign) {
  const link = document.activeElement?.closest?.("tr")?.querySelectorAll("a.pm")[sign === "+" ? 0 : 1];
  link?.click();
}

const KEYS = {
  "/": () => { $("#q").focus(); $("#q").select(); },
  "?": () => DO.help(),
  j: () => move(1),
  k: () => move(-1),
  "+": () => pick("+"),
  "-": () => pick("-"),
  "[": () => { const [since, until] = window_(); look(since - (until - since), since); },
  "]": () => { const [since, until] = window_(); look(until, until + (until - since)); },
  z: () => { const [since, until] = window_(); const half = (until - since) / 2; look(since - half, Math.min(until + half, Date.now())); },
  y: () => { const [since, until] = window_(); copy(String(during(since, until) ?? location.href), "Link copied, with fixed times"); },
};

addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, dialog");
  if (event.target.id === "q" && event.key === "Enter" && !event.shiftKey) { event.preventDefault(); event.target.form.requestSubmit(); return; }
  if (event.target.id === "q" && event.key === "Escape") event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || kept("unmasq_keys") === "off") return;
  if (event.key in KEYS) { event.preventDefault(); KEYS[event.key](); }
});

const DO = {
  live,
  help: () => $("#help").showModal(),
  keys: (box) => keep("unmasq_keys", box.checked ? "on" : "off"),
  theme: (button) => {
    const next = { "": "light", light: "dark", dark: "" }[document.documentElement.dataset.theme] ?? "";
    document.documentElement.dataset.theme = next;
    keep("unmasq_theme", next);
    button.textContent = next || "system";
    say(`Theme: ${next || "as the system has it"}`);
  },
  zone: () => { keep("unmasq_zone", kept("unmasq_zone") === "local" ? "utc" : "local"); location.reload(); },
};

$$("[data-do], [data-copy]").forEach((each) => { each.hidden = false; });
$("[data-do=theme]").textContent = document.documentElement.dataset.theme || "system";
$("[data-do=keys]").checked = kept("unmasq_keys") !== "off";
if (kept("unmasq_zone") === "local") {
  const button = $("[data-do=zone]");
  button.setAttribute("aria-pressed", "true");
  button.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
}
$$("figure.bars").forEach(brush);
localTimes(document.body);
