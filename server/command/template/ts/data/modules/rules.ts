// The rules of the game: two players take one to three stones in turn, and whoever
// takes the last one wins. They know nothing of the server, so tests can call them.

export const STONES = 15;
const MOST = 3;

export class Game {
  stones = STONES;
  players: string[] = []; // user ids; the first one begins
  turn = 0; // an index into players
  winner = ""; // a user id

  // Takes stones, or returns why that is not allowed.
  take(userId: string, count: unknown): string | null {
    if (this.winner) return "the game is over";
    if (this.players.length < 2) return "wait for the other player";
    if (this.players[this.turn] !== userId) return "it is not your turn";
    if (!Number.isInteger(count) || (count as number) < 1 || (count as number) > Math.min(MOST, this.stones)) {
      return `take 1 to ${Math.min(MOST, this.stones)} stones`;
    }
    this.stones -= count as number;
    if (this.stones === 0) this.winner = userId;
    this.turn = 1 - this.turn;
    return null;
  }
}
