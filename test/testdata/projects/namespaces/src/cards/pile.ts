namespace Game.Cards {
  export const Suits = ["clubs", "hearts"];

  export abstract class Pile {
    private cards: string[] = [];
    put(card: string): this { this.cards.push(card); return this; }
    get size(): number { return this.cards.length; }
  }

  export const failPile: nkruntime.RpcFunction = () => {
    throw new Error("no pile");
  };
}
