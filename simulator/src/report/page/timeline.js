// The timeline as something to look around in: labels, pointer, wheel, keys.

let stageHeight = 0;
const width = () => $("lanes").clientWidth;
const microsAt = (x) => state.view.from + (x / width()) * (state.view.to - state.view.from);

function buildTimeline() {
  stageHeight = arrange();
  const labels = rows.map((row) => {
    const style = `height:${row.height}px`;
    const of = [row.strip?.device ?? row.curve?.device, row.run.subject].filter(Boolean).join(" · ");
    if (row.kind === "note") {
      return el("div", { style, title: row.text }, el("span", { cls: "label" }, el("span", { cls: "name" }, row.strip.label), of && el("span", { cls: "of" }, ` ${of}`)));
    }
    if (row.kind === "curve") {
      const { name, unit, series, counts, outside, holds } = row.curve;
      return el("div", { cls: "curve", style },
        el("span", {}, `${name} `, of && el("span", { cls: "of" }, of)),
        el("small", {}, row.low === row.high ? `${row.low} ${unit}` : `${row.low} to ${row.high} ${unit}`),
        el("small", {}, el("i", { cls: "measured" }, `▬ ${series[0]}${holds ? "" : ` ${counts[0]}`}`)),
        series[1] && el("small", {}, el("i", { cls: "stored" }, holds ? `┅ ${series[1]}` : `○ ${series[1]} ${counts[1]}${outside ? `, ${outside} of another time` : ""}`)));
    }
    const wrong = row.strip.marks.reduce((sum, [, , news, , count]) => sum + (news === BAD ? count : 0), 0);
    return el("div", { style, title: `${row.strip.label}${of ? ` (${of})` : ""}` },
      el("span", { cls: "label" }, el("span", { cls: "name" }, row.strip.label), of && el("span", { cls: "of" }, ` ${of}`)),
      wrong > 0 && el("span", { cls: "wrong", title: `${wrong} failed` }, `✗ ${wrong}`));
  });
  $("labels").replaceChildren(el("div", { style: `height:${RULER}px` }), ...labels);
  const left = [];
  for (const run of data.runs) {
    const whose = run.subject ? `${run.subject}: ` : "";
    if (run.rows.length < run.events) {
      left.push(`${whose}${run.rows.length} of ${run.events} events are in this page: the first, the last, those around failures, ` +
        `and up to 1500 others that went wrong or that the scenario did. The lanes are of all; the rest is in events.jsonl.`);
    }
    const coarse = Math.max(0, ...run.strips.map((strip) => strip.grid ?? 0));
    if (coarse) left.push(`${whose}Where marks stand close, up to ${length(coarse)} of a lane are one mark.`);
    if (run["not-on-the-timeline"]) left.push(`${whose}${run["not-on-the-timeline"]} events of further devices, phones or faults have no lane.`);
    if (run.faults["left-out"]) {
      left.push(`${whose}${run.faults["left-out"]} intervals of faults are left out, from ${seconds(run.faults.cut)} s on; the rest is in events.jsonl.`);
    }
    if (run["failed-repetitions"]) left.push(`${whose}shown is repetition ${run.repetition} of ${run.repetitions - 1}; failed: ${run["failed-repetitions"]}.`);
  }
  $("left-out").textContent = left.join(" ");
  pointers();
  const failure = data.failures.find((one) => one.at !== null && one.run !== null);
  $("to-failure").hidden = !failure;
  $("to-failure").addEventListener("click", toFailure);
  $("fit").addEventListener("click", () => look(0, END));
  $("zoom-in").addEventListener("click", () => zoom(0.5));
  $("zoom-out").addEventListener("click", () => zoom(2));
  $("clear").addEventListener("click", () => select(null));
  new ResizeObserver(changed).observe($("lanes"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  onChange(drawTimeline);
}

function toFailure() {
  const failure = data.failures.find((one) => one.at !== null && one.run !== null);
  if (failure) goTo(failure.at, data.runs[failure.run]);
}

function drawTimeline() {
  paint($("canvas"), width(), stageHeight);
  const { from, to } = state.view;
  const parts = [`${length(to - from)} from ${seconds(Math.round(from))} s`];
  if (state.cursor !== null) parts.push(`at ${seconds(Math.round(state.cursor))} s, ${calendar(state.cursor)}`);
  $("where").textContent = parts.join(" · ");
  const { selection } = state;
  $("clear").hidden = !selection;
  if (selection) $("clear").textContent = `${exact(selection.from)} to ${exact(selection.to)} (${length(selection.to - selection.from)})  ×`;
}

/** Zooms around a moment: the middle, unless somebody points at one. */
function zoom(factor, around = state.cursor ?? (state.view.from + state.view.to) / 2) {
  const { from, to } = state.view;
  const pivot = around < from || around > to ? (from + to) / 2 : around;
  look(pivot - (pivot - from) * factor, pivot + (to - pivot) * factor);
}

function pan(share) {
  const size = state.view.to - state.view.from;
  look(state.view.from + size * share, state.view.to + size * share);
}

function select(selection) {
  state.selection = selection && selection.to - selection.from > 0 ? selection : null;
  writeAddress();
  changed();
}

function pointers() {
  const lanes = $("lanes"), fingers = new Map();
  let drag = null;
  const place = (event) => {
    const box = lanes.getBoundingClientRect();
    return { x: clamp(event.clientX - box.left, 0, box.width), y: event.clientY - box.top };
  };
  lanes.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    const { x, y } = place(event);
    fingers.set(event.pointerId, x);
    lanes.setPointerCapture(event.pointerId);
    if (fingers.size === 2) {
      const [one, other] = [...fingers.values()];
      drag = { pinch: Math.max(8, Math.abs(one - other)), view: { ...state.view }, middle: microsAt((one + other) / 2) };
      return;
    }
    drag = { x, y, moved: false, selects: y < RULER || event.shiftKey, begin: microsAt(x), view: { ...state.view } };
  });
  lanes.addEventListener("pointermove", (event) => {
    const { x, y } = place(event);
    if (!drag) { tip(x, y); return; }
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, x);
    if (drag.pinch && fingers.size === 2) {
      const [one, other] = [...fingers.values()];
      const factor = drag.pinch / Math.max(8, Math.abs(one - other));
      const { from, to } = drag.view;
      look(drag.middle - (drag.middle - from) * factor, drag.middle + (to - drag.middle) * factor);
      return;
    }
    if (drag.pinch || (!drag.moved && Math.abs(x - drag.x) < 4)) return;
    drag.moved = true;
    $("tip").hidden = true;
    lanes.classList.add("moving");
    if (drag.selects) {
      const now = microsAt(x);
      state.selection = { from: Math.round(Math.min(drag.begin, now)), to: Math.round(Math.max(drag.begin, now)) };
      changed();
    } else {
      const by = ((drag.x - x) / width()) * (drag.view.to - drag.view.from);
      look(drag.view.from + by, drag.view.to + by);
    }
  });
  const end = (event) => {
    fingers.delete(event.pointerId);
    lanes.classList.remove("moving");
    if (drag && !drag.pinch) {
      if (drag.moved && drag.selects) select(state.selection);
      else if (!drag.moved && event.type === "pointerup") click(drag.x, drag.y);
    }
    if (!fingers.size) drag = null;
  };
  lanes.addEventListener("pointerup", end);
  lanes.addEventListener("pointercancel", end);
  lanes.addEventListener("pointerleave", () => { $("tip").hidden = true; });
  lanes.addEventListener("dblclick", (event) => zoom(0.25, microsAt(place(event).x)));
  lanes.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(((event.deltaX || event.deltaY) * lines) / width());
    else zoom(Math.exp(clamp(event.deltaY * lines, -200, 200) * 0.0025), microsAt(place(event).x));
  }, { passive: false });
}

