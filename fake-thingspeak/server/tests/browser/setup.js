// What the tests share: a server as a user starts it, and a browser that notes whatever goes wrong in a page.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const PROGRAM = process.env.FAKE_THINGSPEAK;
const CHROMIUM =
  process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/** Starts a server on free ports, and stops it after the test. `more`: what else its command line says. */
export async function serve(t, more = []) {
  assert.ok(PROGRAM, "FAKE_THINGSPEAK names the program");
  const options = ["--listen", "0", "--tls-listen", "0", "--seed", "7", "--write-interval", "0"];
  const child = spawn(PROGRAM, ["serve", ...options, ...more], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill());
  const said = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name, rest] = /^(.{10}) (.*)$/.exec(line) ?? [];
    if (name?.trim()) said[name.trim()] = rest;
    if (line.startsWith("stop ")) break;
  }
  child.stdout.resume();
  const server = {
    origin: said.http.split(" ")[0],
    channel: said.channel.split(" ")[0],
    writeKey: said["write key"],
    userKey: said["user key"].split(" ")[0],
    async get(path) {
      const reply = await fetch(server.origin + path);
      assert.ok(reply.ok, `${path}: ${reply.status}`);
      return reply;
    },
    feed: async (query = "") => (await server.get(`/channels/${server.channel}/feeds.json?${query}`)).json(),
    /** Stores entries, five minutes apart: one now, or several until a moment ago, as no two may be of the same second. */
    async store(entries) {
      const now = Date.now() - (entries.length > 1 ? 10_000 : 0);
      const updates = entries.map((entry, index) => ({
        created_at: new Date(now - 300_000 * (entries.length - 1 - index)).toISOString(),
        ...entry,
      }));
      const reply = await fetch(`${server.origin}/channels/${server.channel}/bulk_update.json`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ write_api_key: server.writeKey, updates }),
      });
      assert.equal(reply.status, 202, await reply.text());
    },
  };
  return server;
}

/** A browser, closed after the test. `more`: what else its command line says. */
export async function browser(t, more = []) {
  assert.ok(CHROMIUM, "Chromium is installed; see ci/setup-browser");
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...more,
    ],
  });
  t.after(() => browser.close());
  return browser;
}

/** A page that must have no errors, and must ask nobody but the server. */
export async function page(t, browser, server, options = {}) {
  const context = await browser.newContext({ timezoneId: "Europe/Berlin", ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) wrong.push(message.text());
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText;
    // What was under way when the page went elsewhere.
    if (reason !== "net::ERR_ABORTED") wrong.push(`${request.url()}: ${reason}`);
  });
  page.on("request", (request) => {
    if (server && !request.url().startsWith(server.origin)) wrong.push(`asks elsewhere: ${request.url()}`);
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  });
  return page;
}

/** Waits until `look` gives what is expected, and fails with what it gave last. */
export async function eventually(expected, look, patience = 10_000) {
  const end = Date.now() + patience;
  for (;;) {
    const seen = await look();
    try {
      return assert.deepEqual(seen, expected);
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
