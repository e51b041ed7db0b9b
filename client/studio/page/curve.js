// A run's figures over its epochs, with axes.

import { begin, marks } from "./canvas.js";
import { ink } from "./colours.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [54, 14, 26, 34]; // pixels around the plot

// `lines` is {name: [[epoch, value], …]}; `most` how many epochs there will be.
export function drawCurve(canvas, lines, most, unit) {
  const { context, width, height } = begin(canvas);
  const values = Object.values(lines).flat().map(([, value]) => value).filter(Number.isFinite);
  const [right, bottom] = [width - RIGHT, height - BOTTOM];
  let [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  [low, high] = [low - room, high + room];
  const x = (epoch) => LEFT + ((epoch - 1) / Math.max(1, most - 1)) * (right - LEFT);
  const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - TOP);
  context.textBaseline = "middle";
  for (const value of marks(low, high, Math.max(2, (bottom - TOP) / 40))) {
    context.fillStyle = ink("line");
    context.fillRect(LEFT, Math.round(y(value)), right - LEFT, 1);
    context.fillStyle = ink("muted");
    context.textAlign = "right";
    context.fillText(Number(value.toPrecision(4)).toString().replace("-", "−"), LEFT - 8, y(value));
  }
  context.textAlign = "center";
  for (const epoch of marks(1, Math.max(2, most), Math.max(2, (right - LEFT) / 70)).filter(Number.isInteger)) {
    context.fillText(epoch, x(epoch), bottom + 12);
  }
  context.textAlign = "right";
  context.fillText("epoch", right, bottom + 26);
  context.textAlign = "left";
  context.fillText(unit, LEFT, 10);
  Object.entries(lines).forEach(([name, points], number) => {
    const colour = ink(number ? "second" : "accent");
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.setLineDash(number ? [5, 4] : []);
    context.beginPath();
    for (const [epoch, value] of points) if (Number.isFinite(value)) context.lineTo(x(epoch), y(value));
    context.stroke();
    context.setLineDash([]);
    const last = points.at(-1);
    if (last) {
      context.beginPath();
      context.arc(x(last[0]), y(last[1]), 3.5, 0, 2 * Math.PI);
      context.fill();
    }
    context.textAlign = "right";
    context.fillText(`${number ? "╌" : "━"} ${name}`, right - number * 110, 10);
  });
}
