// The page of faults in Chromium.

import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { test } from "node:test";
import { browser, eventually, page, serve } from "./setup.js";

test("a fault is set, strikes, and is cleared", async (t) => {
  const server = await serve(t);
  const status = async () => (await fetch(`${server.origin}/channels/${server.channel}/feeds.json`)).status;
  const view = await page(t, await browser(t), server);
  await view.goto(`${server.origin}/_preflash/`);
  const active = () => view.locator("#active li span").allTextContents();
  await view.getByText("Everything works.").waitFor();
  assert.equal(await status(), 200);

  await view.getByLabel("Stores nothing and answers with this status: Status").fill("502");
  await view.getByLabel("For so many times").check();
  await view.getByLabel("Times", { exact: true }).fill("2");
  await view.getByRole("button", { name: "Inject" }).click();
  await eventually(["Stores nothing and answers with this status (502), 2 times more"], active);
  assert.equal(await status(), 502);
  await eventually(["Stores nothing and answers with this status (502), once more"], active);
  // The channel's page shows what there is, whatever the devices meet.
  assert.equal((await fetch(`${server.origin}/channels/${server.channel}`, { headers: { accept: "text/html" } })).status, 200);
  assert.equal(await status(), 502);
  await eventually([], active);
  assert.equal(await status(), 200);

  await view.getByLabel("Refuses the write key").check();
  await view.getByLabel("Until it is cleared").check();
  await view.getByRole("button", { name: "Inject" }).click();
  await eventually(["Refuses the write key, until it is cleared"], active);
  assert.equal(await status(), 400);
  await view.getByRole("button", { name: "Clear: Refuses the write key" }).click();
  await eventually([], active);
  assert.equal(await status(), 200);
  assert.equal(await view.getByText("Everything works.").isVisible(), true);

  const attack = view.getByLabel("Lets an attacker answer over TLS: Which");
  assert.deepEqual((await attack.locator("option").allTextContents()).slice(0, 2), ["forged-certificate", "no-certificate"]);
  await view.getByLabel("Lets an attacker answer over TLS", { exact: true }).check();
  await attack.selectOption("empty-record");
  await view.getByLabel("For so many seconds").check();
  await view.getByRole("button", { name: "Inject" }).click();
  await eventually(1, () => view.getByText(/^Lets an attacker answer over TLS \(empty-record\), for \d+ s$/).count());
  const { faults } = await (await server.get("/_preflash/faults")).json();
  assert.deepEqual([faults[0].fault, faults[0].attack], ["man-in-the-middle", "empty-record"]);
});

test("connections are refused for so many seconds, and nothing else", async (t) => {
  const server = await serve(t);
  // Not the page that must have no errors: a refusal is one for the browser.
  const view = await (await browser(t)).newPage();
  const wrong = [];
  view.on("pageerror", (error) => wrong.push(String(error)));
  await view.goto(`${server.origin}/_preflash/`);
  await view.getByText("Everything works.").waitFor();
  const limits = ["For so many times", "For so many seconds", "Until it is cleared"].map((name) => view.getByLabel(name));
  const enabled = () => Promise.all(limits.map((limit) => limit.isEnabled()));
  assert.deepEqual(await enabled(), [true, true, true]);
  await view.getByLabel("Refuses connections").check();
  assert.deepEqual(await enabled(), [false, true, false]);
  assert.equal(await limits[1].isChecked(), true);

  // What is wrong is said for longer than the page is left as it is.
  await view.getByLabel("Only for requests whose path begins with").fill("/update");
  await view.getByRole("button", { name: "Inject" }).click();
  const said = view.getByText("`path` means nothing for `refused-connection`");
  await said.waitFor();
  await view.waitForTimeout(2_500);
  assert.equal(await said.isVisible(), true);

  await view.getByLabel("Only for requests whose path begins with").fill("");
  await view.getByLabel("Seconds", { exact: true }).fill("3");
  await view.getByRole("button", { name: "Inject" }).click();
  await eventually(1, () => view.getByText(/^Refuses connections, for \d s$/).count());
  const refused = () => new Promise((resolve) => {
    const socket = createConnection(new URL(server.origin).port, "127.0.0.1");
    socket.on("connect", () => resolve(socket.destroy() && "taken"));
    socket.on("error", (error) => resolve(error.code));
  });
  assert.equal(await refused(), "ECONNREFUSED");
  await view.getByText("Everything works.").waitFor();
  await eventually("taken", refused);
  assert.equal(await said.isVisible(), false);
  await view.getByLabel("Refuses the write key").check();
  assert.deepEqual(await enabled(), [true, true, true]);
  assert.deepEqual(wrong, []);
});
