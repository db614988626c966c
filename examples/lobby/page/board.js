// Draws a match on a canvas. The server sends positions ten times per second;
// in between the positions are interpolated.

const GROW_MS = 220; // until ink fills its cell

export class Board {
  #context;
  #colors = [];
  #cells = []; // { owner, since }
  #runners = []; // { from: [x, y], to: [x, y] }
  #stepAt = 0;
  #stepMs = 100;
  #frame = 0;
  width = 0;
  height = 0;

  constructor(canvas) {
    this.canvas = canvas;
    this.#context = canvas.getContext("2d");
    new ResizeObserver(() => this.#resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#resize());
  }

  // show draws the whole board as sent by the server.
  show({ width, height, cells, runners, tickRate }) {
    if (this.width !== width || this.height !== height || !this.#cells.length) {
      [this.width, this.height] = [width, height];
      this.#cells = Array.from({ length: width * height }, () => ({ owner: 0, since: 0 }));
    }
    [...cells].forEach((owner, i) => this.#own(i, Number(owner)));
    this.#runners = runners.map((at, i) => ({ from: this.#runners[i]?.to ?? at, to: at }));
    this.#stepMs = 1000 / tickRate;
    this.#stepAt = performance.now();
    this.#resize();
  }

  // step applies the changes of one step.
  step({ runners, cells }) {
    cells.forEach((list, seat) => list.forEach((cell) => this.#own(cell, seat + 1)));
    // A runner that has not arrived yet continues from where it is drawn now.
    const now = performance.now();
    this.#runners = runners.map((to, i) => ({ from: this.#at(this.#runners[i], now), to }));
    this.#stepAt = now;
    this.#draw();
  }

  // shares returns the number of cells of each player.
  shares() {
    const count = [0, 0];
    for (const { owner } of this.#cells) if (owner) count[owner - 1]++;
    return count;
  }

  // rest shows two blots while no game is played.
  rest() {
    const [width, height] = [28, 18];
    const blot = (i, x, y, size) => Math.hypot((i % width) - x, Math.floor(i / width) - y) < size;
    const cells = Array.from({ length: width * height }, (_, i) => (blot(i, 3, 5, 2.7) ? 1 : blot(i, 24, 12, 2.7) ? 2 : 0));
    this.show({ width, height, cells, runners: [], tickRate: 1 });
  }

  #own(i, owner) {
    const cell = this.#cells[i];
    if (cell.owner !== owner) this.#cells[i] = { owner, since: performance.now(), before: cell.owner };
  }

  #at({ from, to }, now) {
    const part = Math.min((now - this.#stepAt) / this.#stepMs, 1);
    return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part];
  }

  #resize() {
    const { canvas } = this;
    const style = getComputedStyle(canvas);
    this.#colors = ["--paper", "--one", "--two", "--line"].map((name) => style.getPropertyValue(name));
    canvas.width = canvas.clientWidth * devicePixelRatio;
    canvas.height = canvas.clientHeight * devicePixelRatio;
    this.#draw();
  }

  // #draw requests a frame; frames continue while something moves.
  #draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#paint(performance.now())) this.#draw();
    });
  }

  #paint(now) {
    const { canvas, width, height } = this;
    const c = this.#context;
    const [paper, one, two, line] = this.#colors;
    const ink = [paper, one, two];
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.#cells.length || !canvas.width) return false;
    c.scale(canvas.width / width, canvas.height / height);

    c.fillStyle = line;
    for (let y = 1; y < height; y++) {
      for (let x = 1; x < width; x++) c.fillRect(x - 0.04, y - 0.04, 0.08, 0.08);
    }

    let moving = false;
    this.#cells.forEach(({ owner, since, before }, i) => {
      if (!owner) return;
      const part = Math.min((now - since) / GROW_MS, 1);
      moving ||= part < 1;
      if (part < 1 && before) {
        c.fillStyle = ink[before];
        square(c, i % width, Math.floor(i / width), 1);
      }
      c.fillStyle = ink[owner];
      square(c, i % width, Math.floor(i / width), 1 - (1 - part) ** 3);
    });

    this.#runners.forEach((runner, seat) => {
      const [x, y] = this.#at(runner, now);
      moving ||= now - this.#stepAt < this.#stepMs;
      c.beginPath();
      c.arc(x + 0.5, y + 0.5, 0.62, 0, 2 * Math.PI);
      c.fillStyle = paper;
      c.fill();
      c.beginPath();
      c.arc(x + 0.5, y + 0.5, 0.46, 0, 2 * Math.PI);
      c.fillStyle = ink[seat + 1];
      c.fill();
    });
    return moving;
  }
}

// square fills a cell from its centre, slightly enlarged to hide seams between
// neighbours.
function square(c, x, y, part) {
  const size = part * 1.06;
  c.fillRect(x + (1 - size) / 2, y + (1 - size) / 2, size, size);
}
