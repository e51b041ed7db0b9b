// Colours of the theme for canvases, which cannot name CSS variables themselves.

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

// A CSS variable as the browser resolves it in the present theme, such as "rgb(1, 2, 3)".
export function ink(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

const GOLDEN_ANGLE = 137.508; // degrees: hues next to each other in the list are far apart
const FEW = 12; // labels that share out the circle evenly

// A sound without a label has a colour of its own. oklch has even lightness for all hues, so no label shines out: www.w3.org/TR/css-color-4/#ok-lab
export function labelColour(number, count, alpha = 1) {
  if (number === null) return ink("second").replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
  const hue = count <= FEW ? (360 * number) / count + 20 : number * GOLDEN_ANGLE;
  const [lightness, chroma] = theme.dark() ? [0.76, 0.14] : [0.58, 0.17];
  return `oklch(${lightness} ${chroma} ${hue} / ${alpha})`;
}

// 256 colours from silence to the loudest, between the theme's five stops; [r, g, b] each.
export function spectrogramColours() {
  const stops = [0, 1, 2, 3, 4].map((n) => ink(`heat-${n}`).match(/[\d.]+/g).slice(0, 3).map(Number));
  return Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    return stops[low].map((value, c) => value + (stops[low + 1][c] - value) * (place - low));
  });
}
