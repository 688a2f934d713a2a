// Without this script the picture is whole, but neither zooms nor hides, and shows its texts by the browser's own tooltips only.
(function () {
  "use strict";
  const picture = document.getElementById("picture");
  const panel = document.getElementById("panel");
  const cursor = document.getElementById("cursor");
  const body = document.body;
  const number = (element, name) => Number(element.getAttribute(name));
  const all = selector => Array.from(picture.querySelectorAll(selector));

  // ---- heights: rows that show nothing take no room, the others as much as the zoom says

  const points = all("[data-y]").map(element => ({element, x: number(element, "data-x"), y: number(element, "data-y")}));
  const lines = all("line.v").map(element => ({element, from: number(element, "y1"), to: number(element, "y2")}));
  const rects = all("rect.v").map(element => ({element, from: number(element, "y"), height: number(element, "height")}));
  const times = points.filter(point => point.element.classList.contains("time"));
  const idles = points.filter(point => point.element.classList.contains("idle"));
  idles.forEach(idle => { idle.to = number(idle.element, "data-to"); });
  let zoom = 1;
  let base = [0, height];     // heights as they were drawn,
  let shown = [0, height];    // and as they are shown

  function place(y, from, to) {
    let low = 0;
    let high = from.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (from[middle] > y) { high = middle; } else { low = middle; }
    }
    const part = from[high] === from[low] ? 0 : (y - from[low]) / (from[high] - from[low]);
    return Math.round((to[low] + part * (to[high] - to[low])) * 10) / 10;
  }
  const down = y => place(y, base, shown);
  const back = y => place(y, shown, base);

  function layOut() {
    const hides = (body.classList.contains("no-heartbeats") ? 1 : 0) | (body.classList.contains("no-answers") ? 2 : 0)
      | (body.classList.contains("no-calls") ? 4 : 0);
    base = [0];
    shown = [0];
    let last = 0;
    let at = 0;
    for (const [y, hideable] of rows) {
      const isHidden = hideable !== 0 && (hideable & ~hides) === 0;
      at += isHidden ? Math.min(0.4, y - last) : (y - last) * zoom;
      base.push(y);
      shown.push(at);
      last = y;
    }
    at += height - last;      // what a violation says needs its room at any zoom
    base.push(height);
    shown.push(at);
    body.classList.toggle("flat", zoom < 0.75);
    points.forEach(point => point.element.classList.contains("m") || point.element.classList.contains("idle")
      || point.element.setAttribute("transform", "translate(" + point.x + " " + down(point.y) + ")"));
    lines.forEach(line => {
      line.element.setAttribute("y1", down(line.from));
      line.element.setAttribute("y2", down(line.to));
    });
    rects.forEach(rect => {
      rect.element.setAttribute("y", down(rect.from));
      rect.element.setAttribute("height", Math.max(0.5, down(rect.from + rect.height) - down(rect.from)));
    });
    picture.setAttribute("height", at);
    let free = -100;
    times.forEach(time => {
      const y = down(time.y);
      time.element.classList.toggle("hidden", y - free < 13);
      free = y - free < 13 ? free : y;
    });
    idles.forEach(idle => {     // which may be longer when what lies around them is hidden
      const from = down(idle.y);
      const to = down(idle.to);
      idle.element.classList.toggle("hidden", hides !== 0 || to - from < 22);
      idle.element.setAttribute("transform", "translate(0 " + (from + to) / 2 + ")");
    });
    document.getElementById("zoom").textContent = Math.round(zoom * 100) + "%";
  }

  /** Changes heights, and keeps in its place what stands in the middle of the window. */
  function change(how) {
    const top = picture.getBoundingClientRect().top;
    const middle = window.innerHeight * 0.6;
    const kept = back(middle - top);
    how();
    layOut();
    window.scrollBy(0, picture.getBoundingClientRect().top + down(kept) - middle);
    showNow(middle);
  }

  const magnify = factor => change(() => { zoom = Math.min(4, Math.max(0.25, zoom * factor)); });

  function toggle(name) {
    const box = document.getElementById(name);
    change(() => { body.classList.toggle("no-" + name, !box.checked); });
  }

  // ---- what each node was at the height of the pointer

  const stays = [];
  const commits = [];
  for (let node = 0; node <= nodes; node++) { stays.push([]); commits.push([]); }
  all(".stay").forEach(stay => {
    const rect = stay.querySelector("rect");
    stays[number(stay, "data-node")].push({y: number(rect, "y"), state: stay.getAttribute("data-state")});
  });
  all("desc[data-commit]").forEach(commit => {
    commits[number(commit, "data-node")].push({y: number(commit.parentNode, "data-y"), index: commit.getAttribute("data-commit")});
  });
  const before = (list, y) => list.reduce((found, each) => each.y <= y ? each : found, null);

  function showNow(windowY) {
    const shownY = windowY - picture.getBoundingClientRect().top;
    const y = back(shownY);
    cursor.setAttribute("y1", shownY);
    cursor.setAttribute("y2", shownY);
    for (let node = 1; node <= nodes; node++) {
      const stay = before(stays[node], y);
      const commit = before(commits[node], y);
      const state = stay ? stay.state : "";
      document.getElementById("now" + node).textContent = (nodes > 5 ? state.replace(", term", "") : state)
        + (commit ? ", c" + commit.index : "");
    }
    const time = before(times, y);
    document.getElementById("now").textContent = time ? time.element.textContent : "";
  }

  // ---- what the pointer rests on, or the keys have chosen

  const events = points.filter(point => point.element.classList.contains("e")).sort((a, b) => a.y - b.y);
  const tags = new Map();
  all(".tag").forEach(tag => {
    const of = tag.getAttribute("data-of");
    tags.set(of, (tags.get(of) || []).concat(tag));
  });
  let chosen = null;
  let lit = null;

  /** A message for its words; else the thing itself. */
  const owner = element => element && element.classList.contains("tag")
    ? document.getElementById(element.getAttribute("data-of")) : element;

  function mark(element, how, isOn) {
    if (element) {
      [element].concat(tags.get(element.id) || []).forEach(each => each.classList.toggle(how, isOn));
    }
  }

  function tell(element) {
    const title = element.querySelector("title");
    panel.textContent = title ? title.textContent : "";
  }

  function choose(point) {
    if (chosen) { mark(chosen.element, "on", false); }
    chosen = point;
    if (!point) {
      panel.textContent = "";
      return;
    }
    mark(point.element, "on", true);
    tell(point.element);
    const y = picture.getBoundingClientRect().top + down(point.y);
    if (y < 120 || y > window.innerHeight - 160) { window.scrollBy(0, y - window.innerHeight / 2); }
    showNow(picture.getBoundingClientRect().top + down(point.y));
  }

  function step(by) {
    const isShown = point => getComputedStyle(point.element).display !== "none";
    let at = chosen ? events.indexOf(chosen) + by
      : events.findIndex(point => picture.getBoundingClientRect().top + down(point.y) > window.innerHeight / 2);
    while (events[at] && !isShown(events[at])) { at += by; }
    if (events[at]) { choose(events[at]); }
  }

  function goToViolation() {
    const violation = points.find(point => point.element.id === "violation");
    if (violation) {
      window.scrollTo(0, window.scrollY + picture.getBoundingClientRect().top + down(violation.y) - window.innerHeight * 0.8);
      showNow(window.innerHeight * 0.8);
    }
  }

  picture.addEventListener("mouseover", event => {
    const over = owner(event.target.closest(".e, .tag, .stay, .call, .cut"));
    if (over && !chosen) { tell(over); }
    if (over !== lit) {
      mark(lit, "lit", false);
      mark(over, "lit", true);
      lit = over;
    }
  });
  picture.addEventListener("mousemove", event => { if (!chosen) { showNow(event.clientY); } });
  picture.addEventListener("click", event => {
    const over = owner(event.target.closest(".e, .tag"));
    const point = over && events.find(each => each.element === over);
    if (point !== chosen || !point) { choose(point || null); } else { choose(null); }
  });
  document.querySelector(".broken")?.addEventListener("click", event => { event.preventDefault(); goToViolation(); });
  ["heartbeats", "answers", "calls"].forEach(name => document.getElementById(name).addEventListener("change", () => toggle(name)));
  document.getElementById("wider").addEventListener("click", () => magnify(1.25));
  document.getElementById("closer").addEventListener("click", () => magnify(0.8));
  document.addEventListener("keydown", event => {
    const flip = name => { document.getElementById(name).click(); };
    const keys = {j: () => step(1), k: () => step(-1), v: goToViolation, h: () => flip("heartbeats"), a: () => flip("answers"),
      c: () => flip("calls"),
      "+": () => magnify(1.25), "-": () => magnify(0.8), Escape: () => choose(null)};
    if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  if ("scrollRestoration" in history) { history.scrollRestoration = "manual"; }
  layOut();
  goToViolation();
  window.addEventListener("load", goToViolation);
}());
