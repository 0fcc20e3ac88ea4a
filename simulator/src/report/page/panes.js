// What happened, as lists: events, serial log, HTTP; and beside them the chosen event.

const laneOf = (run, row) => (row[STRIP] === null ? row[KIND] : run.strips[row[STRIP]].lane);
const labels = new Map(data.lanes);
const chosenLanes = new Set();
let tab = "events";
let list = { items: [], draw: null };

const PANES = {
  events: { title: "Events", items: (run) => run.rows, rows: true },
  serial: { title: "Serial log", items: (run) => run.rows.filter((row) => row[KIND] === "serial"), count: (run) => run.counts.serial ?? 0, rows: true },
  http: { title: "HTTP", items: (run) => run.rows.filter((row) => row[KIND] === "http"), count: (run) => run.counts.http ?? 0, rows: true },
  compare: { title: "Compare", page: comparePage, shown: () => data.comparisons.length > 0 },
  expected: { title: "Expectations, receipts", page: expectedPage },
  scenario: { title: "Scenario", page: scenarioPage },
  chip: { title: "Chip", page: chipPage, shown: () => data.coverage !== null },
};

function buildPanes() {
  for (const [name, pane] of Object.entries(PANES)) {
    if (pane.shown && !pane.shown()) continue;
    $("tabs").append(el("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "list", onclick: () => { tab = name; changed(); } },
      pane.title, " ", pane.rows && el("span", { cls: "count" })));
  }
  if (data.runs.length > 1) {
    $("runs").append(...data.runs.map((run) => el("button", { type: "button", onclick: () => { state.run = run; state.chosen = null; changed(); } }, run.subject ?? "run")));
  }
  $("filter").addEventListener("input", changed);
  $("list").addEventListener("scroll", drawRows, { passive: true });
  onChange(drawPanes);
}

/** What the list shows now: what is in the selection, of the chosen lanes, and has the text in it. */
function wanted(run, pane) {
  const { selection } = state, text = $("filter").value.trim().toLowerCase();
  let items = pane.items(run);
  if (selection) items = items.slice(firstFrom(items, selection.from), firstFrom(items, selection.to + 1));
  if (tab === "events" && chosenLanes.size) items = items.filter((row) => chosenLanes.has(laneOf(run, row)));
  if (text) items = items.filter((row) => row[TEXT].toLowerCase().includes(text) || row[KIND].includes(text));
  return items;
}

let drawn = "";
function drawPanes() {
  const run = state.run, pane = PANES[tab];
  if (!run) return;
  for (const [name, one] of Object.entries(PANES)) {
    const button = $(`tab-${name}`);
    if (!button) continue;
    button.setAttribute("aria-selected", String(name === tab));
    if (one.rows) {
      const count = wanted(run, one).length;
      const all = one.count ? one.count(run) : run.events;
      button.querySelector(".count").textContent = state.selection || count !== all ? `${count} of ${all}` : String(all);
    }
  }
  [...$("runs").children].forEach((button, index) => button.setAttribute("aria-pressed", String(data.runs[index] === run)));
  const split = document.querySelector(".split");
  split.classList.toggle("whole", !pane.rows);
  $("filter").hidden = !pane.rows;
  drawChips(run);
  if (!pane.rows) {
    if (drawn !== tab) $("list").replaceChildren(el("div", { cls: "page" }, ...pane.page()));
    drawn = tab;
    return;
  }
  const before = list.key;
  list = { items: wanted(run, pane), run, key: [tab, run.index, state.chosen?.[SEQUENCE]].join() };
  drawn = "";
  if (list.key !== before) reveal();
  drawRows();
  drawDetail();
}

function drawChips(run) {
  const shown = tab === "events" ? data.lanes.filter(([word]) => run.strips.some((strip) => strip.lane === word)) : [];
  $("chips").replaceChildren(...shown.map(([word, label]) => el("button", {
    type: "button", "aria-pressed": String(chosenLanes.has(word)),
    onclick: () => { chosenLanes.has(word) ? chosenLanes.delete(word) : chosenLanes.add(word); changed(); },
  }, label, run.bad[word] ? ` ✗ ${run.bad[word]}` : "")));
}

const ROW = 24;

/** Scrolls to the chosen event, or to the one before it in this list. */
function reveal() {
  const box = $("list"), row = state.chosen;
  if (!row) return;
  const place = clamp(firstFrom(list.items, row[SEQUENCE] + 1, (one) => one[SEQUENCE]) - 1, 0, Math.max(0, list.items.length - 1));
  const top = place * ROW;
  if (top < box.scrollTop || top > box.scrollTop + box.clientHeight - ROW) {
    sizeList();
    box.scrollTop = Math.max(0, top - box.clientHeight / 3);
  }
}

