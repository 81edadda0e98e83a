// A moving picture that carries its own frame number, so that one can tell what arrived.

// Two rows of blocks at the top: the number's bits, and below them the same bits inverted.
const bits = 16;
const rows = 2;
const blockShare = 1 / 16;

export class TestPicture {
  constructor(name, width = 960, height = 540, framesPerSecond = 20) {
    this.name = name;
    this.frame = 0;
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.hue = [...name].reduce((sum, letter) => sum * 31 + letter.codePointAt(0), 7) % 360;
    this.#draw();
    this.track = this.canvas.captureStream(framesPerSecond).getVideoTracks()[0];
    // A page in the background has its own timers slowed down, a worker has not.
    this.clock = new Worker("/page/clock.js");
    this.clock.postMessage(1000 / framesPerSecond);
    this.clock.onmessage = () => this.#draw();
  }

  stop() {
    this.clock.terminate();
    this.track.stop();
  }

  #draw() {
    const { context, canvas: { width, height } } = this;
    this.frame = (this.frame + 1) % (1 << bits);
    const time = this.frame / 20;
    context.fillStyle = `hsl(${this.hue} 45% 32%)`;
    context.fillRect(0, 0, width, height);
    context.fillStyle = `hsl(${this.hue} 60% 45%)`;
    for (let bar = 0; bar < 6; bar += 1) {
      const x = (((bar / 6 + time / 12) % 1) * 1.3 - 0.15) * width;
      context.fillRect(x, height * 0.3, width * 0.08, height * 0.7);
    }
    context.fillStyle = `hsl(${this.hue + 40} 85% 65%)`;
    context.beginPath();
    const x = width * (0.5 + 0.35 * Math.sin(time));
    context.arc(x, height * (0.68 + 0.12 * Math.cos(time * 1.7)), height * 0.12, 0, 7);
    context.fill();
    context.fillStyle = "#fff";
    context.font = `600 ${height * 0.1}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.fillText(this.name, width / 2, height * 0.44, width * 0.9);
    this.#drawNumber();
  }

  #drawNumber() {
    const { context, canvas: { width, height } } = this;
    const blockWidth = width / bits;
    const blockHeight = height * blockShare;
    for (let row = 0; row < rows; row += 1) {
      for (let bit = 0; bit < bits; bit += 1) {
        const isSet = ((this.frame >> bit) & 1) !== row;
        context.fillStyle = isSet ? "#fff" : "#000";
        context.fillRect(bit * blockWidth, row * blockHeight, blockWidth, blockHeight);
      }
    }
  }
}

const reading = document.createElement("canvas");

// The number of the frame that `video` shows, or null if the picture does not carry one.
export function frameNumber(video) {
  const { videoWidth, videoHeight } = video;
  if (!videoWidth) return null;
  reading.width = videoWidth;
  reading.height = Math.ceil(videoHeight * blockShare * rows);
  const context = reading.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  let number = 0;
  for (let bit = 0; bit < bits; bit += 1) {
    const x = Math.floor(((bit + 0.5) * videoWidth) / bits);
    const [upper, lower] = [0.5, 1.5].map((row) => {
      const y = Math.floor(row * videoHeight * blockShare);
      return context.getImageData(x, y, 1, 1).data[1];
    });
    if (Math.abs(upper - lower) < 64) return null;
    if (upper > lower) number |= 1 << bit;
  }
  return number;
}
