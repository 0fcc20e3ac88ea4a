// The page of faults in Chromium.

import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, eventually, page, serve } from "./desk.js";

test("a fault is set, strikes, and is cleared", async (t) => {
  const server = await serve(t);
  const status = async () => (await fetch(`${server.origin}/channels/${server.channel}/feeds.json`)).status;
  const view = await page(t, await browser(t), server);
  await view.goto(`${server.origin}/_preflash/`);
  const active = () => view.locator("#active li span").allTextContents();
  await view.getByText("Everything works.").waitFor();
  assert.equal(await status(), 200);

  await view.getByLabel("Store nothing, and answer with a status: Status").fill("502");
  await view.getByLabel("For so many times").check();
  await view.getByLabel("Times", { exact: true }).fill("2");
  await view.getByRole("button", { name: "Inject" }).click();
  await eventually(["Store nothing, and answer with a status (502), 2 times more"], active);
  assert.equal(await status(), 502);
  await eventually(["Store nothing, and answer with a status (502), once more"], active);
  // The channel's page shows what there is, whatever the devices meet.
  assert.equal((await fetch(`${server.origin}/channels/${server.channel}`, { headers: { accept: "text/html" } })).status, 200);
  assert.equal(await status(), 502);
  await eventually([], active);
  assert.equal(await status(), 200);

  await view.getByLabel("Refuse the key").check();
  await view.getByLabel("Until it is cleared").check();
  await view.getByRole("button", { name: "Inject" }).click();
  await eventually(["Refuse the key, until it is cleared"], active);
  assert.equal(await status(), 400);
  await view.getByRole("button", { name: "Clear: Refuse the key" }).click();
  await eventually([], active);
  assert.equal(await status(), 200);
  assert.equal(await view.getByText("Everything works.").isVisible(), true);

  const attack = view.getByLabel("Let somebody else answer over TLS: How");
  assert.deepEqual((await attack.locator("option").allTextContents()).slice(0, 2), ["forged-certificate", "no-certificate"]);
  await view.getByLabel("Let somebody else answer over TLS", { exact: true }).check();
  await attack.selectOption("empty-record");
  await view.getByLabel("For so many seconds").check();
  await view.getByRole("button", { name: "Inject" }).click();
  await eventually(1, () => view.getByText(/^Let somebody else answer over TLS \(empty-record\), for \d+ s$/).count());
  const { faults } = await (await server.get("/_preflash/faults")).json();
  assert.deepEqual([faults[0].fault, faults[0].attack], ["man-in-the-middle", "empty-record"]);
});