function sizeList() {
  const box = $("list");
  if (!box.firstChild?.classList?.contains("rows")) box.replaceChildren(el("div", { cls: "rows" }));
  box.firstChild.style.height = `${list.items.length * ROW}px`;
}

/** Only the rows in sight are there, however many there are. */
function drawRows() {
  const box = $("list");
  if (!PANES[tab].rows) return;
  if (!list.items.length) {
    box.replaceChildren(el("p", { cls: "nothing" }, state.selection ? "Nothing of the kind in the selected time." : "Nothing of the kind."));
    return;
  }
  sizeList();
  const first = Math.max(0, Math.floor(box.scrollTop / ROW) - 8);
  const last = Math.min(list.items.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + 8);
  box.firstChild.replaceChildren(...list.items.slice(first, last).map((row, index) => rowOf(row, (first + index) * ROW)));
}

function rowOf(row, top) {
  const cells = [el("span", { cls: "at" }, exact(row[AT]))];
  const fields = row[FIELDS];
  if (tab === "http") {
    cells.push(el("span", { cls: "text" }, fields.status ?? "none"), el("span", {}, fields.method), el("span", {}, `${fields.target}  ${fields["request-body"]}`));
  } else if (tab === "serial") cells.push(el("span", { cls: "text" }, row[TEXT]));
  else cells.push(el("span", { cls: "lane" }, labels.get(laneOf(list.run, row)) ?? row[KIND]), el("span", { cls: "text" }, row[TEXT]));
  const chosen = state.chosen === row;
  return el("div", {
    cls: ["row", tab, NEWS_WORDS[row[NEWS]], chosen && "chosen"].filter(Boolean).join(" "), style: `top:${top}px`,
    "aria-selected": chosen ? "true" : undefined, onclick: () => choose(row),
  }, ...cells);
}

function drawDetail() {
  const row = state.chosen, run = state.run;
  if (!row) {
    $("detail").replaceChildren(el("p", { cls: "nothing" }, "Choose an event in the timeline or the list; ", el("kbd", {}, "["), " and ", el("kbd", {}, "]"), " go from one to the next."));
    return;
  }
  const fields = { ...row[FIELDS] };
  const texts = ["request-body", "response-body", "body", "message"].filter((name) => fields[name]).map((name) => [name, fields[name]]);
  const wire = fields.wire;
  for (const name of ["wire", "report", "request-headers", ...texts.map(([name]) => name)]) delete fields[name];
  const cell = (value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "–"));
  const faults = faultsAt(run, row[AT]);
  const headers = row[FIELDS]?.["request-headers"];
  $("detail").replaceChildren(
    el("h3", {}, row[KIND] === "serial" ? el("code", {}, row[TEXT]) : row[TEXT]),
    el("div", {}, momentLink(row[AT], run), ` · ${calendar(row[AT])}`),
    el("div", { cls: "numbers" }, el("span", { cls: `tag ${NEWS_WORDS[row[NEWS]]}` }, row[KIND]), el("span", { cls: "tag" }, `event ${row[SEQUENCE]}`),
      ...faults.slice(0, 4).map((fault) => el("span", { cls: "tag fault" }, fault.name)),
      faults.length > 4 && el("span", { cls: "tag fault" }, `and ${faults.length - 4} more`),
      faultsAreCut(run, row[AT]) && el("span", { cls: "tag" }, "not all faults of this time are in this page")),
    Object.keys(fields).length ? el("table", {}, el("tbody", {}, ...Object.entries(fields).map(([name, value]) => el("tr", {}, el("td", {}, name), el("td", {}, cell(value)))))) : "",
    wire?.length ? waveform(wire) : "",
    headers?.length ? el("pre", {}, headers.map(([name, value]) => `${name}: ${value}`).join("\n")) : "",
    ...texts.flatMap(([name, text]) => [el("p", { cls: "notes" }, name), el("pre", {}, text)]),
    row[FIELDS]?.report ? el("pre", {}, JSON.stringify(row[FIELDS].report, null, 1)) : "");
}