const rowAt = (y) => rows.find((row) => y >= row.y && y < row.y + row.height);

/** The event of a strip nearest to a place, if it is near; and what else is there. */
function hit(x, y) {
  const row = rowAt(y);
  if (row?.kind !== "strip") return { row };
  const reach = ((state.view.to - state.view.from) / width()) * 7;
  const micros = microsAt(x), list = row.run.rows;
  let best = null;
  for (let place = firstFrom(list, micros - reach); place < list.length && list[place][AT] <= micros + reach; place++) {
    const one = list[place];
    if (one[STRIP] !== row.index) continue;
    const better = best && (one[NEWS] - best[NEWS] || Math.abs(best[AT] - micros) - Math.abs(one[AT] - micros));
    if (!best || better > 0) best = one;
  }
  const mark = best ? null : row.strip.marks.find(([from, to]) => from <= micros + reach && to >= micros - reach);
  const span = row.strip.spans.find(([from, to]) => from <= micros && micros <= to);
  return { row, event: best, mark, span };
}

function click(x, y) {
  const { row, event } = hit(x, y);
  if (row) state.run = row.run;
  if (event) { choose(event); return; }
  state.cursor = Math.round(microsAt(x));
  choose(nearest(state.run, state.cursor), false);
}

function tip(x, y) {
  const { row, event, mark, span } = hit(x, y), box = $("tip");
  const lines = [];
  if (row?.kind === "curve") {
    const of = (points) => points[Math.max(0, firstFrom(points, microsAt(x)) - 1)];
    const say = (word, point) => point && `${word} ${point[1] === point[2] ? point[1] : `${point[1]} to ${point[2]}`} ${row.curve.unit} at ${seconds(point[AT])} s`;
    lines.push(say(row.curve.series[0], of(row.curve.line)), say(row.curve.series[1], of(row.curve.over)));
  } else if (row?.kind === "note") lines.push(row.text);
  else if (event) lines.push(event[TEXT]);
  else if (mark) lines.push(`${mark[4]} event${mark[4] > 1 ? "s" : ""} here; not all are in this page`);
  else if (span) lines.push(`${span[4] > 1 ? `${span[4]} times` : span[3]}: ${length(span[1] - span[0])}`);
  const shown = lines.filter(Boolean);
  box.hidden = !shown.length;
  if (!shown.length) return;
  box.replaceChildren(el("span", { cls: "at" }, exact(event ? event[AT] : Math.round(microsAt(x)))), ...shown.map((line) => el("div", {}, line)));
  box.style.left = x > width() / 2 ? "" : `${x + 14}px`;
  box.style.right = x > width() / 2 ? `${width() - x + 14}px` : "";
  box.style.top = `${Math.min(y + 12, stageHeight - box.offsetHeight - 2)}px`;
}
