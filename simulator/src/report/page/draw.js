// Paints the timeline: ruler, lanes, curves, faults, the cursor.

const RULER = 30;
const CURVE = 78;
const rowHeight = () => (rows.length > 26 ? 18 : 23);

/** What stands below the ruler: strips and curves, with the place of each. */
let rows = [];

/** Puts strips in the order of lanes; those of two runs stand below each other. */
function arrange() {
  const order = new Map(data.lanes.map(([word], index) => [word, index]));
  const all = data.runs.flatMap((run) => run.strips.map((strip, index) => ({ kind: "strip", run, strip, index })));
  // What is not known of the program's memory is said where it would stand.
  for (const run of data.runs) {
    if (run["memory-note"]) all.push({ kind: "note", run, strip: { lane: "memory", label: "Memory" }, text: run["memory-note"] });
  }
  const key = ({ strip }) => [strip.device ?? "", String(order.get(strip.lane)).padStart(2, "0"), strip.label].join("\0");
  all.sort((one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : one.run.index - other.run.index));
  const curves = data.runs.flatMap((run) => run.curves.map((curve) => ({ kind: "curve", run, curve })));
  curves.sort((one, other) => one.curve.place - other.curve.place);
  rows = [...all, ...curves];
  let y = RULER;
  for (const row of rows) {
    row.y = y;
    row.height = row.kind === "curve" ? CURVE : rowHeight();
    y += row.height;
    if (row.kind === "curve") measure(row);
  }
  return y;
}

/** The range of a curve's values. */
function measure(row) {
  const { line, over } = row.curve;
  let low = Infinity, high = -Infinity;
  for (const [, least, most] of [...line, ...over]) { low = Math.min(low, least); high = Math.max(high, most); }
  if (!Number.isFinite(low)) [low, high] = [0, 1];
  row.low = low; row.high = high;
  const room = Math.max((high - low) * 0.12, 0.2);
  row.bottom = low - room; row.top = high + room;
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5,
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000]
    .map((step) => step * SECOND)];

/** A tick's text: no more of it than the step tells apart. */
function tick(micros, step) {
  if (step < 1000) return `${(micros / SECOND).toFixed(6)} s`;
  if (step < SECOND) return `${(micros / SECOND).toFixed(3)} s`;
  if (micros === 0) return "0";
  let left = Math.round(micros / SECOND);
  const parts = [];
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]]) {
    if (left >= size) { parts.push(`${Math.floor(left / size)}${unit}`); left %= size; }
  }
  return parts.join(" ");
}

/** Colours and sizes as the style sheet has them now. */
function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour("ink"), muted: colour("muted"), line: colour("line"), card: colour("card"), soft: colour("soft"),
    link: colour("link"), fault: colour("fault"), select: colour("select"), measured: colour("measured"), stored: colour("stored"),
    mark: [colour("plain"), colour("good"), colour("doubtful"), colour("bad")],
    span: [colour("plain-soft"), colour("good-soft"), colour("doubtful-soft"), colour("bad-soft")],
    bad: colour("bad"),
  };
}

function paint(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  const { from, to } = state.view;
  const at = (micros) => ((micros - from) / (to - from)) * width;
  const colours = theme();
  const area = { pen, at, width, height, colours, from, to };
  // Stripes and grid first, then what happened, then what the reader points at.
  rows.forEach((row, index) => {
    pen.fillStyle = colours.line;
    pen.fillRect(0, row.y + row.height - 1, width, index === rows.length - 1 ? 0 : 0.6);
  });
  paintRuler(area);
  for (const fault of state.run?.faults.spans ?? []) {
    const [left, right] = [at(fault.from), at(fault.to)];
    if (right < 0 || left > width) continue;
    pen.fillStyle = colours.fault;
    pen.fillRect(left, RULER, Math.max(1, right - left), height - RULER);
  }
  const painters = { curve: paintCurve, strip: paintStrip, note: paintNote };
  for (const row of rows) painters[row.kind](area, row);
  paintMarks(area);
}

