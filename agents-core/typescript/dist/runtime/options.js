// Built from `agents-core/typescript/src/runtime/options.ts` by `npm run build`; `npm run check` compares the two.
// The options of a client, and the address of an agent.
/** Returns the address of an agent, without its query. Throws a `TypeError` if the address is invalid. */
export function address(route, name, options) {
    const page = globalThis.location;
    const host = options.host ?? page?.host;
    if (!host)
        throw new TypeError("outside of a page the option `host` is needed");
    const bare = host.replace(/^(https?|wss?):\/\//, "").replace(/\/+$/, "");
    const path = options.path ?? `agents/${route}/${canonical(name)}`;
    const url = `${options.protocol ?? scheme(host, bare, page)}://${bare}/${path.replace(/^\/+/, "")}`;
    new URL(url); // throws, because an invalid address would be tried forever
    return url;
}
/** Returns the canonical form of a name, which stands in addresses and which the agent sees. */
export function canonical(name) {
    let plain;
    try {
        // A percent sign without an escape stands for itself. An unpaired surrogate becomes U+FFFD, as in browsers.
        plain = name.replace(/\p{Surrogate}/gu, "\ufffd").replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
    }
    catch {
        plain = ""; // the escapes are not UTF-8
    }
    // An address with a name of dots would lead to another path.
    if (plain === "" || plain === "." || plain === "..")
        throw new TypeError(`"${name}" is not the name of an agent`);
    return plain.replace(/[^!$&-.0-;=@-\[\]_a-z|~]+/g, encodeURIComponent);
}
function scheme(host, bare, page) {
    const given = /^(http|https|ws|wss):\/\//.exec(host)?.[1];
    if (given)
        return given.endsWith("s") && given !== "ws" ? "wss" : "ws";
    if (page?.protocol === "https:") {
        // Browsers let a secure page connect without encryption only to this machine.
        return page.host !== bare && LOCAL.test(bare) ? "ws" : "wss";
    }
    if (page?.protocol === "http:" && (page.host === bare || !LOCAL.test(page.host)))
        return "ws";
    return LOCAL.test(bare) || PRIVATE.test(bare) ? "ws" : "wss";
}
/** The addresses of this machine, with or without a port. */
const LOCAL = /^(([^:/]+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/i;
/** The addresses of private networks, with or without a port. Few of them have a certificate. */
const PRIVATE = /^(10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+|169\.254\.\d+\.\d+|[^:/]+\.local|\[f([cd]|e[89ab])[\da-f:]*\])(:\d+)?(\/|$)/i;
/** Returns the query of an address, with the id of the connection. */
export function search(query, connectionId) {
    const parameters = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) {
        if (value !== null && value !== undefined)
            parameters.set(key, String(value));
    }
    parameters.set("_pk", connectionId);
    return parameters.toString();
}
/** Returns a random id for a connection. */
export function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
