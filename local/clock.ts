/** The current time in milliseconds since the epoch. Injected everywhere, so that a test can move time. */
export type Clock = () => number;
