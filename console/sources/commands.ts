import { asTyped } from '../../package-folder';
import type { Commands } from '../server/console-api';

/** @param again the command that starts this console again, as typed; `npm start` when left out */
export function commands(again?: string): Commands {
  const start = asTyped('npm start');
  return {
    start,
    startWithFile: asTyped('npm start -- holiday.mp4'),
    listen: asTyped('npm run local -- listen'),
    again: again ?? start,
  };
}
