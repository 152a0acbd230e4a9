"use strict";
// The page is whole without this script, which adds: one layout at a time, sorting, filtering, and the mesh.

const data = JSON.parse(document.getElementById("data").textContent);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const say = (words) => { document.getElementById("spoken").textContent = words; };
const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

document.documentElement.classList.add("scripting");
for (const part of all(".scripted")) part.hidden = false;

// One layout at a time.
for (const link of all("[data-part]")) link.parentElement.hidden = true;
const picker = document.getElementById("picker");
const layouts = all("section.layout");

function showLayout(ident) {
  for (const layout of layouts) layout.hidden = layout.id !== ident;
  for (const link of all("[data-part]")) {
    const part = document.getElementById(`${ident}-${link.dataset.part}`);
    link.hash = part ? part.id : ident;
    link.parentElement.hidden = !part;
  }
  if (picker) picker.value = ident;
}

function followAddress() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const layout = target && target.closest("section.layout");
  if (!layout) return;
  showLayout(layout.id);
  target.scrollIntoView();
}

if (layouts.length) {
  showLayout(layouts[0].id);
  addEventListener("hashchange", followAddress);
  followAddress();
}
if (picker) {
  picker.addEventListener("change", () => {
    showLayout(picker.value);
    say(`Showing ${picker.selectedOptions[0].text}`);
  });
}

// Sorting: a button in every head.
function sortBy(table, column, falling) {
  const key = (row) => {
    const cell = row.cells[column];
    return "order" in cell.dataset ? Number(cell.dataset.order) : cell.textContent;
  };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b
    : typeof a === "number" ? -1 : typeof b === "number" ? 1
    : a.localeCompare(b, "en", { numeric: true }));
  const rows = [...table.tBodies[0].rows].map((row) => [key(row), row]);
  rows.sort(([a], [b]) => (falling ? compare(b, a) : compare(a, b)));
  table.tBodies[0].append(...rows.map(([, row]) => row));
  all("th", table).forEach((head, place) => {
    if (place === column) head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
}

for (const table of all("table.sortable")) {
  all("th", table).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const sorted = head.getAttribute("aria-sort");
      // Of numbers the large ones are wanted first.
      const falling = sorted ? sorted === "ascending" : head.classList.contains("number");
      sortBy(table, column, falling);
      say(`Sorted by ${button.textContent}, ${falling ? "descending" : "ascending"}`);
    });
  });
}

// Filtering: words that must all occur, and a choice per column or attribute.
function matches(entry, words, choices) {
  for (const { select, value } of choices) {
    const has = "column" in select.dataset ? entry.cells[select.dataset.column].textContent
      : entry.dataset[select.dataset.attribute];
    if (has !== value) return false;
  }
  const text = entry.textContent.toLowerCase();
  // A layer's own path finds the row of all layers: layers/3/mlp is in layers/*/mlp.
  return words.every((word) => text.includes(word) || text.includes(word.replace(/\d+/g, "*")));
}

for (const box of all(".data")) {
  const entries = all("tbody tr, details", box).filter((entry) => !entry.closest(".card"));
  const search = box.querySelector("input");
  const selects = all("select", box);
  const output = box.querySelector("output");
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const choices = selects.filter((select) => select.value).map((select) => ({ select, value: select.value }));
    for (const entry of entries) entry.hidden = !matches(entry, words, choices);
    const shown = entries.filter((entry) => !entry.hidden).length;
    const whole = counted(entries.length, box.dataset.noun);
    output.textContent = shown === entries.length ? whole : `${shown} of ${whole}`;
  };
  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    search.value = "";
    filter();
  });
  for (const select of selects) select.addEventListener("change", filter);
}

const COLOURS = 24;

// The mesh: which block of an array a device holds, from its place on the mesh axes.
function placeOnMesh(device, mesh) {
  const at = {};
  for (const [name, size] of [...mesh].reverse()) {
    at[name] = device % size;
    device = Math.floor(device / size);
  }
  return at;
}

function pieces(at, cuts, sizes) {
  return cuts.map(([, , meshAxes]) => meshAxes.reduce((piece, name) => piece * sizes[name] + at[name], 0));
}

