/* The whole script of the ordinary pages. Every page works without it. */
"use strict";

(() => {
  const root = document.documentElement;

  // Theme "auto": our colours follow the system in CSS; this only tells Bootstrap's few images.
  if (root.dataset.theme === "auto") {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => {
      if (dark.matches) root.dataset.bsTheme = "dark";
      else delete root.dataset.bsTheme;
    };
    dark.addEventListener("change", follow);
    follow();
  }

  // Menus are <details>: close on Escape and on a click or focus elsewhere.
  const menus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    }
  });
  const leave = (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  };
  document.addEventListener("click", leave);
  document.addEventListener("focusin", leave);

  // The words after a refused form: focus goes to the summary of what needs correction.
  document.querySelector("[data-error-summary]")?.focus();

  // Clocks: refresh "3 h 12 min left" by the server's time; days left are the server's words and stay.
  const offset = Date.parse(root.dataset.serverNow) - Date.now() || 0;
  const clocks = document.querySelectorAll("[data-due][data-left]");
  const tick = () => {
    for (const clock of clocks) {
      const words = clock.closest(".clock")?.querySelector(".chip span");
      if (!words) continue;
      const minutes = Math.floor((Date.parse(clock.dataset.due) - Date.now() - offset) / 60000);
      words.textContent =
        minutes < 0
          ? clock.dataset.over
          : minutes < 1
            ? clock.dataset.soon
            : clock.dataset.left.replace("{h}", Math.floor(minutes / 60)).replace("{m}", minutes % 60);
    }
  };
  if (clocks.length) {
    tick();
    setInterval(tick, 20000);
  }
})();
