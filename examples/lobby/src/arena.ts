// The rules of Ink, independent of the server. Two players run over a grid and
// leave ink. Cells that a player's ink encloses become that player's, too.

export const WIDTH = 28;
export const HEIGHT = 18;

// Directions as players send them: right, down, left, up.
const STEPS = [[1, 0], [0, 1], [-1, 0], [0, -1]];

// Turns a player can queue, so that two quick key presses both count.
const TURNS_AHEAD = 2;

export interface Runner {
  x: number;
  y: number;
  direction: number; // -1: standing
  turns: number[]; // queued
}

export class Arena {
  // 0: free, otherwise 1 + the player's seat
  cells: number[] = Array(WIDTH * HEIGHT).fill(0);
  runners: [Runner, Runner] = [runner(3, HEIGHT >> 1), runner(WIDTH - 4, HEIGHT >> 1)];

  constructor() {
    this.runners.forEach(({ x, y }, seat) => (this.cells[y * WIDTH + x] = seat + 1));
  }

  turn(seat: number, direction: unknown) {
    const { turns } = this.runners[seat];
    if (Number.isInteger(direction) && STEPS[direction as number] && turns.length < TURNS_AHEAD) {
      turns.push(direction as number);
    }
  }

  // step moves both players by one cell and returns the cells that changed
  // owner. The first mover alternates, since two players cannot enter the same
  // cell.
  step(tick: number): number[] {
    const changed: number[] = [];
    for (const seat of tick % 2 ? [1, 0] : [0, 1]) {
      const cell = this.move(seat);
      if (cell >= 0 && this.cells[cell] !== seat + 1) {
        this.cells[cell] = seat + 1;
        changed.push(cell, ...this.enclose(seat + 1));
      }
    }
    return changed;
  }

  score(): [number, number] {
    const score: [number, number] = [0, 0];
    for (const owner of this.cells) if (owner) score[owner - 1]++;
    return score;
  }

  // move returns the cell the player moved to, or -1.
  private move(seat: number): number {
    const me = this.runners[seat];
    const other = this.runners[1 - seat];
    me.direction = me.turns.shift() ?? me.direction;
    if (me.direction < 0) return -1;
    const [dx, dy] = STEPS[me.direction];
    const [x, y] = [me.x + dx, me.y + dy];
    const blocked = x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT || (x === other.x && y === other.y);
    if (blocked) return -1;
    [me.x, me.y] = [x, y];
    return y * WIDTH + x;
  }

  // enclose returns all cells from which no path leads to the edge except over
  // the owner's ink: it floods the grid from the edge and returns the cells
  // not reached.
  private enclose(owner: number): number[] {
    const { cells } = this;
    const wet = new Uint8Array(cells.length);
    const flood: number[] = [];
    const reach = (cell: number) => {
      if (wet[cell] || cells[cell] === owner) return;
      wet[cell] = 1;
      flood.push(cell);
    };
    for (let x = 0; x < WIDTH; x++) {
      reach(x);
      reach((HEIGHT - 1) * WIDTH + x);
    }
    for (let y = 0; y < HEIGHT; y++) {
      reach(y * WIDTH);
      reach(y * WIDTH + WIDTH - 1);
    }
    for (let cell = flood.pop(); cell !== undefined; cell = flood.pop()) {
      const x = cell % WIDTH;
      if (x > 0) reach(cell - 1);
      if (x < WIDTH - 1) reach(cell + 1);
      if (cell >= WIDTH) reach(cell - WIDTH);
      if (cell < cells.length - WIDTH) reach(cell + WIDTH);
    }
    const taken: number[] = [];
    cells.forEach((was, cell) => {
      if (wet[cell] || was === owner) return;
      cells[cell] = owner;
      taken.push(cell);
    });
    return taken;
  }
}

function runner(x: number, y: number): Runner {
  return { x, y, direction: -1, turns: [] };
}
