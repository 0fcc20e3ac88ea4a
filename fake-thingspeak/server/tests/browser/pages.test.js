// Channels and charts in Chromium.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { browser, eventually, page, serve } from "./setup.js";

const DAY = Array.from({ length: 24 }, (_, hour) => ({
  field1: (20 + 3 * Math.sin(hour / 4)).toFixed(1),
  field2: (50 + 10 * Math.cos(hour / 5)).toFixed(1),
}));
const PHONE = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

/** The values that a chart shows to the pointer. */
const charted = (scope) =>
  scope.locator("svg.chart title").evaluateAll((titles) => titles.map((title) => title.textContent.split(" · ")[0]));

test("a channel's page shows what the feed has, and what is written while it is open", async (t) => {
  const server = await serve(t);
  await server.store(DAY.slice(0, 12));
  const view = await page(t, await browser(t), server);
  await view.goto(`${server.origin}/channels/${server.channel}?update=1`);

  const same = async () => {
    const { feeds } = await server.feed("results=60&timezone=Europe/Berlin");
    const cards = view.locator(".field");
    assert.equal(await cards.count(), 2);
    for (const [index, field] of ["field1", "field2"].entries()) {
      await eventually(feeds.map((entry) => entry[field]), () => charted(cards.nth(index)));
      await eventually(feeds.at(-1)[field], () => cards.nth(index).locator(".value").textContent());
    }
    const rows = feeds.toReversed().slice(0, 10);
    const expected = rows.map((entry) => [
      String(entry.entry_id),
      entry.created_at.slice(0, 19).replace("T", " "),
      entry.field1,
      entry.field2,
    ]);
    await eventually(expected, () =>
      view.locator("tbody tr").evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))),
    );
  };
  await same();
  await server.store([{ field1: "31.25", field2: "77" }]);
  await eventually("31.25", () => view.locator(".field .value").first().textContent());
  await same();
});

test("the article's chart works in a page of somebody else, and keeps itself current", async (t) => {
  const server = await serve(t);
  await server.store(DAY.slice(0, 5));
  const source =
    `${server.origin}/channels/${server.channel}/charts/1` +
    "?bgcolor=%23ffffff&color=%23d62020&dynamic=true&results=60&type=line&update=1";
  const blog = createServer((_, reply) => {
    reply.setHeader("content-type", "text/html");
    reply.end(
      `<!doctype html><link rel="icon" href="data:,"><iframe style="border: 1px solid #cccccc;" ` +
        `src="${source.replaceAll("&", "&amp;")}" width="450" height="260"></iframe>`,
    );
  });
  await new Promise((resolve) => blog.listen(0, "127.0.0.1", resolve));
  t.after(() => blog.close());

  const view = await page(t, await browser(t), undefined, { colorScheme: "dark" });
  await view.goto(`http://127.0.0.1:${blog.address().port}/`);
  const frame = view.frameLocator("iframe");
  await eventually(DAY.slice(0, 5).map((entry) => entry.field1), () => charted(frame));
  // Drawn for the frame, to the pixel, in the colours that were asked for.
  await eventually("0 0 450 260", () => frame.locator("svg.chart").getAttribute("viewBox"));
  assert.equal(await frame.locator("path").evaluate((path) => getComputedStyle(path).stroke), "rgb(214, 32, 32)");
  assert.equal(await frame.locator(".back").evaluate((back) => getComputedStyle(back).fill), "rgb(255, 255, 255)");
  assert.equal(
    await frame.locator("html").evaluate((html) => html.scrollHeight > html.clientHeight || html.scrollWidth > html.clientWidth),
    false,
    "the chart fits its frame",
  );
  await server.store([{ field1: "-4.5" }]);
  await eventually("-4.5", async () => (await charted(frame)).at(-1));
});

test("a chart that is not dynamic stays as it is", async (t) => {
  const server = await serve(t);
  await server.store(DAY.slice(0, 3));
  const view = await page(t, await browser(t), server);
  // When all is quiet, the chart has been drawn for the size of the window.
  await view.goto(`${server.origin}/channels/${server.channel}/charts/1?update=1`, { waitUntil: "networkidle" });
  await server.store([{ field1: "99" }]);
  await view.waitForTimeout(2500);
  assert.equal((await charted(view)).length, 3);
});

for (const [what, options] of Object.entries({ "a phone": PHONE, "a computer": {}, "a phone in the dark": { ...PHONE, colorScheme: "dark" } })) {
  test(`everything fits ${what}, and can be read`, async (t) => {
    const server = await serve(t);
    await server.store([...DAY, { field1: "x".repeat(200), field2: "50", status: "the sensor does not answer ".repeat(8) }]);
    const view = await page(t, await browser(t), server, options);
    const paths = ["/", `/channels/${server.channel}`, `/channels/${server.channel}/charts/1?type=spline`, "/_preflash/"];
    for (const path of paths) {
      await view.goto(server.origin + path);
      const width = await view.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(width[0] <= width[1], `${path} is ${width[0]} pixels wide on ${width[1]}`);
      const faint = await view.evaluate(contrasts);
      assert.deepEqual(faint, [], path);
    }
  });
}

