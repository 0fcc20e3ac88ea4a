// An attacker in Chromium: a page from elsewhere, open on the machine where the server runs, wants its keys and its faults.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { browser, serve } from "./setup.js";

/** Markup that tells if it runs, in every way that markup can. */
const MARKUP =
  `<html xmlns="http://www.w3.org/1999/xhtml"><script>window.owned = 1; document.title = "owned"</script>` +
  `<img src="data:," onerror="window.owned = 1"/><svg onload="window.owned = 1"/></html>`;

/** A server with markup wherever it can be stored. */
async function filled(t, more) {
  const server = await serve(t, more);
  const about = { api_key: server.userKey, name: MARKUP, description: MARKUP, metadata: MARKUP, field1: MARKUP, tags: MARKUP };
  const described = await fetch(`${server.origin}/channels/${server.channel}.json`, {
    method: "PUT",
    body: new URLSearchParams(about),
  });
  assert.equal(described.status, 200, await described.text());
  await server.store([{ field1: "1" }, { field1: MARKUP.slice(0, 255), status: MARKUP.slice(0, 255) }]);
  return server;
}

/** What a page elsewhere serves. */
async function site(t, body) {
  const server = createServer((_, reply) => reply.setHeader("content-type", "text/html").end(body));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/`;
}

/** Opens an address, whatever comes of it: a page, text, or a file. */
async function open(view, address) {
  await view.goto(address).catch((error) => {
    if (!/Download is starting|ERR_ABORTED/.test(String(error))) throw error;
  });
}

/** Whether markup has run in what is open; asked again where that is still being exchanged for the next. */
async function owned(view) {
  for (let tries = 0; ; tries += 1) {
    try {
      await view.waitForLoadState();
      return await view.evaluate(() => window.owned === 1 || document.title === "owned");
    } catch (error) {
      if (tries > 5 || !/context was destroyed/.test(String(error))) throw error;
    }
  }
}

test("markup that others wrote does not run as a page of the server", async (t) => {
  const server = await filled(t);
  const view = await (await browser(t)).newPage();
  // It would, if it could.
  await open(view, await site(t, MARKUP));
  assert.equal(await owned(view), true);

  const channel = `/channels/${server.channel}`;
  const markup = encodeURIComponent(MARKUP);
  const paths = [
    `${channel}/fields/1/last`,
    `${channel}/fields/1/2`,
    `${channel}/fields/1`,
    `${channel}/feeds`,
    `${channel}/feeds/last`,
    `${channel}/feeds/last_average`,
    `${channel}/status`,
    `${channel}/status/last`,
    `${channel}/last_entry_id`,
    `${channel}`,
    `/channels/public`,
    `/update`,
    `/${markup}`,
  ];
  let opened = 0;
  for (const path of paths) {
    for (const format of ["", ".json", ".xml", ".csv", ".txt"]) {
      for (const headers of ["", "headers=false&"]) {
        const query = `${headers}status=true&metadata=true&results=9&average=9&prepend=${markup}&append=${markup}`;
        await open(view, `${server.origin}${path}${format}?${query}`);
        assert.equal(await owned(view), false, `${path}${format}?${headers}`);
        opened += 1;
      }
    }
  }
  const chart = ["title", "xaxis", "yaxis", "color", "bgcolor", "timezone"].map((name) => `${name}=${markup}`).join("&");
  for (const path of ["/", channel, `${channel}/charts/1`, `${channel}/charts/1.svg`, "/_preflash/", "/_preflash/faults"]) {
    await open(view, `${server.origin}${path}?${chart}`);
    assert.equal(await owned(view), false, path);
    opened += 1;
  }
  assert.ok(opened > 100, `${opened} addresses were opened`);
});

test("a page from elsewhere reads no keys and sets no faults", async (t) => {
  for (const more of [[], ["--control-from-anywhere"]]) {
    const server = await serve(t, more);
    const view = await (await browser(t)).newPage();
    await view.goto(await site(t, "<!doctype html><title>elsewhere</title>"));
    const faults = `${server.origin}/_preflash/faults`;
    const read = await view.evaluate(
      async ({ origin, faults }) => {
        const read = [];
        for (const address of [`${origin}/`, faults]) {
          read.push(await fetch(address).then((reply) => reply.text(), () => "refused"));
        }
        // What needs no leave: forms, and requests whose reply is not looked at.
        for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
          const body = type === "text/plain" ? '{"fault":"reset"}' : "fault=reset";
          await fetch(faults, { method: "POST", mode: "no-cors", headers: { "content-type": type }, body }).catch(() => {});
          const frame = document.createElement("iframe");
          frame.name = `form-${type}`;
          const form = document.createElement("form");
          Object.assign(form, { action: faults, method: "post", enctype: type, target: frame.name });
          const input = document.createElement("input");
          Object.assign(input, { name: "fault", value: "reset" });
          form.append(input);
          document.body.append(frame, form);
          const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
          form.submit();
          await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 1000))]);
        }
        for (const origin of ["", "allow-scripts"]) {
          const frame = document.createElement("iframe");
          frame.setAttribute("sandbox", `${origin} allow-forms`);
          frame.srcdoc = `<form action="${faults}" method="post"><input name="fault" value="reset"></form><script>document.forms[0].submit()<\/script>`;
          document.body.append(frame);
        }
        await new Promise((resolve) => setTimeout(resolve, 500));
        return read;
      },
      { origin: server.origin, faults },
    );
    assert.deepEqual(read, ["refused", "refused"]);
    const set = await (await server.get("/_preflash/faults")).json();
    assert.deepEqual(set, { faults: [] });
  }
});

test("a name of the attacker's that points to the server opens nothing", async (t) => {
  for (const more of [[], ["--control-from-anywhere"]]) {
    const server = await serve(t, more);
    const chromium = await browser(t, ["--host-resolver-rules=MAP evil.test 127.0.0.1"]);
    const view = await chromium.newPage();
    const evil = server.origin.replace("127.0.0.1", "evil.test");
    await view.goto(`${evil}/`);
    const page = await view.content();
    assert.ok(page.includes("Channels") && !page.includes(server.writeKey) && !page.includes(server.userKey), page);
    const statuses = await view.evaluate(async () => {
      const form = { method: "POST", body: new URLSearchParams({ fault: "reset" }) };
      const requests = [["/_preflash/faults"], ["/_preflash/faults", form], ["/_preflash/faults", { method: "DELETE" }], ["/_preflash/"]];
      return Promise.all(requests.map(async (request) => (await fetch(...request)).status));
    });
    assert.deepEqual(statuses, [403, 403, 403, 403]);
    const set = await (await server.get("/_preflash/faults")).json();
    assert.deepEqual(set, { faults: [] });
  }
});
