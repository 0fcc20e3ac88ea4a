// The page of a case and that of a run, in Chromium.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { browser, eventually, page } from "../../../../../fake-thingspeak/server/tests/browser/setup.js";

const PAGES = pathToFileURL(`${process.env.PAGES}/`).href;
const REPORT = `${PAGES}fails/report.html`;
const PHONE = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const DESK = { viewport: { width: 1300, height: 900 } };

/** A page that asks nobody for anything but its own file. */
const open = async (t, address = REPORT, options = DESK) => {
  const view = await page(t, await browser(t), { origin: PAGES }, options);
  await view.goto(address);
  return view;
};
const text = (view, selector) => view.locator(selector).first().textContent();
/** The page draws a moment after it was asked to. */
const matches = (expression, look) => eventually(true, async () => expression.test(await look()));
const count = async (view, tab) => (await text(view, `#tab-${tab} .count`)).trim();

test("the first screen says what failed, where, when, what was seen and which fault was in force", async (t) => {
  const view = await open(t);
  assert.equal(await text(view, "h1"), "The <router> is off; no reading is lost </script> & all");
  assert.equal(await text(view, "#outcome"), "failed");
  assert.match(await text(view, ".verdict dd"), /LED.*fails\.toml:19/);
  assert.match(await text(view, ".verdict dd.seen"), /off/);
  assert.equal(await text(view, ".verdict .tag.fault"), "router is off");
  assert.match(await text(view, ".verdict dd .moment"), /^600\.\d+ s$/);
  const marked = await view.locator(".code tr.bad").evaluateAll((rows) => rows.map((row) => row.dataset.line));
  assert.deepEqual(marked, ["19", "20", "21", "22"]);
  for (const selector of ["h1", ".verdict dd.seen", ".code tr.bad", "#lanes canvas"]) {
    const box = await view.locator(selector).first().boundingBox();
    assert.ok(box.y < 600, `${selector} is on the first screen: ${box.y}`);
  }
  const lanes = await view.locator("#labels .label").allTextContents();
  for (const lane of ["Fault router is off", "Power", "Boots", "LED wifi", "Sensor", "Wi-Fi", "DHCP", "DNS", "NTP", "TCP, TLS", "HTTP", "Entries", "Serial"]) {
    assert.ok(lanes.includes(lane), `${lane} is among ${lanes}`);
  }
  // Something is drawn, and where the fault is in force it is of another colour.
  const colours = await view.locator("#canvas").evaluate((canvas) => {
    const pen = canvas.getContext("2d"), scale = canvas.width / canvas.clientWidth;
    const { data, width } = pen.getImageData(0, canvas.height - 3 * scale, canvas.width, 1);
    const at = (share) => [...data.slice(4 * Math.round(width * share)).slice(0, 4)].join();
    return [at(0.11), at(0.61)];
  });
  assert.notEqual(colours[0], colours[1]);
});

test("a selection filters all lists, and has an address", async (t) => {
  const view = await open(t);
  const all = await count(view, "events");
  assert.match(all, /^\d+$/);
  const box = await view.locator("#lanes").boundingBox();
  await view.mouse.move(box.x + 0.4, box.y + 10);
  await view.mouse.down();
  await view.mouse.move(box.x + box.width / 6, box.y + 10, { steps: 4 });
  await view.mouse.up();
  await eventually(true, async () => new RegExp(`^\\d+ of ${all}$`).test(await count(view, "events")));
  await matches(/^1 of 2$/, () => count(view, "http"));
  await matches(/^\d+ of \d+$/, () => count(view, "serial"));
  await matches(/^#t=[\d.]+s,[\d.]+s$/, async () => new URL(view.url()).hash);
  // The same address shows the same.
  const shown = await count(view, "events");
  const other = await open(t, view.url());
  await eventually(shown, () => count(other, "events"));
  await view.keyboard.press("Escape");
  await eventually(all, () => count(view, "events"));
});

test("each moment has an address, and keys go from event to event", async (t) => {
  const view = await open(t, `${REPORT}#t=600.000s`);
  await eventually("access point `home` (02:00:00:00:01:00) goes away", () => text(view, "#detail h3"));
  await matches(/at 600 s, 2026-01-01 00:10:00 UTC/, () => text(view, "#where"));
  await view.locator("#lanes").focus();
  await view.keyboard.press("]");
  await eventually(true, async () => (await text(view, "#detail h3")).startsWith("link"));
  await matches(/^#t=600\.\d+s$/, async () => new URL(view.url()).hash);
  const shown = () => text(view, "#where").then((where) => where.split(" from ")[0]);
  const before = await shown();
  await view.keyboard.press("+");
  await eventually(true, async () => (await shown()) !== before);
  await view.keyboard.press("0");
  await eventually("30m", shown);
  const box = await view.locator("#lanes").boundingBox();
  await view.mouse.move(box.x + box.width / 2, box.y + 60);
  await view.mouse.wheel(0, -400);
  await eventually(true, async () => (await shown()) !== "30m");
  await view.evaluate(() => { location.hash = "#t=2.8s"; });
  await eventually(true, async () => (await text(view, "#where")).includes("at 2.8 s"));
});

test("lists show lanes, requests and the wire", async (t) => {
  const view = await open(t);
  await view.getByRole("button", { name: "Sensor" }).click();
  await eventually(["Sensor"], async () => [...new Set(await view.locator(".row .lane").allTextContents())]);
  await view.locator(".row").first().click();
  await matches(/86 edges in .*checksum right/, () => view.locator("#detail").textContent());
  await view.locator("#tab-http").click();
  await view.locator(".row.http").first().click();
  await matches(/field1=21\.5&field2=45\.6/, () => view.locator("#detail").textContent());
  await view.locator("#filter").fill("no such thing");
  await eventually("Nothing of the kind.", () => text(view, ".nothing"));
  await view.locator("#tab-scenario").click();
  await matches(/inject\.access-point/, () => view.locator("#list").textContent());
});

test("the page fits a phone, and has a dark side", async (t) => {
  const phone = await open(t, REPORT, PHONE);
  assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  assert.ok((await phone.locator("#lanes").boundingBox()).width > 200);
  const back = (view) => view.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await open(t, REPORT, { ...DESK, colorScheme: "dark" });
  assert.notEqual(await back(dark), await back(phone));
});

test("the page of a run leads to what failed", async (t) => {
  const view = await open(t, `${PAGES}index.html`);
  assert.equal(await text(view, "#outcome"), "failed");
  assert.match(await text(view, ".case .failure"), /LED/);
  await view.locator(".case a.title").click();
  await eventually("failed", () => text(view, "#outcome"));
  assert.equal(view.url(), REPORT);
});
