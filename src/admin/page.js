"use strict";
const again = async () => {
  let stale = false;
  if (!document.hidden) {
    try {
      const answer = await fetch("/", { cache: "no-store" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelector("main").replaceWith(fresh.querySelector("main"));
    } catch (error) {
      stale = true;
    }
    document.getElementById("stale").hidden = !stale;
  }
  setTimeout(again, 5000);
};
setTimeout(again, 5000);
