// Puts the page together, and listens to the keyboard and to the address.

function step(by) {
  const items = list.items;
  if (!items?.length) return;
  const place = state.chosen ? firstFrom(items, state.chosen[SEQUENCE], (one) => one[SEQUENCE]) : -1;
  const exactly = state.chosen && items[place] === state.chosen;
  const next = state.chosen ? place + (by > 0 && !exactly ? 0 : by) : by > 0 ? 0 : items.length - 1;
  const row = items[clamp(next, 0, items.length - 1)];
  const { from, to } = state.view;
  if (row[AT] < from || row[AT] > to) look(row[AT] - (to - from) / 2, row[AT] + (to - from) / 2);
  choose(row);
}

const KEYS = {
  ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15),
  "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "0": () => look(0, END), Home: () => look(0, END),
  "]": () => step(1), "[": () => step(-1), j: () => step(1), k: () => step(-1),
  f: toFailure, Escape: () => select(null),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA)$/.test(event.target.tagName)) return;
  const inList = event.target.id === "list";
  const key = inList && event.key === "ArrowDown" ? "]" : inList && event.key === "ArrowUp" ? "[" : event.key;
  // Arrows elsewhere are the element's own.
  if (key.startsWith("Arrow") && event.target.id !== "lanes" && event.target !== document.body) return;
  const act = KEYS[key];
  if (!act) return;
  event.preventDefault();
  act();
});
addEventListener("hashchange", readAddress);

drawHead();
buildTimeline();
buildPanes();
const kbd = (...keys) => keys.map((key) => el("kbd", {}, key));
$("foot").append(el("p", {}, "Again: ", el("code", {}, data.command)),
  el("p", {}, "Keys: ", ...kbd("←", "→"), " pan, ", ...kbd("+", "−"), " zoom, ", ...kbd("0"), " all, ", ...kbd("[", "]"), " from event to event, ",
    ...kbd("f"), " to the failure, ", ...kbd("Esc"), " clears the selection. The address of a moment is ", el("code", {}, "#t=3600.125s"), "."));
if (!readAddress()) {
  const failure = data.failures[0];
  if (failure && failure.at !== null && failure.run !== null) {
    state.run = data.runs[failure.run];
    state.cursor = failure.at;
    state.chosen = nearest(state.run, failure.at);
  }
}
changed();
