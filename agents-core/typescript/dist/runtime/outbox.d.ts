// Built from `agents-core/typescript/src/runtime/outbox.ts` by `npm run build`; `npm run check` compares the two.
/** Text, or bytes. */
export type Data = string | ArrayBuffer | ArrayBufferView<ArrayBuffer> | Blob;
type Entry = {
    data: Data;
    size: number;
    call: string | undefined;
    left: (() => void) | undefined;
};
/** A bounded queue of frames that wait for a connection. The frames keep their order. */
export declare class Outbox {
    #private;
    constructor(limit: number);
    /** Adds a frame. `left` is called when the frame has been sent. Throws `overflow` if the queue is full. */
    push(data: Data, call?: string, left?: () => void): void;
    /** Removes the next frame and returns it. */
    shift(): Entry | undefined;
    /** Removes a call that has not been sent. */
    drop(call: string): void;
    /** Removes all calls that have not been sent. */
    dropCalls(): void;
    clear(): void;
}
export {};
