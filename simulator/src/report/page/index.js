// The page of a whole run: a row for each scenario, with all its seeds, and what failed in how many of them.

const data = JSON.parse(document.querySelector('script[type="application/json"]').textContent);
const MOST_CELLS = 1000;

/** The page of a case; names of files may have anything in them. */
const pageOf = (group, seed) =>
  [...group.folder.split("/"), ...(group.named ? [`seed-${seed}`] : []), "report.html"].map(encodeURIComponent).join("/");

const VIEWS = {
  all: ["All", () => true],
  failed: ["Failed", (group) => group.failed > 0],
  passed: ["Passed", (group) => group.cases.length > 0 && !group.failed],
  "not-run": ["Not run", (group) => group["not-run-count"] > 0],
};
let view = location.hash.slice(1) in VIEWS ? location.hash.slice(1) : "all";

/** A cell a seed; of very many the failed ones and the first. */
function strip(group) {
  if (!group.named) return null;
  const failed = group.cases.filter(([, passed]) => !passed), left = Math.max(0, MOST_CELLS - failed.length);
  let room = left;
  const shown = group.cases.filter(([, passed]) => !passed || room-- > 0).slice(0, MOST_CELLS);
  return el("div", { cls: "seeds" },
    ...shown.map(([seed, passed]) => el("a", { href: pageOf(group, seed), cls: passed ? "yes" : "no",
      title: `seed ${seed}: ${passed ? "passed" : "failed"}`, "aria-label": `seed ${seed}: ${passed ? "passed" : "failed"}` })),
    shown.length < group.cases.length && el("span", { cls: "notes" }, `${group.cases.length - shown.length} more are not drawn`));
}

function row(group) {
  const runs = group.cases.length;
  const outcome = group.failed ? "failed" : runs ? "passed" : "not run";
  const first = group.cases.find(([, passed]) => !passed) ?? group.cases[0];
  const target = first ? pageOf(group, first[0]) : null;
  return el("div", { cls: "case" },
    el("span", { cls: `pill ${outcome === "not run" ? "interrupted" : outcome}` }, outcome),
    el("div", {},
      el("div", {}, target ? el("a", { href: target, cls: "title" }, group.title) : el("span", { cls: "title" }, group.title)),
      el("div", { cls: "mono file" }, group.file, group.named ? ` · ${runs - group.failed} of ${runs} seeds passed` : runs ? ` · seed ${group.cases[0][0]}` : ""),
      strip(group),
      ...group.failures.map((failure) => el("div", { cls: "failure" },
        el("span", { cls: "tag bad" }, group.named ? `${failure.count} of ${runs} seeds` : "expected"), " ",
        failure.expected, failure.line && el("span", { cls: "mono" }, ` :${failure.line}`),
        el("div", { cls: "notes" }, "saw ", failure.seen, group.named && [" (", el("a", { href: pageOf(group, failure.seed) }, `seed ${failure.seed}`), ")"]))),
      group["failures-left-out"] > 0 && el("div", { cls: "notes" }, `and ${group["failures-left-out"]} more`),
      ...group["not-run"].map((one) => el("div", { cls: "notes" }, `seed ${one.seed}: ${one.why}`, one.page && [" · ", el("a", { href: one.page.split("/").map(encodeURIComponent).join("/") }, "what happened until then")])),
      group["not-run-count"] > group["not-run"].length && el("div", { cls: "notes" }, `and ${group["not-run-count"] - group["not-run"].length} more were not run`)));
}

function draw() {
  const text = $("filter").value.trim().toLowerCase();
  const has = (group) => !text || `${group.title} ${group.file}`.toLowerCase().includes(text);
  $("tabs").replaceChildren(...Object.entries(VIEWS).map(([name, [title, fits]]) => el("button", {
    type: "button", role: "tab", "aria-selected": String(name === view),
    onclick: () => { view = name; history.replaceState(null, "", name === "all" ? location.pathname + location.search : `#${name}`); draw(); },
  }, title, " ", el("span", { cls: "count" }, data.groups.filter(fits).length))));
  const shown = data.groups.filter((group) => VIEWS[view][1](group) && has(group));
  $("cases").replaceChildren(...shown.map(row), shown.length ? "" : el("p", { cls: "nothing" }, "None."));
}

const outcome = data.interrupted ? "interrupted" : data.failed ? "failed" : "passed";
$("outcome").textContent = outcome;
$("outcome").classList.add(outcome);
$("crumb").textContent = `${data.passed} passed, ${data.failed} failed${data["not-run"] ? `, ${data["not-run"]} not run` : ""}`;
$("filter").addEventListener("input", draw);
// What failed comes first to mind.
if (!location.hash && data.failed) view = "failed";
draw();
