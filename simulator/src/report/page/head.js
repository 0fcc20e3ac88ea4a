// The first screen: what failed, where in the file, when, what was seen, which fault was in force.

let shownFailure = 0;

/** A line of TOML with its parts marked; `inText`: a text of several lines goes on. */
function painted(line, inText) {
  if (inText) return [el("span", { cls: "text" }, line)];
  const comment = /^(\s*)(#.*)$/.exec(line);
  if (comment) return [comment[1], el("span", { cls: "comment" }, comment[2])];
  if (/^\s*\[/.test(line)) return [el("span", { cls: "table" }, line)];
  const pair = /^(\s*)([\w.\-"]+)(\s*=\s*)(.*)$/.exec(line);
  const texts = (text) => text.split(/("[^"]*"|'[^']*')/).map((part, index) =>
    index % 2 ? el("span", { cls: "text" }, part) : part);
  return pair ? [pair[1], el("span", { cls: "key" }, pair[2]), pair[3], ...texts(pair[4])] : texts(line);
}

/** From the line of a table to its last line that says something. */
function tableFrom(lines, line) {
  let last = line;
  for (let next = line + 1; next <= lines.length && !/^\s*\[/.test(lines[next - 1]); next++) {
    if (lines[next - 1].trim() && !lines[next - 1].trim().startsWith("#")) last = next;
  }
  return last;
}

/** Where a table begins that says something at a line. */
function tableOf(lines, line) {
  for (let first = line; first > 0; first--) if (/^\s*\[/.test(lines[first - 1])) return first;
  return line;
}

/** The scenario's text, with some lines marked; all of it, or what is around those. */
function code(marks, whole) {
  const lines = data.source.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const shown = new Set();
  for (const [line] of marks) for (let near = line - 2; near <= line + 2; near++) shown.add(near);
  if (!shown.size) for (let line = 1; line <= 24; line++) shown.add(line);
  const body = el("tbody");
  let gap = false, inText = false;
  lines.forEach((text, index) => {
    const line = index + 1, goesOn = inText;
    if ((text.match(/"""|'''/g) ?? []).length % 2) inText = !inText;
    if (!whole && !shown.has(line)) { gap = true; return; }
    if (gap) body.append(el("tr", { cls: "gap" }, el("td", {}, "⋮"), el("td")));
    gap = false;
    body.append(el("tr", { cls: marks.get(line), "data-line": line }, el("td", {}, line), el("td", {}, ...painted(text, goesOn))));
  });
  if (data["source-is-cut"]) body.append(el("tr", { cls: "gap" }, el("td", {}, "⋮"), el("td", {}, "the rest is in the file")));
  return el("table", {}, body);
}

/** Which lines to mark for a failure and the faults that matter to it. */
function marksOf(failure, faults) {
  const lines = data.source.split("\n"), marks = new Map();
  for (const fault of faults) {
    const known = data.faults.find((one) => one.name === fault.name);
    if (!known) continue;
    const first = tableOf(lines, known.line);
    for (let line = first; line <= tableFrom(lines, first); line++) marks.set(line, "fault");
  }
  if (failure?.line) {
    const first = tableOf(lines, failure.line);
    for (let line = first; line <= tableFrom(lines, first); line++) marks.set(line, "bad");
    marks.set(failure.line, "bad");
  }
  return marks;
}

/** The faults that a reader wants to know of: those in force at the failure's moment, else at the end, else all. */
function faultsOf(failure, run) {
  const then = failure?.["in-force"];
  if (failure && failure.at !== null) return { when: "then", list: then?.list ?? [], more: then?.more ?? 0, known: Boolean(then) };
  if (then?.list.length) return { when: "at the end", ...then, known: true };
  return { when: "during the run", list: run?.faults.spans ?? [], more: run?.faults["left-out"] ?? 0, known: run !== null };
}

const faultTag = (fault, run) => el("div", {},
  el("span", { cls: "tag fault" }, fault.name), " from ", momentLink(fault.from, run), " to ",
  fault.to >= (run?.end ?? END) ? "the end" : momentLink(fault.to, run));

function numbers(run) {
  if (!run) return null;
  const words = [["boot", "boots"], ["sensor", "readings"], ["join", "joins"], ["http", "requests"], ["stored", "entries"],
    ["crash", "crashes"], ["watchdog", "watchdog resets"]];
  const one = { entries: "entry", crashes: "crash" };
  const tags = words.filter(([kind]) => run.counts[kind]).map(([kind, word]) =>
    el("span", { cls: "tag" }, `${run.counts[kind]} ${run.counts[kind] > 1 ? word : one[word] ?? word.slice(0, -1)}`));
  return el("div", { cls: "numbers" }, run.subject && el("strong", {}, run.subject), ...tags,
    el("span", { cls: "tag" }, `${length(run.end)} simulated`));
}

/** What was answered at function level, what is not modelled, which receipts are empty. */
function notes() {
  const parts = [];
  const coverage = data.coverage;
  if (coverage) {
    const calls = (functions) => Object.values(functions).reduce((sum, count) => sum + count, 0);
    const missing = coverage["not-modelled"].map((access) => access.name);
    parts.push(el("p", { cls: "notes" }, el("strong", {}, "On the emulated chip: "),
      `${Object.keys(coverage["boot-rom"]).length} functions of the boot ROM (${calls(coverage["boot-rom"])} calls) and ` +
      `${Object.keys(coverage.sdk).length} of the SDK (${calls(coverage.sdk)}) were answered at function level; `,
      missing.length ? el("strong", {}, `not modelled: ${[...new Set(missing)].slice(0, 8).join(", ")}${missing.length > 8 ? " …" : ""}`)
        : "nothing was touched that is not modelled."));
  } else {
    parts.push(el("p", { cls: "notes" }, "Run by the firmware compiled for this machine: everything below the firmware's board is simulated, ",
      "and no instruction of the chip was executed."));
  }
  for (const comparison of data.comparisons) {
    parts.push(el("p", { cls: "notes" }, el("strong", {}, `${comparison.first} and ${comparison.other}: `),
      comparison.agrees ? "they agree." : "they do not agree; the first difference is marked."));
  }
  const never = data.receipts.filter((receipt) => receipt.nothing);
  if (never.length) {
    parts.push(el("p", { cls: "notes" }, el("strong", {}, "Without effect: "),
      never.slice(0, 5).map((one) => `${one.what} ${one.nothing} (line ${one.line})`).join("; "), never.length > 5 ? ` and ${never.length - 5} more` : ""));
  }
  return parts;
}

function failureCard(failure) {
  const run = failure.run === null ? null : data.runs[failure.run];
  const { when, list, more, known } = faultsOf(failure, run);
  const entry = (term, ...inside) => inside.some(Boolean) ? [el("dt", {}, term), el("dd", {}, ...inside)] : [];
  const step = (by) => el("button", { type: "button", "aria-label": by < 0 ? "Failure before" : "Next failure", onclick: () => {
    shownFailure = (shownFailure + by + data.failures.length) % data.failures.length;
    drawHead();
  } }, by < 0 ? "‹" : "›");
  const place = failure.line ? `${data.file}:${failure.line}` : "";
  const whose = [failure.subject && `on the ${failure.subject}`, failure.repetitions].filter(Boolean).join("; ");
  return el("div", { cls: "card failed" },
    el("div", { cls: "head" }, el("h1", {}, data.title),
      data.failures.length > 1 && el("span", { cls: "steps" }, step(-1), `${shownFailure + 1} of ${data.failures.length + data["failures-left-out"]}`, step(1))),
    el("dl", {},
      ...entry("expected", failure.expected, place && el("span", { cls: "mono" }, `  ${place}`)),
      ...entry("because", failure.because),
      el("dt", {}, "seen"), el("dd", { cls: "seen" }, failure.seen),
      ...entry("where", whose),
      ...entry("when", failure.at === null ? "of the whole run, not of a moment" : run ? momentLink(failure.at, run) : `${seconds(failure.at)} s`,
        failure.at !== null && ` · ${calendar(failure.at)} · ${length(failure.at)} after the start`),
      ...entry("faults", ...(list.length ? [el("div", {}, `in force ${when}:`), ...list.slice(0, 4).map((fault) => faultTag(fault, run)),
        list.length + more > 4 && `and ${Math.max(0, list.length - 4) + more} more`]
        : [!data.faults.length ? "the scenario has none" : known ? `none in force ${when}` : "not in this page: another repetition is shown"])),
      ...entry("chip", failure.report && el("pre", {}, failure.report))),
    numbers(run), ...notes());
}

function passedCard() {
  const mark = (met) => el("span", { cls: met ? "yes" : "no" }, met ? "✓" : "✗");
  const list = data.expectations.map((one) => el("li", {}, mark(one.met), el("span", {}, one.text, " ", el("span", { cls: "mono" }, `:${one.line}`))));
  return el("div", { cls: `card ${data.outcome}` },
    el("h1", {}, data.title),
    data.interrupted ? el("p", { cls: "notes" }, data.interrupted) : el("ul", { cls: "met" }, ...list, andMore(data["expectations-left-out"], "li")),
    ...data.runs.map(numbers), ...notes());
}

function drawHead() {
  const failure = data.failures[shownFailure];
  const run = failure ? data.runs[failure.run] ?? null : data.runs[0] ?? null;
  const marks = marksOf(failure, failure ? faultsOf(failure, run).list : run?.faults.spans ?? []);
  const text = code(marks, false);
  const box = el("div", { cls: "card code", tabindex: "0", "aria-label": "The scenario" },
    el("div", { cls: "name" }, failure?.line ? `${data.file}:${failure.line}` : data.file), text);
  $("verdict").replaceChildren(failure ? failureCard(failure) : passedCard(), box);
  const line = failure?.line && text.querySelector(`[data-line="${failure.line}"]`);
  if (line) box.scrollTop = Math.max(0, line.offsetTop - box.clientHeight / 2);
  $("outcome").textContent = data.outcome;
  $("outcome").classList.add(data.outcome);
  $("crumb").textContent = `${data.name.includes("seed") ? data.name : `${data.name} · seed ${data.seed}`}` +
    data.runs.map((one) => (one.repetition ? ` · repetition ${one.repetition}` : "")).slice(0, 1).join("");
  $("crumb").title = data.command;
}
