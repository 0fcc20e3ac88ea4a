// The page of faults: shows which are set, sets and clears them.
"use strict";

const FAULTS = "/_preflash/faults";
const form = document.getElementById("inject");
const list = document.getElementById("active");
const message = document.getElementById("message");

function say(text) {
  message.textContent = text;
  message.hidden = text === "";
}

async function ask(path, options) {
  const reply = await fetch(path, options).catch(() => {
    throw new Error("The server cannot be reached. Are connections refused, or was it stopped?");
  });
  const text = await reply.text();
  if (!reply.ok) {
    let reason = text;
    try {
      const { error } = JSON.parse(text);
      reason = error?.details ?? error?.message ?? error ?? text;
    } catch {
      // The reason is no JSON, and is shown as it is.
    }
    throw new Error(`The server refused (${reply.status}): ${reason}`);
  }
  return text === "" ? {} : JSON.parse(text);
}

/** How long a fault will last. */
function rest(remaining) {
  if (remaining?.count !== undefined) return remaining.count === 1 ? "once more" : `${remaining.count} times more`;
  if (remaining?.seconds !== undefined) return `for ${Math.ceil(remaining.seconds)} s`;
  return "until it is cleared";
}

/** What a fault does, in the words of the form. */
function words(fault) {
  const choice = [...form.querySelectorAll("input[name=fault]")].find((input) => input.value === fault.fault);
  const about = choice ? choice.nextElementSibling.textContent : fault.fault;
  const told = [fault.status, fault.delay && `${fault.delay} s`, fault.certificate, fault.attack, fault.path].filter(Boolean);
  return told.length > 0 ? `${about} (${told.join(", ")})` : about;
}

async function show() {
  const { faults } = await ask(FAULTS);
  list.replaceChildren(
    ...faults.map((fault) => {
      const item = document.createElement("li");
      const text = document.createElement("span");
      text.textContent = `${words(fault)}, ${rest(fault.remaining)}`;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Clear";
      button.setAttribute("aria-label", `Clear: ${words(fault)}`);
      button.addEventListener("click", () => attempt(() => ask(`${FAULTS}/${fault.id}`, { method: "DELETE" })));
      item.append(text, button);
      return item;
    }),
  );
  document.getElementById("none").hidden = faults.length > 0;
  document.getElementById("clear").hidden = faults.length === 0;
}

/** Does something, and shows what is set then. What is said of it stays until something else is done. */
async function attempt(work) {
  try {
    await work();
    await show();
    say("");
  } catch (error) {
    say(error.message);
  }
}

/** Whether the message is that the page could not be kept current. */
let stale = false;

/** Keeps the page current. */
async function look() {
  try {
    await show();
    if (stale) say("");
    stale = false;
  } catch (error) {
    stale = true;
    say(error.message);
  }
}

/** Lets only those limits be chosen that the fault can have. */
function limit() {
  const { limit: only } = form.querySelector("input[name=fault]:checked").dataset;
  for (const choice of form.querySelectorAll("input[name=limit]")) {
    choice.disabled = only !== undefined && choice.value !== only;
    if (choice.value === only) choice.checked = true;
  }
}

form.addEventListener("change", limit);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(form);
  const fault = { fault: given.get("fault") };
  for (const { name, type, value } of form.querySelectorAll(`[data-of="${fault.fault}"]`)) {
    if (value !== "") fault[name] = type === "number" ? Number(value) : value;
  }
  if (given.get("path").trim()) fault.path = given.get("path").trim();
  const limit = given.get("limit");
  if (limit) fault[limit] = Number(given.get(limit));
  const headers = { "content-type": "application/json" };
  attempt(() => ask(FAULTS, { method: "POST", headers, body: JSON.stringify(fault) }));
});
document.getElementById("clear").addEventListener("click", () => attempt(() => ask(FAULTS, { method: "DELETE" })));
limit();
look();
setInterval(() => document.hidden || look(), 2000);
