// Built from `agents-core/typescript/src/runtime/mirror.ts` by `npm run build`; `npm run check` compares the two.
import { AgentError } from "./error.js";
import { Listeners } from "./listeners.js";
/** Sees a change of the state. */
export type StateListener<State> = (next: State, previous: State | undefined) => void;
/** The local copy: what the server said, and what was pushed since. */
export declare class Mirror {
    #private;
    state: unknown;
    readonly listeners: Listeners<[next: unknown, previous: unknown]>;
    readonly rejections: Listeners<[error: AgentError]>;
    opened(): void;
    /** The state shall be this; the copy changes at once. */
    push(state: unknown): void;
    pushed(): void;
    received(state: unknown): void;
    /** No state comes with this greeting. */
    greeted(): void;
    refused(text: string): void;
}
