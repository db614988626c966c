#!/bin/sh
# A game server for the fleet manager, without a game: it lets everyone in who joins,
# and ends when the server asks it to. docs/fleet.md explains the protocol.

echo "map server for at most $FLEET_MAX_PLAYERS players on port $FLEET_PORT"
echo "@fleet ready"

# Every line is a join. The loop ends when the server closes the standard input.
players=0
while read -r line; do
	echo "joined: $line"
	players=$((players + 1))
	echo "@fleet players $players"
done
echo "the end"
