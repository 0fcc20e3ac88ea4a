// What all parts of the page share: the data, the state that they show, times in words.

const given = [...document.querySelectorAll('script[type="application/json"]')].map((part) => JSON.parse(part.textContent));
const data = given[0];
data.runs.forEach((run, index) => {
  run.rows = given[index + 1];
  run.index = index;
  // A mark that stands for itself is told shortly.
  const whole = (bar) => (bar.length === 2 ? [bar[0], bar[0], bar[1], "", 1] : bar);
  for (const strip of run.strips) strip.marks = strip.marks.map(whole);
});

/** Places in a row: microseconds, place in the record, kind, strip of the timeline, news, text, fields. */
const AT = 0, SEQUENCE = 1, KIND = 2, STRIP = 3, NEWS = 4, TEXT = 5, FIELDS = 6;
const NEWS_WORDS = ["", "good", "doubtful", "bad"];
const BAD = 3;
const SECOND = 1e6;

const END = Math.max(1, ...data.runs.map((run) => run.end));

/** What is shown; `changed` tells all parts of it. */
const state = {
  view: { from: 0, to: END },
  selection: null,
  cursor: null,
  run: data.runs[0] ?? null,
  chosen: null,
};
const listeners = [];
const onChange = (listener) => listeners.push(listener);
let waiting = false;
function changed() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    listeners.forEach((listener) => listener());
  });
}

/** `3600.125000 s`, without zeros at the end. */
function seconds(micros) {
  const whole = Math.floor(micros / SECOND);
  const rest = String(micros % SECOND).padStart(6, "0").replace(/0+$/, "");
  return rest ? `${whole}.${rest}` : String(whole);
}

/** A time as a list has it, always as wide. */
const exact = (micros) => (micros / SECOND).toFixed(6) + " s";

/** A length of time: `2d 3h`, `45m 12s`, `12.4 s`, `83 ms`, `26 µs`. */
function length(micros) {
  if (micros < 1000) return `${Math.round(micros)} µs`;
  if (micros < SECOND) return `${+(micros / 1000).toFixed(1)} ms`;
  if (micros < 60 * SECOND) return `${+(micros / SECOND).toFixed(2)} s`;
  let left = Math.round(micros / SECOND);
  const parts = [];
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]]) {
    if (left >= size) parts.push(`${Math.floor(left / size)}${unit}`);
    left %= size;
  }
  return parts.slice(0, 2).join(" ");
}

/** The scenario's calendar: `2026-01-01 00:20:00 UTC`. */
function calendar(micros) {
  const date = new Date(data.start * 1000 + micros / 1000);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, 19).replace("T", " ") + " UTC";
}

/** Of a list in order of time, the place of the first that is not earlier. */
function firstFrom(list, micros, at = (one) => one[AT]) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(list[middle]) < micros) low = middle + 1; else high = middle;
  }
  return low;
}

/** Those of the faults that are in force at a moment, in a run, as far as they are in this page. */
const faultsAt = (run, micros) => (run?.faults.spans ?? []).filter((fault) => fault.from <= micros && micros <= fault.to);

/** Whether intervals of faults that begin until a moment are left out of this page. */
const faultsAreCut = (run, micros) => run !== null && run.faults.cut !== null && run.faults.cut <= micros;

/** Says of a list that it is not whole. */
const andMore = (count, tag = "p") => count > 0 && el(tag, { cls: "notes" }, `and ${count} more, which are not in this page`);

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Shows so much, within the run, and no less than some microseconds. */
function look(from, to) {
  const size = clamp(to - from, 20, END);
  const begin = clamp(from, 0, END - size);
  state.view = { from: begin, to: begin + size };
  changed();
}

/** A link to a moment. */
const momentLink = (micros, run) => el("a", {
  cls: "moment", href: `#t=${seconds(micros)}s`,
  onclick: (click) => { click.preventDefault(); goTo(micros, run); },
}, `${seconds(micros)} s`);

/** Goes to a moment: shows what is around it, and chooses the event there. */
function goTo(micros, run = state.run) {
  state.run = run ?? state.run;
  state.cursor = clamp(micros, 0, END);
  const { from, to } = state.view;
  if (micros < from || micros > to || to - from > END * 0.9) {
    const size = Math.min(END, Math.max(120 * SECOND, END / 40));
    look(micros - size / 2, micros + size / 2);
  }
  choose(nearest(state.run, state.cursor), false);
}

/** The last event until a moment, or the first after it. */
function nearest(run, micros) {
  if (!run) return null;
  const place = firstFrom(run.rows, micros + 1);
  return run.rows[place - 1] ?? run.rows[place] ?? null;
}

/** Chooses an event, and moves the cursor to it. */
function choose(row, move = true) {
  state.chosen = row;
  if (row && move) state.cursor = row[AT];
  writeAddress();
  changed();
}

/** `#t=3600.125s`, or `#t=3600s,3660s` for a selection. */
function writeAddress() {
  const { selection, cursor } = state;
  const text = selection ? `t=${seconds(Math.round(selection.from))}s,${seconds(Math.round(selection.to))}s`
    : cursor === null ? "" : `t=${seconds(Math.round(cursor))}s`;
  if (text !== location.hash.slice(1)) history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

function readAddress() {
  const found = /^#t=(\d+(?:\.\d+)?)s?(?:,(\d+(?:\.\d+)?)s?)?$/.exec(location.hash);
  if (!found) return false;
  const [from, to] = found.slice(1).map((text) => text === undefined ? null : Math.round(Number(text) * SECOND));
  if (to === null) {
    state.selection = null;
    goTo(from);
  } else {
    state.selection = { from: clamp(from, 0, END), to: clamp(Math.max(from, to), 0, END) };
    const room = Math.max(1, (state.selection.to - state.selection.from) / 2);
    look(state.selection.from - room, state.selection.to + room);
  }
  changed();
  return true;
}
