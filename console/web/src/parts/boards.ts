// What numbers of leaderboards mean.
export const orders = ["lowest", "highest"];
export const operators = ["the best score", "the last score", "the sum", "what is left"];
