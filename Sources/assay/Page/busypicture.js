// A picture that uses all the bandwidth it is given: grain that moves, some of it new in each frame.

const width = 640;
const height = 360;
const framesPerSecond = 30;
// Pixels of one grain, and the share of the picture that is new each time.
const grain = 2;
const freshness = 1 / 8;

function grains(columns, rows) {
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let index = 0; index < image.data.length; index += 1) {
    image.data[index] = index % 4 === 3 ? 255 : 60 + Math.random() * 130;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export class BusyPicture {
  constructor() {
    this.frame = 0;
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.ground = grains(width / grain + 64, height / grain + 64);
    this.patches = Array.from(
      { length: 8 }, () => grains((width / grain) * freshness, height / grain));
    this.#draw();
    this.track = this.canvas.captureStream(framesPerSecond).getVideoTracks()[0];
    this.clock = new Worker("/page/clock.js");
    this.clock.postMessage(1000 / framesPerSecond);
    this.clock.onmessage = () => this.#draw();
  }

  get size() { return { width, height }; }

  stop() {
    this.clock.terminate();
    this.track.stop();
  }

  #draw() {
    const { context, ground, patches } = this;
    this.frame += 1;
    const x = 32 + 30 * Math.sin(this.frame / 23);
    const y = 32 + 30 * Math.cos(this.frame / 31);
    context.drawImage(ground, x, y, width / grain, height / grain, 0, 0, width, height);
    const patch = patches[this.frame % patches.length];
    const left = (this.frame * 7) % (width * (1 - freshness));
    context.drawImage(patch, left, 0, width * freshness, height);
  }
}
