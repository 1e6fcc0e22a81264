import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  connect,
  drained,
  each,
  framesOf,
  settled,
  uniqueName,
} from "../support/client.js";
import { TestServer } from "../support/server.js";

let server;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

/** Calls a streaming method and records the callbacks in order. */
async function stream(client, method, args = [], options = (s) => ({ stream: s })) {
  const events = [];
  const callbacks = {
    onChunk: (chunk) => events.push(["chunk", chunk]),
    onDone: (result) => events.push(["done", result]),
    onError: (error) => events.push(["error", error]),
  };
  const outcome = await settled(
    client.call(method, args, options(callbacks)).then(
      (value) => ({ value }),
      (error) => ({ error: error.message }),
    ),
    "the end of the stream",
  );
  await drained(client);
  return { events, ...outcome };
}

const chunks = (n) => Array.from({ length: n }, (_, i) => ["chunk", i]);

each(test, "S112 S138 streaming: chunks in order, then the result", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const { events, value } = await stream(client, "streamNumbers", [5]);
  assert.deepEqual(events, [...chunks(5), ["done", 5]]);
  assert.equal(value, 5);
  const frames = framesOf(client, "rpc").slice(0, 6);
  for (const frame of frames.slice(0, 5)) {
    assert.deepEqual(Object.keys(frame).sort(), [
      "done",
      "id",
      "result",
      "success",
      "type",
    ]);
    assert.equal(frame.done, false);
  }
  assert.equal(frames[5].done, true);
});

each(test, "S138 streaming with the older form of the callbacks, and with none", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const { events } = await stream(client, "streamNumbers", [2], (s) => s);
  assert.deepEqual(events, [...chunks(2), ["done", 2]]);
  assert.equal(await settled(client.call("streamNumbers", [3]), "the result"), 3);
});

each(test, "S138 an empty stream ends at once", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const { events, value } = await stream(client, "streamNumbers", [0]);
  assert.deepEqual(events, [["done", 0]]);
  assert.equal(value, 0);
});

each(test, "S132 streaming: an error after some chunks", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const { events, error } = await stream(client, "streamFails", [2]);
  assert.deepEqual(events, [...chunks(2), ["error", "stream broke"]]);
  assert.equal(error, "stream broke");
});

each(test, "S138 a returned stream looks the same and ends without a result", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const { events, value } = await stream(client, "streamReturned", [4]);
  assert.deepEqual(events, [...chunks(4), ["done", undefined]]);
  assert.equal(value, undefined);
});

each(test, "S138 what is sent after the end is dropped", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const { events, value } = await stream(client, "streamEnded");
  assert.deepEqual(events, [
    ["chunk", 1],
    ["done", 99],
  ]);
  assert.equal(value, 99);
  // The frames are one chunk, one end, and the answer that drained() waited for.
  assert.equal(framesOf(client, "rpc").length, 3);
});

each(test, "S112 two streams of one client run side by side, other calls between", async (t, version) => {
  const client = await connect(t, version, server, { name: uniqueName() });
  const [first, second, sum] = await Promise.all([
    stream(client, "streamNumbers", [20]),
    stream(client, "streamNumbers", [15]),
    client.call("sum", [1, 2]),
  ]);
  assert.deepEqual(first.events, [...chunks(20), ["done", 20]]);
  assert.deepEqual(second.events, [...chunks(15), ["done", 15]]);
  assert.equal(sum, 3);
  const ids = framesOf(client, "rpc").map(({ id }) => id);
  const firstEnd = ids.lastIndexOf(ids[0]);
  assert.ok(
    ids.slice(0, firstEnd).some((id) => id !== ids[0]),
    "frames of the two streams interleave",
  );
});

each(test, "S138 a client that leaves in the middle of a stream does no harm", async (t, version) => {
  const name = uniqueName();
  const leaver = await connect(t, version, server, { name });
  const other = await connect(t, version, server, { name });
  const cut = stream(leaver, "streamNumbers", [1000]).catch(() => {});
  await settled(
    new Promise((resolve) => {
      leaver.addEventListener("message", ({ data }) => {
        if (data.includes('"done":false')) resolve();
      });
    }),
    "a first chunk",
  );
  leaver.close();
  await drained(other);
  assert.equal(await other.call("increment"), 1);
  void cut;
});
