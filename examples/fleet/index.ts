// Players ask for a game: they get a slot in a game server that has one, or a new game
// server is started. They learn its address from the response, or from a notification
// with this code once it is ready.
const GAME_READY = 1;

export const InitModule: nkruntime.InitModule = (ctx, logger, nk, initializer) => {
	initializer.registerRpc("find_game", findGame);
	initializer.registerFleetCreated(gameCreated);
};

function findGame(ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, map: string): string {
	const fleet = nk.getFleetManager(), userId = ctx.userId;
	if (!fleet) {
		throw { message: "no game servers here", code: nkruntime.Codes.FAILED_PRECONDITION };
	}
	if (!userId) {
		throw { message: "players only", code: nkruntime.Codes.PERMISSION_DENIED };
	}
	const found = fleet.list(`+status:running +metadata.map:"${map}" +free:>=1`, 1).instances;
	if (found.length > 0) {
		const joined = fleet.join(found[0].id, [userId]);
		return JSON.stringify(address(joined.instanceInfo, joined.sessionInfo[0]));
	}
	fleet.create(4, [userId], null, { map, userId });
	return JSON.stringify({ wait: true });
}

// gameCreated runs when a request of findGame has ended, in whichever VM is free. What
// it has to know is in the metadata.
function gameCreated(ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, creation: nkruntime.FleetCreation) {
	const instance = creation.instanceInfo;
	const content = instance ? address(instance, creation.sessionInfo[0]) : { error: "no game server could be started" };
	if (creation.error) {
		logger.error("no game server for %s: %s", creation.metadata.userId, creation.error);
	}
	nk.notificationSend(creation.metadata.userId, "game", content, GAME_READY, null, false);
}

function address(instance: nkruntime.FleetInstance, session: nkruntime.FleetSession) {
	const { ipAddress, dnsName, port } = instance.connectionInfo;
	return { host: ipAddress || dnsName, port, sessionId: session.sessionId };
}
