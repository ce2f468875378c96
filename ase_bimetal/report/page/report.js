// Table, charts and turning structures of a screening report. No dependency but the Plotly in the same file.
"use strict";

const PAGE_SIZES = [25, 100, 500];

/** Read a JSON block of this page. */
function block(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

/** A number with a fixed count of decimals and a true minus sign; a dash when unknown. */
function shown(value, digits) {
  if (value === null) return "–";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/** A name with its counts as subscripts; one with a SMILES in it, whose digits are rings, as it is. */
function formula(name) {
  if (/[=#@[\]/\\](?!\d+$)|[cnCN]1(?!\d)/.test(name)) return name;
  return name.replace(/(?<=[A-Za-z)])\d+/g, (digits) => [...digits].map((digit) => SUBSCRIPTS[digit]).join(""));
}

/** Let the browser save a text as a file. */
function saveFile(name, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** What a cell says, by the kind of its column. */
const TEXT = {
  text: (value) => value ?? "–",
  number: (value, column) => shown(value, column.digits),
  measured: ([value, spread], column) => `${shown(value, column.digits)} ± ${shown(spread, column.digits)}`,
  interval: ([low, high], column) => `${shown(low, column.digits)} to ${shown(high, column.digits)}`,
  yesno: (value) => (value === null ? "–" : value ? "yes" : "no"),
  flags: (value) => value.map((index) => index + 1).join(" "),
};

/** What a cell is sorted by; null sorts last in both directions. */
function sortKey(cell, column) {
  if (column.kind === "measured" || column.kind === "interval") return cell[0];
  if (column.kind === "yesno") return cell === null ? null : Number(cell);
  return column.kind === "flags" ? cell.length : cell;
}

function compare(a, b) {
  return typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
}

/** The table of candidates: sorting, filters and pages, all kept in the address after "#". */
class CandidateTable {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.index = Object.fromEntries(data.columns.map((column, i) => [column.key, i]));
    this.haystack = data.rows.map((row) => this.words(row));
    this.state = {};
    this.makeHead();
    this.connect();
    this.readAddress();
    addEventListener("hashchange", () => this.readAddress());
  }

  words(row) {
    const texts = this.data.columns.map((column, i) => this.text(row[i], column));
    const flags = row[this.index.flags].map((index) => this.data.flags[index]);
    return [...texts, ...flags].join(" ").toLowerCase();
  }

  text(cell, column) {
    return TEXT[column.kind](cell, column);
  }

  /** Take sorting, filters and page from the address, and show them in the controls. */
  readAddress() {
    this.state = { sort: "", order: "up", page: 1, size: PAGE_SIZES[0], find: "" };
    for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
      this.state[key] = key === "page" || key === "size" ? Math.max(1, parseInt(value, 10) || 1) : value;
    }
    if (!PAGE_SIZES.includes(this.state.size)) this.state.size = PAGE_SIZES[0];
    for (const control of this.root.querySelectorAll("[data-filter]")) {
      const value = this.state[control.dataset.filter] ?? "";
      if (control.type === "checkbox") control.checked = value === "true";
      else control.value = value;
    }
    this.refresh();
  }

  writeAddress() {
    const kept = Object.entries(this.state).filter(([, value]) => value !== "" && value !== false);
    history.replaceState(null, "", `#${new URLSearchParams(kept)}`);
  }

  makeHead() {
    const row = this.root.querySelector("thead tr");
    for (const column of this.data.columns) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.dataset.key = column.key;
      cell.className = column.kind;
      const button = document.createElement("button");
      button.type = "button";
      button.title = column.title;
      button.textContent = column.label;
      if (column.unit) button.append(document.createElement("br"), Object.assign(document.createElement("small"), { textContent: column.unit }));
      button.addEventListener("click", () => this.sortBy(column.key));
      cell.append(button);
      row.append(cell);
    }
  }

  connect() {
    for (const control of this.root.querySelectorAll("[data-filter]")) {
      const key = control.dataset.filter;
      const tick = control.type === "checkbox";
      if (control.tagName === "SELECT" && key in this.index) this.fillChoices(control, this.index[key]);
      control.addEventListener(tick || control.tagName === "SELECT" ? "change" : "input", () => {
        this.update({ [key]: tick ? control.checked && "true" : key === "size" ? Number(control.value) : control.value, page: 1 });
      });
    }
    for (const button of this.root.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => this.update({ page: this.state.page + Number(button.dataset.step) }));
    }
    this.root.querySelector("[data-save]").addEventListener("click", () => this.save());
  }

  fillChoices(select, column) {
    const values = [...new Set(this.data.rows.map((row) => row[column]))].sort(compare);
    for (const value of values) select.add(new Option(value, value));
  }

  sortBy(key) {
    const again = this.state.sort === key;
    this.update({ sort: key, order: again && this.state.order === "up" ? "down" : "up", page: 1 });
  }

  find(words) {
    this.root.querySelector("[data-filter=find]").value = words;
    this.update({ find: words, page: 1 });
  }

  update(change) {
    Object.assign(this.state, change);
    this.refresh();
    this.writeAddress();
  }

  /** Row numbers that pass every filter, in order. */
  chosen() {
    const { rows, columns } = this.data;
    const words = this.state.find.toLowerCase().split(/\s+/).filter(Boolean);
    const exact = ["host", "dopant", "motif"].filter((key) => this.state[key]);
    const ticked = ["accessible", "front"].filter((key) => this.state[key] === "true");
    const kept = rows.map((_, i) => i).filter((i) =>
      words.every((word) => this.haystack[i].includes(word)) &&
      exact.every((key) => rows[i][this.index[key]] === this.state[key]) &&
      ticked.every((key) => rows[i][this.index[key]] === true) &&
      (this.state.clean !== "true" || rows[i][this.index.flags].length === 0));
    const at = this.index[this.state.sort];
    if (at === undefined) return kept;
    const sign = this.state.order === "down" ? -1 : 1;
    const key = (i) => sortKey(rows[i][at], columns[at]);
    return kept.sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * compare(x, y);
    });
  }

  refresh() {
    const chosen = this.chosen();
    const pages = Math.max(1, Math.ceil(chosen.length / this.state.size));
    this.state.page = Math.min(Math.max(1, this.state.page), pages);
    const start = (this.state.page - 1) * this.state.size;
    const visible = chosen.slice(start, start + this.state.size);
    this.root.querySelector("tbody").replaceChildren(...visible.map((i) => this.row(i)));
    for (const head of this.root.querySelectorAll("th[data-key]")) {
      const active = head.dataset.key === this.state.sort;
      head.setAttribute("aria-sort", active ? (this.state.order === "up" ? "ascending" : "descending") : "none");
    }
    const range = chosen.length ? `, showing ${start + 1} to ${start + visible.length}` : "";
    this.root.querySelector("[data-status]").textContent =
      `${chosen.length} of ${this.data.rows.length} candidates${range}; page ${this.state.page} of ${pages}`;
    this.root.querySelector("[data-step='-1']").disabled = this.state.page === 1;
    this.root.querySelector("[data-step='1']").disabled = this.state.page === pages;
  }

  row(i) {
    const line = document.createElement("tr");
    this.data.columns.forEach((column, c) => {
      const cell = document.createElement(c === this.index.name ? "th" : "td");
      if (cell.tagName === "TH") cell.scope = "row";
      cell.className = column.kind;
      const value = this.data.rows[i][c];
      if (column.kind === "flags") {
        for (const index of value) {
          const mark = document.createElement("abbr");
          mark.title = this.data.flags[index];
          mark.textContent = index + 1;
          cell.append(mark, " ");
        }
      } else {
        const text = this.text(value, column);
        cell.textContent = column.key === "name" ? formula(text) : text;
      }
      line.append(cell);
    });
    return line;
  }

  /** Save the chosen rows as CSV, in the order of the table. */
  save() {
    const quote = (value) => `"${String(value).replaceAll('"', '""')}"`;
    const flat = (cell, column) => {
      if (column.kind === "measured" || column.kind === "interval") return cell.map((x) => x ?? "");
      if (column.kind === "flags") return [cell.map((index) => this.data.flags[index]).join("; ")];
      return [cell ?? ""];
    };
    const names = this.data.columns.flatMap((column) => column.names);
    const lines = this.chosen().map((i) => this.data.columns.flatMap((column, c) => flat(this.data.rows[i][c], column)));
    const text = [names, ...lines].map((line) => line.map(quote).join(",")).join("\n");
    saveFile("candidates.csv", text, "text/csv");
  }
}

