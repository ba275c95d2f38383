// Says so if the page does not come up: a module was not loaded, or fails, or never arrives. This is a script and no
// module, because a single module that is missing keeps all modules from running.

(() => {
  const PATIENCE = 20_000; // milliseconds

  function showNotice() {
    const [notice, views] = ["not-loaded", "views"].map((id) => document.getElementById(id));
    if (notice && views?.hidden) notice.hidden = false; // the first view hides it
  }

  addEventListener(
    "error",
    ({ target }) => {
      if (target === window || target instanceof HTMLScriptElement) showNotice();
    },
    true, // what an element could not load does not bubble
  );
  addEventListener("unhandledrejection", showNotice);
  setTimeout(showNotice, PATIENCE);
  addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.id === "reload") location.reload();
  });
})();
