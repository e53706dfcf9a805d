import { post } from './post';

/** A floor: one POST with constant headers, without checks and signature. */
export const handler = post;
