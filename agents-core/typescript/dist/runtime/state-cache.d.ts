// Built from `agents-core/typescript/src/runtime/state-cache.ts` by `npm run build`; `npm run check` compares the two.
import { AgentError } from "./error.js";
import { Listeners } from "./listeners.js";
/** A function that is called when the state has changed. */
export type StateListener<State> = (next: State, previous: State | undefined) => void;
/** The local copy of the state: the last state from the server, and the pushes after it. */
export declare class StateCache {
    #private;
    state: unknown;
    readonly listeners: Listeners<[next: unknown, previous: unknown]>;
    readonly rejections: Listeners<[error: AgentError]>;
    opened(): void;
    /** Changes the copy immediately. The push is sent later. */
    push(state: unknown): void;
    pushed(): void;
    received(state: unknown): void;
    /** Called at the end of the greeting. A state that arrives later is not the initial one. */
    greeted(): void;
    refused(text: string): void;
}
