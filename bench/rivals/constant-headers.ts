import { post } from './post';

/** A floor: one POST with constant headers; nothing is checked, nothing is signed. */
export const handler = post;
