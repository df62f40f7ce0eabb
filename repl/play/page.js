(() => {
"use strict";
const data = document.getElementById("film");
if (!data) return;
const film = JSON.parse(data.textContent), { pictures, lines, steps, rows, end } = film;
const player = document.getElementById("player"), home = player.parentNode, after = player.nextSibling;
const $ = name => player.querySelector("." + name);
const screen = $("screen"), play = $("play"), seek = player.querySelector("input"), at = $("at"), label = $("label"), speed = $("speed");
const speeds = [1, 2, 4, 0.5];
let now = 0, shown = -1, until = end, timer = 0, since = 0, rate = 1;
let showing = new Array(rows).fill(0), drawn = new Array(rows).fill(-1), cursor = -1;

for (let row = 0; row < rows; row++) screen.append(document.createElement("div"));

const clock = ms => Math.floor(ms / 60000) + ":" + String(Math.floor(ms / 1000) % 60).padStart(2, "0");

/* The last of a list sorted by its first member that is not after @ms; -1: all are. */
function last(list, ms) {
    let low = 0, high = list.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (list[middle][0] <= ms) low = middle + 1; else high = middle;
    }
    return low - 1;
}

function run(text, classes) {
    if (!classes) return document.createTextNode(text);
    const span = document.createElement("span");
    span.className = classes;
    span.textContent = text;
    return span;
}

/* A line's runs, with a cursor at a column. Characters are counted as code points, and a wide one as two. */
function draw(row, column) {
    const parts = [];
    let col = 0;
    for (const part of lines[showing[row]]) {
        const [text, classes = ""] = typeof part === "string" ? [part] : part;
        const wide = /(^| )W$/.test(classes), letters = wide ? [text] : Array.from(text), width = wide ? 2 : letters.length;
        if (column >= col && column < col + width) {
            const here = wide ? 0 : column - col;
            if (here) parts.push(run(letters.slice(0, here).join(""), classes));
            parts.push(run(letters[here], classes + " cursor"));
            if (here + 1 < letters.length) parts.push(run(letters.slice(here + 1).join(""), classes));
        } else {
            parts.push(run(text, classes));
        }
        col += width;
    }
    if (column >= col) parts.push(run(" ".repeat(column - col), ""), run(" ", "cursor"));
    screen.children[row].replaceChildren(...parts);
    drawn[row] = column >= 0 ? -1 : showing[row];
}

function show(ms) {
    now = Math.max(0, Math.min(ms, end));
    const wanted = Math.max(0, last(pictures, now));
    if (wanted < shown) {
        showing.fill(0);
        shown = -1;
    }
    while (shown < wanted) {
        const picture = pictures[++shown];
        for (let i = 3; i < picture.length; i += 2) showing[picture[i]] = picture[i + 1];
    }
    const [, row, column] = pictures[shown];
    for (let i = 0; i < rows; i++) if (i === row || i === cursor || drawn[i] !== showing[i]) draw(i, i === row ? column : -1);
    cursor = row;
    const step = last(steps, now);
    seek.value = now;
    at.textContent = clock(now) + " / " + clock(end);
    label.textContent = step >= 0 ? steps[step][2] : "";
    seek.setAttribute("aria-valuetext", clock(now) + (step >= 0 ? ", " + steps[step][2] : ""));
}

function stop() {
    cancelAnimationFrame(timer);
    timer = 0;
    play.textContent = "Play";
}

function tick(time) {
    const ms = now + (time - since) * rate;
    since = time;
    show(Math.min(ms, until));
    if (now >= until) stop(); else timer = requestAnimationFrame(tick);
}

function start() {
    if (now >= end) show(0);
    if (now >= until) until = end;
    play.textContent = "Pause";
    since = performance.now();
    cancelAnimationFrame(timer);
    timer = requestAnimationFrame(tick);
}

const toggle = () => timer ? stop() : start();

function go(ms) {
    until = end;
    show(ms);
}

function step(by) {
    const here = last(steps, now), back = by < 0 && here >= 0 && now - steps[here][0] > 1500 ? 0 : by;
    const to = Math.max(0, Math.min(here + back, steps.length - 1));
    if (steps.length) go(here + back >= steps.length ? end : steps[to][0]);
}

function faster() {
    rate = speeds[(speeds.indexOf(rate) + 1) % speeds.length];
    speed.textContent = rate + "×";
}

const keys = {
    " ": toggle, k: toggle, ArrowLeft: () => go(now - 5000), ArrowRight: () => go(now + 5000), Home: () => go(0), End: () => go(end),
    "[": () => step(-1), "]": () => step(1), ".": () => { stop(); go((pictures[shown + 1] || [end])[0]); }, s: faster,
};
player.addEventListener("keydown", event => {
    const own = event.target.tagName === "BUTTON" && (event.key === " " || event.key === "Enter");
    const action = event.ctrlKey || event.metaKey || event.altKey || own ? null : keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
});
screen.addEventListener("click", () => { if (getSelection().isCollapsed) toggle(); });
play.addEventListener("click", toggle);
$("back").addEventListener("click", () => step(-1));
$("on").addEventListener("click", () => step(1));
speed.addEventListener("click", faster);
seek.addEventListener("input", () => go(Number(seek.value)));
seek.max = end;
for (const [ms] of steps) {
    const tick = document.createElement("i");
    tick.style.left = 100 * ms / end + "%";
    $("ticks").append(tick);
}

/* A step is watched where it stands, and no further than its end. */
for (const button of document.querySelectorAll(".watch")) {
    const which = steps.findIndex(step => step[1] === Number(button.dataset.step));
    if (which < 0) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
        button.after(player);
        go(steps[which][0]);
        until = which + 1 < steps.length ? steps[which + 1][0] - 1 : end;
        start();
        screen.focus({ preventScroll: true });
        player.scrollIntoView({ block: "nearest" });
    });
}
addEventListener("beforeprint", () => { stop(); home.insertBefore(player, after); });
player.hidden = false;
const wanted = /^#t=(\d+)$/.exec(location.hash); /* PAGE#t=90 shows the film as it is after a minute and a half */
show(wanted ? 1000 * wanted[1] : 0);
})();