const CHART_OPTIONS = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };

/** Narrower than this, a chart has its colour bar below and no tools [px]. */
const NARROW = 600;

/** A chart's data, layout and options as they fit the width of its place. */
function fitted(div, { data, layout }) {
  if (div.clientWidth >= NARROW) return [data, layout, CHART_OPTIONS];
  for (const trace of data) {
    const bar = trace.colorbar ?? trace.marker?.colorbar;
    if (!bar) continue;
    Object.assign(bar, { orientation: "h", x: 0.5, xanchor: "center", y: -0.22, yanchor: "top", len: 1, title: { ...bar.title, side: "bottom" } });
  }
  const polar = Boolean(layout.polar);
  const left = layout.margin.l > 100 ? 76 : 52;
  layout.margin = { ...layout.margin, l: polar ? 30 : left, r: polar ? 30 : 8, b: 110 };
  layout.font = { ...layout.font, size: 11 };
  for (const note of layout.annotations ?? []) note.text = note.text.replace(" and ", "<br> and ");
  return [data, layout, { ...CHART_OPTIONS, displayModeBar: false }];
}

/** Draw every chart of the page from its JSON block; a click finds a candidate, and turns one of the best. */
function drawCharts(table, turn) {
  for (const div of document.querySelectorAll("[data-chart]")) {
    Plotly.newPlot(div, ...fitted(div, block(div.dataset.chart))).then(() => {
      div.on("plotly_click", ({ points: [point] }) => {
        if (!point.customdata) return;
        table.find(point.customdata[0]);
        turn(point.customdata[0]);
      });
    });
  }
}

