// Keeps a page current: fetches it again every so many seconds and exchanges what has changed, has charts drawn for the
// size of their frame, and counts ages on. Without it, a page is a picture of its moment.
"use strict";

const main = document.querySelector("main");
const every = 1000 * Number(main.dataset.update ?? 0);
// What the server's clock shows, as a difference from this machine's.
const ahead = main.dataset.now ? Number(main.dataset.now) - Math.floor(Date.now() / 1000) : 0;

/** The address with the reader's time zone, unless it names one. */
function zoned(address) {
  const url = new URL(address, location.href);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !url.searchParams.has("timezone") && !url.searchParams.has("offset")) url.searchParams.set("timezone", zone);
  return url;
}

async function get(url, type) {
  const reply = await fetch(url, { cache: "no-cache", headers: { accept: type } });
  if (!reply.ok) throw new Error(`${url.pathname}: ${reply.status}`);
  return new DOMParser().parseFromString(await reply.text(), type);
}

/** Draws a chart anew, for the room that it has. */
async function draw(figure) {
  const url = zoned(figure.dataset.chart);
  if ("fits" in figure.dataset) {
    const { clientWidth: width, clientHeight: height } = figure;
    if (width < 1 || height < 1) return;
    if (!Number(url.searchParams.get("width"))) url.searchParams.set("width", width);
    if (!Number(url.searchParams.get("height"))) url.searchParams.set("height", height);
  }
  const fresh = document.importNode((await get(url, "image/svg+xml")).documentElement, true);
  const old = figure.querySelector("svg");
  if (fresh.localName === "svg" && fresh.outerHTML !== figure.shown) {
    figure.shown = fresh.outerHTML;
    old.replaceWith(fresh);
  }
}

/** Exchanges the parts of the page that are not what they were. */
async function refresh() {
  if (!document.querySelector("[data-part]")) return;
  const fresh = await get(zoned(location.href), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const news = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (news && news.outerHTML !== part.outerHTML) part.replaceWith(document.importNode(news, true));
  }
  age();
}

/** The same words as the server's. */
function ago(seconds) {
  if (seconds < -1) return "in the future";
  if (seconds < 2) return "just now";
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} days ago`;
}

function age() {
  const now = Math.floor(Date.now() / 1000) + ahead;
  for (const time of document.querySelectorAll("time[data-then]")) {
    time.textContent = ago(now - Number(time.dataset.then));
  };
}

/** Carries out work that may fail while the server is away; the page then says so. */
async function attempt(...works) {
  const outcomes = await Promise.allSettled(works);
  document.body.classList.toggle("stale", outcomes.some((outcome) => outcome.status === "rejected"));
}

const figures = [...document.querySelectorAll("figure[data-chart]")];
const sizes = new ResizeObserver((seen) => {
  attempt(...seen.map((entry) => draw(entry.target)));
});
for (const figure of figures) {
  if ("fits" in figure.dataset) sizes.observe(figure);
}
for (const text of document.querySelectorAll("[data-origin]")) {
  text.textContent = text.textContent.replaceAll(text.dataset.origin, location.origin);
}
attempt(refresh(), ...figures.filter((figure) => !("fits" in figure.dataset)).map(draw));
setInterval(age, 1000);

if (every > 0) {
  const look = async () => {
    if (!document.hidden) await attempt(refresh(), ...figures.map(draw));
    setTimeout(look, every);
  };
  setTimeout(look, every);
  // Whoever comes back to a page sees what is there now.
  document.addEventListener("visibilitychange", () => document.hidden || attempt(refresh(), ...figures.map(draw)));
}