function paintRuler({ pen, at, width, height, colours, from, to }) {
  const wanted = ((to - from) / width) * 95;
  const step = STEPS.find((one) => one >= wanted) ?? STEPS.at(-1);
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  for (let micros = Math.ceil(from / step) * step; micros <= to; micros += step) {
    const x = at(micros);
    pen.fillStyle = colours.line;
    pen.fillRect(Math.round(x), RULER - 6, 1, height - RULER + 6);
    pen.fillStyle = colours.muted;
    const text = tick(micros, step);
    const half = pen.measureText(text).width / 2;
    pen.fillText(text, clamp(x - half, 2, width - 2 * half - 2), RULER / 2 - 1);
  }
  pen.fillStyle = colours.line;
  pen.fillRect(0, RULER - 1, width, 1);
}

function paintStrip({ pen, at, width, colours }, row) {
  const { strip, y, height } = row;
  const middle = y + height / 2;
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  for (const [from, to, news, text, count] of strip.spans) {
    const left = at(from), right = at(to);
    if (right < -2 || left > width + 2) continue;
    const begin = Math.max(left, -2), size = Math.max(1.2, Math.min(right, width + 2) - begin);
    pen.fillStyle = colours.span[news];
    pen.beginPath();
    pen.roundRect(begin, y + 3, size, height - 6, Math.min(3, size / 2));
    pen.fill();
    if (count > 1) {
      pen.fillStyle = colours.mark[news];
      for (let x = begin; x < begin + size; x += 4) pen.fillRect(x, y + 3, 1, height - 6);
    }
    pen.fillStyle = colours.mark[news];
    pen.fillRect(begin, y + 3, Math.min(2, size), height - 6);
    const shown = count > 1 ? `${count} ×` : text;
    if (size > pen.measureText(shown).width + 14) pen.fillText(shown, Math.max(begin, 0) + 7, middle + 0.5);
  }
  // Of marks in one pixel the worst is the one to see.
  let last = -1, worst = -1, wide = 1;
  const put = () => {
    if (worst < 0) return;
    const bad = worst === BAD;
    const tall = bad ? height - 5 : worst === 2 ? height - 9 : height - 12;
    pen.fillStyle = colours.mark[worst];
    // Where several became one, nobody knows where in it they are.
    pen.globalAlpha = wide > 3 ? 0.4 : 1;
    pen.fillRect(last - 1, middle - tall / 2, Math.max(2.2, wide), tall);
    pen.globalAlpha = 1;
    if (bad) {
      pen.beginPath();
      pen.moveTo(last - 3.6, y + 2); pen.lineTo(last + 3.8, y + 2); pen.lineTo(last + 0.1, y + 7.5);
      pen.fill();
    }
  };
  for (const [from, to, news] of strip.marks) {
    const x = Math.round(at(from));
    const size = at(to) - at(from);
    if (x + size < -4 || x > width + 4) continue;
    if (x !== last) { put(); last = x; worst = news; wide = size; }
    else { worst = Math.max(worst, news); wide = Math.max(wide, size); }
  }
  put();
}

function paintNote({ pen, colours }, { text, y, height }) {
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  pen.fillStyle = colours.muted;
  pen.fillText(text, 7, y + height / 2 + 0.5);
}

