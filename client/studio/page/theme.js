// Runs before the page is drawn, so that it never flashes in the other theme. No choice: the system's.
(() => {
  const NAME = "soundvae-theme";
  const root = document.documentElement;
  const chosen = () => {
    try {
      return localStorage.getItem(NAME);
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  if (["dark", "light"].includes(chosen())) root.dataset.theme = chosen();
  globalThis.theme = {
    dark: () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches),
    turn() {
      root.dataset.theme = this.dark() ? "light" : "dark";
      try {
        localStorage.setItem(NAME, root.dataset.theme);
      } catch {
        // it lasts until the page is closed
      }
    },
  };
})();
