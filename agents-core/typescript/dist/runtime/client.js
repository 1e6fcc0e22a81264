// Built from `agents-core/typescript/src/runtime/client.ts` by `npm run build`; `npm run check` compares the two.
// A connection with the methods of its agent.
import { Connection } from "./connection.js";
/** Connects to an agent. */
export function open(metadata, name, options) {
    const { client, start } = prepare(metadata, name, options);
    start();
    return client;
}
/** Makes a client that does not connect yet. */
export function prepare(metadata, name, options = {}) {
    const connection = new Connection(metadata.name, name, options);
    const invoke = (method, given, options) => {
        const known = metadata.methods[method];
        // `items.map(agent.add)` also passes an index and the whole array, which are not arguments of the method.
        const args = known ? given.slice(0, known.arguments.length) : given;
        return known?.streaming ? connection.stream(method, args, options) : connection.call(method, args, options);
    };
    const hear = (listeners) => (listener) => listeners.add(listener);
    const methods = Object.keys(metadata.methods).map((method) => [
        method,
        (...args) => invoke(method, args),
    ]);
    const members = {
        get state() {
            return connection.stateCache.state;
        },
        get status() {
            return connection.status;
        },
        get error() {
            return connection.error;
        },
        get identity() {
            return connection.identity;
        },
        connectionId: connection.connectionId,
        ready: connection.ready,
        closed: connection.closed,
        call: invoke,
        setState: (state) => connection.setState(state),
        subscribe: hear(connection.stateCache.listeners),
        onStateRejected: hear(connection.stateCache.rejections),
        onStatus: hear(connection.statuses),
        onMessage: hear(connection.messages),
        send: (data) => connection.send(data),
        close: (code, reason) => connection.close(code, reason),
    };
    const client = Object.fromEntries(methods);
    Object.defineProperties(client, Object.getOwnPropertyDescriptors(members));
    return { client: client, start: () => connection.start() };
}
