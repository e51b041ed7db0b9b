// The contrast of each text to what lies behind it, by WCAG 2.2: {text: ratio}.
() => {
  const KINDS = "p, label, button, h2, span, kbd, output, legend, option, strong, dt, dd";
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) =>
    0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    throw new Error("the page has no background");
  };
  const said = (node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim();
  const found = {};
  for (const element of document.querySelectorAll(KINDS)) {
    const shown = element.checkVisibility() && !element.closest(":disabled");
    if (!shown || ![...element.childNodes].some(said)) continue;
    const pair = [numbers(getComputedStyle(element).color), behind(element)].map(luminance);
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    found[`${element.tagName} ${element.textContent.trim().slice(0, 30)}`] = ratio;
  }
  return found;
};
