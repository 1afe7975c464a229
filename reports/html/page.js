(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // Theme: the reader's system decides until the reader does. Storage may be closed to files; then the choice lasts for the visit.
  const remember = (name) => { try { localStorage.setItem("theme", name); } catch { /* file pages may have no storage */ } };
  try { const kept = localStorage.getItem("theme"); if (kept) root.dataset.theme = kept; } catch { /* as above */ }
  const theme = document.getElementById("theme");
  if (theme) {
    theme.hidden = false;
    const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    const label = () => { theme.textContent = dark() ? "Light mode" : "Dark mode"; };
    theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; remember(root.dataset.theme); label(); });
    label();
  }
  const print = document.getElementById("print");
  if (print) { print.hidden = false; print.addEventListener("click", () => window.print()); }

  // Copy buttons stand beside commands only where copying is possible.
  if (navigator.clipboard) for (const box of all(".copyable")) {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(box.querySelector("pre").textContent); button.textContent = "Copied"; }
      catch { button.textContent = "Select and copy"; }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    box.append(button);
  }

  // Filter: words, verdicts and a document, kept in the address so that a view can be sent to a colleague.
  const panel = document.getElementById("filters");
  const words = document.getElementById("find"), book = document.getElementById("book"), status = document.getElementById("found");
  const chips = panel ? all("button[data-verdict]", panel) : [];
  const items = all("[data-v]").map((element) => ({ element, verdict: element.dataset.v, book: element.dataset.b || "", text: null }));
  const groups = all("[data-group]").map((element) => ({ element, items: items.filter((item) => element.contains(item.element)), open: element.open }));
  function apply() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = new Set(chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.verdict));
    const one = book ? book.value : "";
    const active = wanted.length > 0 || verdicts.size > 0 || one !== "";
    let shown = 0;
    for (const item of items) {
      if (wanted.length && item.text === null) item.text = (item.element.dataset.t || "") + " " + item.element.textContent.toLowerCase();
      const keep = (!verdicts.size || verdicts.has(item.verdict)) && (!one || !item.book || item.book.split(" ").includes(one)) && wanted.every((word) => item.text.includes(word));
      item.element.hidden = !keep;
      if (keep) shown += 1;
    }
    for (const group of groups) {
      const left = group.items.some((item) => !item.element.hidden);
      group.element.hidden = active && !left;
      if (group.element.tagName === "DETAILS") group.element.open = active ? left : group.open;
    }
    status.textContent = active ? `${shown.toLocaleString()} of ${items.length.toLocaleString()} entries shown (requirements, findings and checks)` : "";
    const state = new URLSearchParams();
    if (words.value) state.set("q", words.value);
    for (const verdict of verdicts) state.append("verdict", verdict);
    if (one) state.set("document", one);
    const address = active ? "#?" + state : location.hash.startsWith("#?") ? "#" : location.hash;
    if (address !== location.hash) history.replaceState(null, "", address || location.pathname + location.search);
  }
  function restore() {
    const state = new URLSearchParams(location.hash.slice(2));
    words.value = state.get("q") || "";
    if (book) book.value = state.get("document") || "";
    const verdicts = state.getAll("verdict");
    for (const chip of chips) chip.setAttribute("aria-pressed", String(verdicts.includes(chip.dataset.verdict)));
    apply();
  }
  if (panel) {
    panel.hidden = false;
    let waiting = 0;
    words.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 120); });
    if (book) book.addEventListener("change", apply);
    for (const chip of chips) chip.addEventListener("click", () => { chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true")); apply(); });
    document.getElementById("clear").addEventListener("click", () => { words.value = ""; if (book) book.value = ""; for (const chip of chips) chip.setAttribute("aria-pressed", "false"); apply(); words.focus(); });
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); words.focus(); }
    });
  }

  // Deep links open the folds around what they name, even when a filter had hidden it.
  function follow() {
    if (location.hash.startsWith("#?")) { if (panel) restore(); return; }
    const target = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    if (!target) return;
    for (let element = target; element; element = element.parentElement) {
      if (element.tagName === "DETAILS") element.open = true;
      element.hidden = false;
    }
    target.scrollIntoView({ block: "start" });
  }
  addEventListener("hashchange", follow);
  follow();

  // The table of contents follows the reader.
  const links = new Map(all("nav.toc a").map((link) => [link.getAttribute("href").slice(1), link]));
  if (links.size && "IntersectionObserver" in window) {
    const seen = new Set();
    new Set(all("main > section[id]")).forEach((section) => new IntersectionObserver((entries) => {
      for (const entry of entries) entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id);
      const first = [...links.keys()].find((id) => seen.has(id));
      for (const [id, link] of links) id === first ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    }, { rootMargin: "0px 0px -60% 0px" }).observe(section));
  }

  // Paper has no folds: everything opens for printing but the raw evidence and what repeats.
  let closed = [];
  addEventListener("beforeprint", () => { closed = all("details:not([open]):not(.evidence):not(.paper-shut)"); for (const fold of closed) fold.open = true; });
  addEventListener("afterprint", () => { for (const fold of closed) fold.open = false; });
})();