function paintCurve({ pen, at, width, colours, from, to }, row) {
  const { curve, y, height, top, bottom } = row;
  const level = (value) => y + 6 + ((top - value) / (top - bottom)) * (height - 12);
  const visible = (points) => points.slice(Math.max(0, firstFrom(points, from) - 1), firstFrom(points, to) + 1);
  if (curve.holds) {
    const starts = row.run.strips.find((strip) => strip.lane === "boots" && (strip.device ?? null) === (curve.device ?? null))?.spans ?? [];
    pen.lineWidth = 1.4;
    [[curve.line, colours.measured, []], [curve.over, colours.stored, [3, 3]]].forEach(([points, colour, dashes]) => {
      pen.strokeStyle = colour;
      pen.setLineDash(dashes);
      pen.beginPath();
      const all = visible(points);
      let last = null;
      all.forEach(([micros, least, most], index) => {
        const x = at(micros), start = starts.find(([begin, end]) => begin <= micros && micros <= end);
        const end = Math.min(all[index + 1]?.[AT] ?? END, start?.[1] ?? END);
        start && start === last ? pen.lineTo(x, level(most)) : pen.moveTo(x, level(most));
        if (least !== most) { pen.lineTo(x, level(least)); }
        pen.lineTo(at(end), level(least));
        last = start;
      });
      pen.stroke();
    });
    pen.setLineDash([]);
    return;
  }
  const line = visible(curve.line);
  pen.strokeStyle = pen.fillStyle = colours.measured;
  pen.lineWidth = 1.4;
  pen.beginPath();
  line.forEach(([micros, least, most], index) => {
    const x = at(micros);
    index ? pen.lineTo(x, level(most)) : pen.moveTo(x, level(most));
    if (least !== most) pen.lineTo(x, level(least));
  });
  pen.stroke();
  if (line.length < width / 5) {
    for (const [micros, least] of line) pen.fillRect(at(micros) - 1.5, level(least) - 1.5, 3, 3);
  }
  pen.strokeStyle = colours.stored;
  const over = visible(curve.over);
  const radius = over.length > width / 6 ? 1.5 : 3.4;
  for (const [micros, least, most] of over) {
    for (const value of least === most ? [least] : [least, most]) {
      pen.beginPath();
      pen.arc(at(micros), level(value), radius, 0, 7);
      pen.stroke();
    }
  }
}

/** Failures, the first difference, the selection and the cursor. */
function paintMarks({ pen, at, height, width, colours }) {
  const flag = (micros, text, colour) => {
    const x = at(micros);
    if (x < -1 || x > width + 1) return;
    pen.fillStyle = colour;
    pen.fillRect(x - 0.75, RULER - 2, 1.5, height - RULER + 2);
    pen.font = "600 11px system-ui, sans-serif";
    const size = pen.measureText(text).width + 8;
    const left = clamp(x - size / 2, 0, width - size);
    pen.beginPath();
    pen.roundRect(left, RULER - 15, size, 15, 3);
    pen.fill();
    pen.fillStyle = colours.card;
    pen.fillText(text, left + 4, RULER - 7);
  };
  for (const failure of data.failures.slice(0, 20)) if (failure.at !== null && failure.run !== null) flag(failure.at, "✗", colours.bad);
  const difference = firstDifference();
  if (difference) flag(difference.at, "first difference", colours.bad);
  if (state.selection) {
    const [left, right] = [at(state.selection.from), at(state.selection.to)];
    pen.fillStyle = colours.select;
    pen.fillRect(left, 0, Math.max(1, right - left), height);
    pen.fillStyle = colours.link;
    pen.fillRect(left, 0, 1, height);
    pen.fillRect(right - 1, 0, 1, height);
  }
  if (state.cursor !== null) {
    pen.fillStyle = colours.link;
    pen.fillRect(at(state.cursor) - 0.5, 0, 1.2, height);
    pen.beginPath();
    pen.arc(at(state.cursor), 4, 4, 0, 7);
    pen.fill();
  }
}

/** Where two subjects differ first, and may not; else where they differ at all. */
function firstDifference() {
  const all = data.comparisons.flatMap((comparison) => comparison.rows.filter((row) => row.differs));
  const row = all.find((one) => !one.allowed) ?? all[0];
  if (!row) return null;
  const times = [row.first, row.other].filter(Boolean).map(([at]) => at);
  return { at: Math.min(...times), row };
}