/** Texts whose contrast with what lies behind them is below 4.5 (WCAG 2 AA). Runs in the page. */
function contrasts() {
  const parts = (color) => color.match(/[\d.]+/g).map(Number);
  const linear = (part) => (part <= 10.31475 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const behind = (element) => {
    const back = element.closest?.("svg.chart")?.querySelector(".back");
    if (back) return parts(getComputedStyle(back).fill);
    for (let at = element; at; at = at.parentElement) {
      const color = parts(getComputedStyle(at).backgroundColor);
      if (color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    if (["title", "SCRIPT", "NOSCRIPT"].includes(element.localName) || element.closest("noscript")) continue;
    const style = getComputedStyle(element);
    const [text, back] = [luminance(parts(element.closest("svg") ? style.fill : style.color)), luminance(behind(element))];
    const contrast = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
    if (contrast < 4.5) found.add(`${element.localName}.${element.getAttribute("class")}: ${contrast.toFixed(2)}`);
  }
  return [...found];
}

test("dark is dark and light is light", async (t) => {
  const server = await serve(t);
  await server.store(DAY);
  const chromium = await browser(t);
  for (const [colorScheme, dark] of [["dark", true], ["light", false]]) {
    const view = await page(t, chromium, server, { colorScheme });
    await view.goto(`${server.origin}/channels/${server.channel}`);
    await view.locator("svg.chart").first().waitFor();
    const shown = await view.evaluate(() => [
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector("svg.chart .back")).fill,
    ]);
    for (const color of shown) {
      const bright = color.match(/\d+/g).every((part) => Number(part) > 128);
      assert.equal(bright, !dark, color);
    }
  }
});

test("what a device writes is shown and never run", async (t) => {
  const server = await serve(t);
  const markup = `"'><img src=x onerror="document.title='run'"><script>document.title='run'</script>\u0001`;
  await server.store([{ field1: "1" }, { field1: markup, status: markup }, { field1: "2" }]);
  const view = await page(t, await browser(t), server);
  await view.goto(`${server.origin}/channels/${server.channel}`);
  await eventually(["1", "2"], () => charted(view.locator(".field").first()));
  const cells = await view.locator("tbody tr").nth(1).locator("td").allTextContents();
  assert.deepEqual([cells[2], cells.at(-1)].map((text) => text.replace(/[\u0001\ufffd]/g, "")), [markup, markup].map((text) => text.replace("\u0001", "")));
  const title = encodeURIComponent(markup);
  await view.goto(`${server.origin}/channels/${server.channel}/charts/1?title=${title}&xaxis=${title}&width=600&height=300`);
  await view.locator("svg.chart path").waitFor({ state: "attached" });
  await view.waitForTimeout(500);
  assert.notEqual(await view.title(), "run");
  assert.equal(await view.locator("img, main script").count(), 0);
});

test("every kind of chart is drawn, also as a picture of its own", async (t) => {
  const server = await serve(t);
  await server.store(DAY);
  const view = await page(t, await browser(t), server);
  for (const kind of ["line", "bar", "column", "spline", "step"]) {
    await view.goto(`${server.origin}/channels/${server.channel}/charts/1.svg?type=${kind}&width=640&height=320`);
    const shown = await view.evaluate(() => {
      const svg = document.documentElement;
      const [left, top, width, height] = ["x", "y", "width", "height"].map((name) => Number(svg.querySelector("svg > svg").getAttribute(name)));
      const marks = [...svg.querySelectorAll("g > *")].map((mark) => mark.getBoundingClientRect());
      const inside = (box) => {
        const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
        return x >= left && x <= left + width && y >= top && y <= top + height;
      };
      const texts = [...svg.querySelectorAll("text")].map((text) => text.getBoundingClientRect());
      const whole = (box) => box.left >= 0 && box.right <= 640 && box.top >= 0 && box.bottom <= 320;
      return { name: svg.localName, marks: marks.length, inside: marks.every(inside), whole: texts.every(whole) };
    });
    assert.deepEqual(shown, { name: "svg", marks: DAY.length, inside: true, whole: true }, kind);
  }
});

test("a private channel asks for its key, and opens with it", async (t) => {
  const server = await serve(t);
  await server.store(DAY.slice(0, 3));
  const chromium = await browser(t);
  const local = await page(t, chromium, server);
  await local.goto(server.origin);
  const keys = await local.locator(".keys code").allTextContents();
  assert.equal(keys[0], server.writeKey);
  assert.ok(keys.includes(server.userKey));
  const hide = new URLSearchParams({ api_key: server.userKey, public_flag: "false" });
  const hidden = await fetch(`${server.origin}/channels/${server.channel}.json?${hide}`, { method: "PUT" });
  assert.equal(hidden.status, 200);

  // Chromium tells of the refusal, as it should.
  const context = await chromium.newContext();
  t.after(() => context.close());
  const view = await context.newPage();
  await view.goto(`${server.origin}/channels/${server.channel}`);
  assert.equal(await view.locator("h1").textContent(), "This channel is not public");
  await view.getByLabel("Key").fill(keys[1]);
  await view.getByRole("button", { name: "Open" }).click();
  await eventually(DAY.slice(0, 3).map((entry) => entry.field1), () => charted(view.locator(".field").first()));
});
