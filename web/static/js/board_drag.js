// A stop is dragged to another place or van of the timeline, or out of it; what that would do stands beside the pointer
// before it is let go. Fingers scroll the timeline: they, and the keyboard, have the form beside the stop.

const BEGINS_PX = 5;
const EDGE_PX = 28;
const OVER = ["done", "collected", "failed", "refused", "not_delivered"];

/** What the page lends it: `submit` posts a form, `consider` opens an effect with its button, `nameOf` tells a stop's site. */
export function dressDragging({ main, grid, base, tip, ask, say, submit, consider, nameOf }) {
  const gap = grid.querySelector(".tl-drop");
  let drag = null; // { source, x, y, begun, name, plan, deliveries, target, effects }

  const deliveriesOf = (source) => source.dataset.deliveries.split(" ");
  const keyOf = (target) => `${target.shift}:${target.position}`;

  function query(target) {
    const given = new URLSearchParams(drag.deliveries.map((key) => ["delivery", key]));
    given.set("shift", target.shift);
    given.set("position", target.position);
    return given;
  }

  /** Where it would go: onto a row between two doors, onto a van's name for its cheapest place, onto the left panel to be left out. */
  function targetAt(x, y) {
    const under = document.elementFromPoint(x, y);
    const row = under?.closest(".tl-row[data-shift]");
    if (row) {
      const { shift } = row.dataset;
      if (under.closest(".tl-name")) return { row, shift, position: "" };
      let position = 0;
      let [left, right] = [null, null];
      for (const stop of row.querySelectorAll(".tl-stop")) {
        if (stop === drag.source) continue;
        const box = stop.getBoundingClientRect();
        if (box.left + box.width / 2 < x) {
          position += deliveriesOf(stop).length;
          left = box.right;
        } else {
          right = box.left;
          break;
        }
      }
      const at = left !== null && right !== null ? (left + right) / 2 : left !== null ? left + 3 : right !== null ? right - 3 : x;
      return { row, shift, position, at };
    }
    const out = under?.closest(".pane-left");
    return out && drag.source.matches(".tl-stop") ? { row: out, shift: "", position: 0 } : null;
  }

  /** One question at a time; whoever has moved on meanwhile asks again for where they are now. */
  async function look() {
    const mine = drag;
    if (mine.asking) return;
    mine.asking = true;
    while (drag === mine && mine.target && !mine.effects.has(keyOf(mine.target))) {
      const { target } = mine;
      const found = await ask(`${base}/${mine.plan}/effect?${query(target)}`).catch((problem) => ({ possible: false, said: problem.message }));
      mine.effects.set(keyOf(target), found);
    }
    mine.asking = false;
    if (drag === mine) show();
  }

  function show() {
    const { target, x, y } = drag;
    const found = target && drag.effects.get(keyOf(target));
    const state = !found ? "" : !found.possible ? "failed" : found.promises_broken.length ? "late" : "done";
    for (const row of grid.querySelectorAll(".drop")) row.classList.remove("drop");
    target?.row.classList.add("drop");
    gap.hidden = target?.at === undefined;
    if (!gap.hidden) {
      const box = target.row.getBoundingClientRect();
      Object.assign(gap.style, { left: `${target.at}px`, top: `${box.top}px`, height: `${box.height}px` });
    }
    const name = document.createElement("b");
    name.textContent = drag.name;
    const said = document.createElement("span");
    said.textContent = found ? found.said : target ? "…" : main.dataset.dragHint;
    tip.replaceChildren(name, said);
    tip.dataset.state = state;
    tip.hidden = false;
    tip.style.left = `${Math.max(Math.min(x + 14, innerWidth - tip.offsetWidth - 8), 4)}px`;
    tip.style.top = `${Math.max(y - tip.offsetHeight - 12, 4)}px`;
  }

  function begin() {
    drag.begun = true;
    grid.classList.add("dragging");
    drag.source.classList.add("dragged");
    drag.source.setPointerCapture?.(drag.pointer);
  }

  function end() {
    const ended = drag;
    drag = null;
    if (!ended?.begun) return ended;
    grid.classList.remove("dragging");
    ended.source.classList.remove("dragged");
    for (const row of grid.querySelectorAll(".drop")) row.classList.remove("drop");
    gap.hidden = tip.hidden = true;
    delete tip.dataset.state;
    // The press that ends a drag chooses nothing.
    const still = (event) => { event.preventDefault(); event.stopPropagation(); };
    addEventListener("click", still, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", still, { capture: true }));
    return ended;
  }

  /** What was seen and breaks no promise is done; else the effect opens beside the stop, with its button. */
  function drop() {
    const { target, effects, plan, deliveries, source } = drag;
    const found = target && effects.get(keyOf(target));
    const given = target && query(target);
    end();
    if (!target || found?.unchanged) return;
    if (found && !found.possible) say(found.said);
    else if (!found || found.promises_broken.length) consider(source.dataset.pick, source.dataset.key, plan, `${base}/${plan}/effect?${given}`);
    else if (target.shift === "") submit(`${base}/${plan}/take-out`, deliveries.map((key) => ["delivery", key]));
    else submit(`${base}/${plan}/move`, [...deliveries.map((key) => ["delivery", key]), ["shift", target.shift], ["position", found.position]]);
  }

  grid.addEventListener("dragstart", (event) => { if (event.target.closest("[data-deliveries]")) event.preventDefault(); });

  grid.addEventListener("pointerdown", (event) => {
    const source = event.target.closest("[data-deliveries]");
    if (!source || event.button !== 0 || event.pointerType === "touch" || OVER.includes(source.dataset.state)) return;
    drag = {
      source, begun: false, pointer: event.pointerId, x: event.clientX, y: event.clientY, target: null, effects: new Map(),
      name: nameOf(source.dataset.pick, source.dataset.key), plan: source.dataset.plan, deliveries: deliveriesOf(source),
    };
  });

  grid.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    if (!drag.begun && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < BEGINS_PX) return;
    if (!drag.begun) begin();
    [drag.x, drag.y] = [event.clientX, event.clientY];
    const pane = document.elementFromPoint(drag.x, drag.y)?.closest(".pane-below");
    if (pane) {
      const box = pane.getBoundingClientRect();
      pane.scrollTop += drag.y > box.bottom - EDGE_PX ? 8 : drag.y < box.top + EDGE_PX ? -8 : 0;
    }
    drag.target = targetAt(drag.x, drag.y);
    show();
    if (drag.target) look();
  });

  grid.addEventListener("pointerup", () => { if (drag?.begun) drop(); else drag = null; });
  grid.addEventListener("pointercancel", end);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !drag?.begun) return;
    event.stopImmediatePropagation();
    end();
  }, { capture: true });
}
