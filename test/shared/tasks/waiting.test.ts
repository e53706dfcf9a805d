import { inTurn, type Waiting } from '../../../shared/tasks/waiting';

const waiting = (folder: string, sinceMs: number, more: Partial<Waiting> = {}): Waiting => ({
  folder,
  sinceMs,
  id: `${folder}${sinceMs}`,
  ...more,
});
const ids = (line: readonly Waiting[]) => line.map(({ id }) => id);

test('folders take turns, behind the one whose turn it was last, and the oldest of each comes first', () => {
  const line = [
    waiting('a', 3),
    waiting('a', 1),
    waiting('a', 2),
    waiting('b', 9),
    waiting('c', 5),
    waiting('c', 4),
  ];
  expect(ids(inTurn(line))).toEqual(['a1', 'b9', 'c4', 'a2', 'c5', 'a3']);
  expect(ids(inTurn(line, 'a'))).toEqual(['b9', 'c4', 'a1', 'c5', 'a2', 'a3']);
  expect(ids(inTurn(line, 'c'))).toEqual(['a1', 'b9', 'c4', 'a2', 'c5', 'a3']);
});

test('an upload with several records is in line once', () => {
  const line = [
    waiting('a', 2, { id: 'x' }),
    waiting('a', 1, { id: 'x', recordKey: 'r' }),
    waiting('', 3, { id: 'x' }),
  ];
  expect(inTurn(line)).toEqual([waiting('a', 1, { id: 'x', recordKey: 'r' })]);
});