function setUpMesh(box) {
  const { mesh, places, leaves } = data[box.dataset.layout];
  const sizes = Object.fromEntries(mesh);
  const chips = all(".chip", box);
  const area = box.querySelector(".planes");
  const subject = box.querySelector(".subject");
  const words = box.querySelector(".mesh-words");
  const chipWords = box.querySelector(".chip-words");
  const rows = all(".leaves details", box.closest(".layout"));
  let cuts = [];
  let here = null;

  const ways = (cut) => cut[2].reduce((product, name) => product * sizes[name], 1);
  const range = ([name, size], piece, count) =>
    `${name} ${piece * (size / count)}:${(piece + 1) * (size / count)}`;

  function option(group, value, text) {
    const made = document.createElement("option");
    made.value = value;
    made.textContent = text;
    group.append(made);
  }

  function fillSubject() {
    const groups = {};
    const groupOf = (label) => {
      if (groups[label]) return groups[label];
      groups[label] = document.createElement("optgroup");
      groups[label].label = label;
      subject.append(groups[label]);
      return groups[label];
    };
    for (const row of rows) {
      if (leaves[row.dataset.leaf].length) {
        option(groupOf(row.dataset.kind), row.dataset.leaf, row.querySelector(".leaf-path").textContent.trim());
      }
    }
    for (const [name, size] of mesh) if (size > 1) option(groupOf("mesh axes"), `mesh:${name}`, name);
  }

  function paint() {
    const chosen = subject.selectedOptions[0];
    if (!chosen) return;
    const meshAxis = chosen.value.startsWith("mesh:") ? chosen.value.slice(5) : null;
    cuts = meshAxis ? [[meshAxis, sizes[meshAxis], [meshAxis]]] : leaves[chosen.value];
    const blocks = cuts.reduce((product, cut) => product * ways(cut), 1);
    for (const chip of chips) {
      const held = pieces(placeOnMesh(Number(chip.dataset.device), mesh), cuts, sizes);
      const block = held.reduce((index, piece, place) => index * ways(cuts[place]) + piece, 0);
      chip.dataset.block = block;
      chip.setAttribute("class", `chip b${block % COLOURS}`);
      chip.querySelector("text").textContent = block;
    }
    const copies = places.length / blocks;
    words.textContent = meshAxis
      ? `${meshAxis}: places 0 to ${blocks - 1} along this mesh axis.`
      : `${chosen.textContent}: ${counted(blocks, "block")}, each on ${counted(copies, "device")}.`
        + " Devices with one number hold the same block."
        + (blocks > COLOURS ? ` There are ${COLOURS} colours, used again and again.` : "");
    if (here) stand(here);
  }

  function stand(chip) {
    here = chip;
    const same = chips.filter((other) => other.dataset.block === chip.dataset.block);
    for (const other of chips) {
      other.classList.toggle("same", same.includes(other));
      other.classList.toggle("here", other === chip);
    }
    const device = Number(chip.dataset.device);
    const at = placeOnMesh(device, mesh);
    const held = pieces(at, cuts, sizes).map((piece, place) => range(cuts[place], piece, ways(cuts[place])));
    const onMesh = mesh.map(([name]) => `${name} ${at[name]}`).join(", ");
    const others = same.length > 1 ? `; the same block is on ${counted(same.length - 1, "other device")} drawn here` : "";
    chipWords.textContent =
      `Device ${device} at ${places[device]} (mesh: ${onMesh}) holds block ${chip.dataset.block}: ${held.join(", ")}${others}.`;
  }

  // The chip next to `chip` in a direction on paper, in whichever plane it lies.
  function neighbour(chip, [right, down]) {
    const from = chip.getBoundingClientRect();
    const away = (other) => {
      const to = other.getBoundingClientRect();
      const along = (to.x - from.x) * right + (to.y - from.y) * down;
      const aside = Math.abs((to.x - from.x) * down) + Math.abs((to.y - from.y) * right);
      return along > 1 ? along + 8 * aside : Infinity;
    };
    return chips.reduce((best, other) => (away(other) < away(best) ? other : best), chip);
  }

  const STEPS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  area.tabIndex = 0;
  area.setAttribute("role", "application");
  area.setAttribute("aria-roledescription", "map of devices; arrow keys move");
  chipWords.setAttribute("aria-live", "polite");
  area.addEventListener("keydown", (event) => {
    if (event.key === "Home") stand(chips[0]);
    else if (event.key === "End") stand(chips[chips.length - 1]);
    else if (event.key in STEPS) stand(here ? neighbour(here, STEPS[event.key]) : chips[0]);
    else return;
    event.preventDefault();
  });
  area.addEventListener("pointerover", (event) => {
    const chip = event.target.closest(".chip");
    if (chip) stand(chip);
  });
  subject.addEventListener("change", paint);
  for (const button of all(".to-mesh", box.closest(".layout"))) {
    button.addEventListener("click", () => {
      subject.value = button.closest("details").dataset.leaf;
      paint();
      box.scrollIntoView({ block: "center" });
      area.focus({ preventScroll: true });
    });
  }
  fillSubject();
  if (box.dataset.leaf) subject.value = box.dataset.leaf;
  paint();
}

for (const box of all(".mesh")) setUpMesh(box);
