// Aids for the reader. The page can be read in full without them.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, properties, parent) => parent.appendChild(Object.assign(document.createElement(tag), properties));
  document.documentElement.classList.add("script");
  const heard = make("div", { className: "heard" }, document.body);
  heard.setAttribute("role", "status");

  // Contents: unfolded beside the page, folded above it; the section that is read is marked.
  const contents = document.querySelector(".contents details");
  const wide = matchMedia("(min-width: 1580px)");
  const place = () => (contents.open = wide.matches);
  wide.addEventListener("change", place);
  place();
  const entries = new Map(all("a", contents).map((link) => [link.hash.slice(1), link]));
  const reading = new IntersectionObserver(
    (changes) => {
      for (const change of changes) if (change.isIntersecting) mark(entries.get(change.target.id));
    },
    { rootMargin: "0px 0px -75% 0px" },
  );
  const mark = (current) => {
    for (const link of entries.values()) link.removeAttribute("aria-current");
    current.setAttribute("aria-current", "true");
  };
  for (const name of entries.keys()) reading.observe(document.getElementById(name));
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a") && !wide.matches) contents.open = false;
  });

  // Folds: a link into one unfolds it; one button for all; print shows all.
  const unfold = (hash) => {
    const target = document.getElementById(decodeURIComponent(hash.slice(1)));
    let folded = false;
    for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      folded ||= !fold.open;
      fold.open = true;
    }
    if (folded) target.scrollIntoView();
  };
  addEventListener("hashchange", () => unfold(location.hash));
  unfold(location.hash);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link) unfold(link.hash);
  });
  const sections = all("details.section");
  const title = document.querySelector(".appendix > .layer-title");
  if (sections.length) {
    const tools = make("p", { className: "tools" }, title.parentElement);
    title.after(tools);
    for (const [words, open] of [["Unfold all", true], ["Fold all", false]]) {
      make("button", { type: "button", textContent: words }, tools).addEventListener("click", () => {
        for (const section of sections) section.open = open;
      });
    }
  }
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    for (const fold of opened) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
  });

  // Tables: sorted by a click on a head, filtered by what the rows say of themselves.
  const column = (head) => {
    const taken = []; // of each row of the head, the columns that cells from above reach into
    for (const [y, row] of [...head.closest("thead").rows].entries()) {
      let x = 0;
      for (const cell of row.cells) {
        while (taken[y]?.[x]) x += 1;
        if (cell === head) return x;
        for (let down = 1; down < cell.rowSpan; down += 1) {
          for (let right = 0; right < cell.colSpan; right += 1) (taken[y + down] ??= [])[x + right] = true;
        }
        x += cell.colSpan;
      }
    }
  };
  const key = (row, index, kind) => {
    let x = 0;
    const cell = [...row.cells].find((one) => (x += one.colSpan) > index);
    const text = cell?.dataset.key ?? cell?.textContent.trim() ?? "";
    if (kind === "text") return text.toLowerCase();
    const number = text.replaceAll("\u2212", "-").replaceAll(",", "").match(/[-+]?\d+(\.\d+)?(e[-+]?\d+)?/);
    return number ? Number(number[0]) : null;
  };
  const sort = (table, head) => {
    const kind = head.dataset.sort;
    const order = head.getAttribute("aria-sort") ?? (kind === "number" ? "ascending" : "descending");
    const sign = order === "ascending" ? -1 : 1;
    const index = column(head);
    // Where a table has several bodies, the rows of each belong together.
    const bodies = [...table.tBodies];
    const units = bodies.length > 1 ? bodies : [...bodies[0].rows];
    const keyed = units.map((unit) => [unit, key(unit.rows?.[0] ?? unit, index, kind)]);
    keyed.sort(([, a], [, b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (a < b ? -1 : a > b ? 1 : 0);
    });
    const parent = units[0].parentElement;
    for (const [unit] of keyed) parent.append(unit);
    for (const other of all("[aria-sort]", table)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
  };
  for (const table of all("table.sortable")) {
    for (const head of all("thead th[data-sort]", table)) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      if (head.querySelector("a")) button.setAttribute("aria-label", `Sort by ${head.textContent.trim()}`);
      else button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, head));
    }
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
    const wanted = {};
    for (const name of ["family", "group"]) {
      const values = [...new Set(rows.map((row) => row.dataset[name]).filter(Boolean))];
      if (values.length < 2) continue;
      const tools = make("div", { className: "tools" }, table.parentElement.parentElement);
      table.parentElement.before(tools);
      tools.setAttribute("role", "group");
      tools.setAttribute("aria-label", `Rows by ${name}`);
      make("span", { textContent: `Show ${name}:` }, tools);
      const buttons = ["all", ...values].map((value) => {
        const button = make("button", { type: "button", textContent: value }, tools);
        button.addEventListener("click", () => {
          wanted[name] = value === "all" ? undefined : value;
          for (const row of rows) {
            row.hidden = Object.entries(wanted).some(([what, one]) => one && (row.dataset[what] ?? one) !== one);
          }
          for (const other of buttons) other.setAttribute("aria-pressed", other === button);
          heard.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
        });
        button.setAttribute("aria-pressed", value === "all");
        return button;
      });
    }
  }

  // Figures: the value under the pointer, or by the arrow keys.
  for (const figure of all("svg").filter((svg) => svg.querySelector("[data-value]"))) {
    const marks = all("[data-value]", figure);
    let current = -1;
    let box;
    const show = (index) => {
      marks[current]?.classList.remove("shown");
      box?.remove();
      current = index;
      const mark = marks[current];
      if (!mark) return;
      mark.classList.add("shown");
      heard.textContent = mark.dataset.value;
      box = make("div", { className: "value", textContent: mark.dataset.value }, document.body);
      box.setAttribute("aria-hidden", "true");
      const { left, bottom } = mark.getBoundingClientRect();
      box.style.left = `${Math.max(4, Math.min(left, document.documentElement.clientWidth - box.offsetWidth - 4))}px`;
      box.style.top = `${bottom + 6}px`;
    };
    figure.setAttribute("tabindex", "0");
    figure.addEventListener("pointermove", (event) => {
      const away = marks.map((mark) => {
        const { top, height } = mark.getBoundingClientRect();
        return Math.abs(event.clientY - top - height / 2);
      });
      const nearest = Math.min(...away);
      const index = nearest < 14 ? away.indexOf(nearest) : -1;
      if (index !== current) show(index);
    });
    figure.addEventListener("pointerleave", () => show(-1));
    figure.addEventListener("focus", () => figure.matches(":focus-visible") && show(0));
    figure.addEventListener("blur", () => show(-1));
    figure.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") show(-1);
      if (!step) return;
      event.preventDefault();
      show(Math.max(0, Math.min(current + step, marks.length - 1)));
    });
  }
  addEventListener("scroll", () => all(".value").forEach((box) => box.remove()), { passive: true });

  // Copies.
  for (const button of all("button.copy")) {
    const words = button.textContent;
    button.addEventListener("click", async () => {
      const source = document.querySelector(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent.trim());
      } catch {
        getSelection().selectAllChildren(source); // the browser forbids it: ready for the keyboard
        button.textContent = "Selected: press Ctrl+C";
        return;
      }
      button.textContent = heard.textContent = "Copied";
      setTimeout(() => (button.textContent = words), 2000);
    });
  }
})();