/** Show one of the best candidates in three dimensions; gives a function that shows one by the id of its row. */
function connectViewer() {
  const select = document.getElementById("structure");
  if (!select) return () => {};
  const figures = block("structures");
  const div = document.getElementById("viewer");
  const show = () => {
    const { data, layout } = figures[select.selectedIndex];
    document.getElementById("caption").textContent = select.selectedOptions[0].dataset.caption;
    Plotly.react(div, data, layout, CHART_OPTIONS);
  };
  select.addEventListener("change", show);
  for (const button of document.querySelectorAll("[data-show]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      select.selectedIndex = Number(button.dataset.show);
      show();
      div.scrollIntoView({ block: "nearest" });
    });
  }
  const files = block("files");
  for (const button of document.querySelectorAll("[data-save-structure]")) {
    const ending = button.dataset.saveStructure;
    button.addEventListener("click", () => {
      const file = files[select.selectedIndex];
      saveFile(`${file.stem}.${ending}`, file[ending], `chemical/x-${ending}`);
    });
  }
  show();
  return (id) => {
    const place = files.findIndex((file) => file.id === id);
    if (place < 0) return;
    select.selectedIndex = place;
    show();
  };
}

/** Put the citation on the clipboard; where that is not allowed, choose it so that one key copies it. */
function connectCitation() {
  const text = document.querySelector("pre.cite");
  document.querySelector("[data-copy]").addEventListener("click", () => {
    getSelection().selectAllChildren(text);
    navigator.clipboard?.writeText(text.textContent).catch(() => {});
  });
}

const candidates = new CandidateTable(document.getElementById("candidates"), block("rows"));
drawCharts(candidates, connectViewer());
connectCitation();
document.documentElement.dataset.ready = "yes";
