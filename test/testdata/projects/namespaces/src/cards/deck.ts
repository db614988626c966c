/// <reference path="./pile.ts" />
namespace Game.Cards {
  // A deck is a pile that is full to begin with.
  export class Deck extends Pile {
    constructor(readonly suits: string[] = Suits) {
      super();
      for (const suit of suits) this.put(suit);
    }
  }

  export const failDeck: nkruntime.RpcFunction = () => {
    throw new Error("no deck");
  };
}
