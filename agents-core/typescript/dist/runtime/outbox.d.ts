// Built from `agents-core/typescript/src/runtime/outbox.ts` by `npm run build`; `npm run check` compares the two.
/** Text, or bytes. */
export type Data = string | ArrayBuffer | ArrayBufferView<ArrayBuffer> | Blob;
type Entry = {
    data: Data;
    size: number;
    call: string | undefined;
    left: (() => void) | undefined;
};
/** Frames in their order, until there is a connection; bounded. */
export declare class Outbox {
    #private;
    constructor(limit: number);
    /** Adds a frame. `left` is told when it leaves. */
    push(data: Data, call?: string, left?: () => void): void;
    /** Takes the next frame. */
    shift(): Entry | undefined;
    /** Takes a call back that has not left. */
    drop(call: string): void;
    /** Takes all calls back. */
    dropCalls(): void;
    clear(): void;
}
export {};