/** The sensor's wire from edge to edge, and the bytes that it sent. */
function waveform(lengths) {
  const total = lengths.reduce((sum, one) => sum + one, 0);
  let x = 0, path = "M0 5V75";
  lengths.forEach((one, index) => { x += one; path += `H${x}V${index % 2 ? 75 : 15}`; });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${Math.max(1, total + 60)} 86`);
  svg.setAttribute("preserveAspectRatio", "none");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", `${path}H${total + 60}`);
  svg.append(line);
  const bits = lengths.slice(4).filter((_, index) => index % 2).map((one) => (one > 48 ? "1" : "0")).join("");
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2));
  const sum = bytes.slice(0, 4).reduce((all, one) => all + one, 0) & 255;
  return el("div", {}, svg, el("p", { cls: "notes" }, `${lengths.length + 1} edges in ${length(total)}` +
    (bytes.length === 5 ? `; bytes ${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}, checksum ${sum === bytes[4] ? "right" : "wrong"}` : "")));
}

function comparePage() {
  const first = firstDifference()?.row;
  return data.comparisons.map((comparison) => {
    const side = (value, index) => value ? el("td", { cls: "mono", onclick: () => index >= 0 && goTo(value[0], data.runs[index]) }, `${exact(value[0])}  ${value[1]}`) : el("td", {}, "–");
    const shown = (name) => data.runs.findIndex((run) => run.subject === name && run.repetition === comparison.repetition);
    const [ours, theirs] = [shown(comparison.first), shown(comparison.other)];
    return el("div", {},
      el("p", {}, `${comparison.first} and ${comparison.other} ${comparison.agrees ? "agree" : "do not agree"}; times may differ by ${comparison.tolerance} s` +
        `${comparison["may-differ"].length ? `, and so may ${comparison["may-differ"].join(", ")}` : ""}.` +
        `${comparison["left-out"] ? ` ${comparison["left-out"]} pairs are left out here; comparison.json has them.` : ""}`),
      el("table", {}, el("thead", {}, el("tr", {}, ...["", comparison.first, comparison.other, "later", "differs in"].map((word) => el("th", {}, word)))),
        el("tbody", {}, ...comparison.rows.map((row) => el("tr", { cls: row === first ? "first" : row.differs ? (row.allowed ? "allowed" : "differs") : undefined },
          el("td", {}, row.aspect), side(row.first, ours), side(row.other, theirs),
          el("td", { cls: "mono" }, row.later === null ? "" : `${row.later >= 0 ? "+" : ""}${row.later.toFixed(3)} s`),
          el("td", {}, row === first ? `${row.differs} (the first difference)` : row.differs ?? ""))))));
  });
}

function expectedPage() {
  return [el("ul", { cls: "met" }, ...data.expectations.map((one) => el("li", {}, el("span", { cls: one.met ? "yes" : "no" }, one.met ? "✓" : "✗"),
    el("span", {}, `${one.text}  `, el("span", { cls: "mono" }, `:${one.line}`), one.because && el("div", { cls: "notes" }, one.because))))),
    andMore(data["expectations-left-out"]),
    data.expectations.length ? "" : el("p", { cls: "nothing" }, "Nothing was judged."),
    data.receipts.length ? el("table", {}, el("thead", {}, el("tr", {}, ...["fault, step or phone", "line", "began", "had an effect"].map((word) => el("th", {}, word)))),
      el("tbody", {}, ...data.receipts.map((one) => el("tr", { cls: one.nothing ? "allowed" : undefined },
        ...[one.what, one.line, one.begun, one.nothing ?? one.applied].map((cell) => el("td", {}, cell)))))) : "",
    andMore(data["receipts-left-out"])].filter(Boolean);
}

function scenarioPage() {
  const failure = data.failures[shownFailure];
  return [data.description && el("p", {}, data.description), ...data.links.map((link) => el("p", {}, /^https?:/.test(link) ? el("a", { href: link }, link) : link)),
    el("div", { cls: "code", style: "max-height:none" }, code(marksOf(failure, failure ? faultsOf(failure, state.run).list : []), true))].filter(Boolean);
}

function chipPage() {
  const table = (title, functions) => [el("h2", {}, title), el("table", {}, el("tbody", {},
    ...Object.entries(functions).map(([name, count]) => el("tr", {}, el("td", { cls: "mono" }, name), el("td", {}, count)))))];
  const missing = data.coverage["not-modelled"];
  return [el("h2", {}, "Not modelled"), missing.length ? el("table", {}, el("tbody", {}, ...missing.map((one) => el("tr", {},
    ...[one.access, one.address, one.name, `pc ${one.pc}`, one.function ?? ""].map((text) => el("td", { cls: "mono" }, text)))))) : el("p", { cls: "notes" }, "Nothing was touched that is not modelled."),
    ...(data.coverage.sdk.system_get_free_heap_size ? [el("p", { cls: "notes" }, "The SDK's heap is not modelled: what the program is told of it is an estimate.")] : []),
    ...table("Boot ROM, answered at function level", data.coverage["boot-rom"]), ...table("SDK, answered at function level", data.coverage.sdk)];
}
