
"use strict";
const byId = (id) => document.getElementById(id);
const search = byId("q");
let newest = 0;

const address = () => {
  const q = search.value.trim();
  return q ? "/?q=" + encodeURIComponent(q) : "/";
};

const say = (text) => {
  // Only a change is written: the line is read aloud each time.
  if (byId("count").textContent !== text) byId("count").textContent = text;
};

const show = (fresh) => {
  say(fresh.getElementById("count").textContent);
  const view = fresh.getElementById("view");
  if (view.innerHTML === byId("view").innerHTML) return;
  const focused = document.activeElement.id;
  const left = document.querySelector(".scroll")?.scrollLeft ?? 0;
  byId("view").replaceWith(view);
  document.querySelector(".scroll")?.scrollTo({ left });
  if (focused) byId(focused)?.focus({ preventScroll: true });
};

const refresh = async () => {
  const turn = ++newest;
  try {
    const answer = await fetch(address());
    const text = await answer.text();
    if (!answer.ok) throw new Error(answer.statusText);
    // An answer that was overtaken by a later question is dropped.
    if (turn === newest) show(new DOMParser().parseFromString(text, "text/html"));
  } catch {
    if (turn === newest) say("The sandbox does not answer. Trying again …");
  }
};

let typing;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    history.replaceState(null, "", address());
    refresh();
  }, 150);
});
byId("live").hidden = false;
setInterval(() => {
  if (byId("refresh").checked && !document.hidden) refresh();
}, 2000);
