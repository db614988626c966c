describe("not part of the program", () => { throw new Error("it must not run"); });
