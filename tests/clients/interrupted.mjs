// Loaded into a client by NODE_OPTIONS=--import, in tests: ends it at one of its requests, as a Ctrl-C may.
// GIMS_END_BEFORE or GIMS_END_AFTER has a part of "METHOD /path"; after means that the server has done it.

const { GIMS_END_BEFORE: before, GIMS_END_AFTER: after } = process.env;
const send = globalThis.fetch;

globalThis.fetch = async (resource, options) => {
    const request = `${options?.method ?? "GET"} ${new URL(resource).pathname}`;
    if (before && request.includes(before)) process.exit(9);
    const response = await send(resource, options);
    if (after && request.includes(after)) process.exit(9);
    return response;
};
